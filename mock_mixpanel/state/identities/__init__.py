"""Who is who: one module for each of Mixpanel's three identity systems
(docs/facts/mixpanel-http-api.md#identity).

A system knows ids and no times. It is fed the identity events in order of arrival and decides on
each at once; what it decides, a `Link`, takes effect when the caller says so, `alias_delay` later
(see `state.py`). It can be asked at any moment, and answers for the links in effect by then.
"""

from mock_mixpanel.state.identities.legacy import Legacy
from mock_mixpanel.state.identities.links import Identities, Link, LinkDecision, Merge
from mock_mixpanel.state.identities.original import Original
from mock_mixpanel.state.identities.simplified import Simplified

__all__ = ["Identities", "Link", "LinkDecision", "Merge", "identities_for"]


def identities_for(mode: str, cluster_ids: int) -> Identities:
    """An empty identity system; `cluster_ids` is how many ids one person can have, if limited."""
    if mode == "original":
        return Original(cluster_ids)
    return Simplified() if mode == "simplified" else Legacy()
