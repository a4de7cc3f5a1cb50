"""Translators that are broken on purpose: the suite must catch each of them.

Each is a small wrapper around ours that has one bug real integrations had. `caught_by` is a glob of
the ids of scenarios of which at least one must fail with it.
"""

from conformance.broken.deliveries import DELIVERIES
from conformance.broken.devices import DEVICES
from conformance.broken.engagements import ENGAGEMENTS
from conformance.broken.events import EVENTS
from conformance.broken.identities import IDENTITIES
from conformance.broken.profiles import PROFILES
from conformance.broken.tools import Broken

BROKEN: tuple[Broken, ...] = IDENTITIES + EVENTS + PROFILES + DELIVERIES + ENGAGEMENTS + DEVICES

__all__ = ["BROKEN", "Broken"]
