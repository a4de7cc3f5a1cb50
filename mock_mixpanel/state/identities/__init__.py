"""Identity resolution: one module for each of Mixpanel's three identity systems
(docs/facts/mixpanel-http-api.md#identity).

A system knows ids but no times. It receives the events in order of arrival and decides on each at
once. The decision, a `Link`, takes effect when the caller applies it, `alias_delay` later. Queries
consider the links that are in effect.
"""

from mock_mixpanel.state.identities.legacy import Legacy
from mock_mixpanel.state.identities.links import Identities, Link, LinkDecision, Merge
from mock_mixpanel.state.identities.original import Original
from mock_mixpanel.state.identities.simplified import Simplified

__all__ = ["Identities", "Link", "LinkDecision", "Merge", "identities_for"]


def identities_for(mode: str, cluster_ids: int) -> Identities:
    """An empty identity system; `cluster_ids` limits the ids of one person under original."""
    if mode == "original":
        return Original(cluster_ids)
    return Simplified() if mode == "simplified" else Legacy()
