"""Mutants: translators that are broken on purpose. The suite must catch each of them.

Each wraps our translator and adds one bug that real integrations had. `caught_by` is a glob of
scenario ids; at least one of these scenarios must fail with the bug.
"""

from conformance.mutants.deliveries import DELIVERIES
from conformance.mutants.devices import DEVICES
from conformance.mutants.engagements import ENGAGEMENTS
from conformance.mutants.events import EVENTS
from conformance.mutants.identities import IDENTITIES
from conformance.mutants.mobile import MOBILE
from conformance.mutants.profiles import PROFILES
from conformance.mutants.tools import Broken

BROKEN: tuple[Broken, ...] = (
    IDENTITIES + EVENTS + PROFILES + DELIVERIES + ENGAGEMENTS + DEVICES + MOBILE
)

__all__ = ["BROKEN", "Broken"]
