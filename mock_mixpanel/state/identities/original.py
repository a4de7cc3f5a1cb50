"""Original ID Merge: `$identify`, `$create_alias` and `$merge` join clusters of ids, retroactively.

The order of the checks and the reasons come from Mixpanel's flowcharts
(docs/facts/mixpanel-http-api.md#original-id-merge); the descriptions are ours. A failed event is
stored with its reason; the answer is success.
"""

import re
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Any

from mock_mixpanel.json_values import identifier
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.state.identities.clusters import Clusters
from mock_mixpanel.state.identities.links import NOTHING, Link, LinkDecision, Merge

ANONYMOUS = re.compile(r"(\$device:)?[0-9a-f]+(-[0-9a-f]+){4}", re.IGNORECASE)
"""Five dashed groups: a UUID, and the ids Mixpanel's SDKs make, with or without their prefix."""


@dataclass
class Original:
    """Clusters of at most `cluster_ids` ids.

    Events are decided on in order of arrival, as if all links before them were in effect.
    """

    cluster_ids: int
    decided: Clusters = field(default_factory=Clusters)
    effective: Clusters = field(default_factory=Clusters)
    aliases: set[str] = field(default_factory=set)
    """Ids that were used as an `alias`."""
    identified: set[str] = field(default_factory=set)
    """Ids that were used as an `$identified_id`."""

    def decide(self, entry: LogEntry) -> LinkDecision:
        """Join the clusters of two ids, or say why not."""
        name = entry.record["event"]
        if name not in _READ:
            return NOTHING
        new, missing = _READ[name](entry.record["properties"])
        if missing:
            return LinkDecision(note=missing)
        failure = self._failure(name, new)
        if failure:
            code, description = failure
            added = {"$failure_reason": code, "$failure_description": description}
            return LinkDecision(note=f"{code}: {description}", added=added)
        if name == "$identify":
            self.identified.add(new.alias)
        elif name == "$create_alias":
            self.aliases.add(new.alias)
        self.decided.join(new.alias, new.distinct_id)
        return LinkDecision(new)

    def link(self, link: Link) -> Merge | None:
        """Join the two people; the order of merges does not matter."""
        return self.effective.join(link.alias, link.distinct_id)

    def place(self, sent: str) -> str:
        """A record is stored under the id it was sent for."""
        return sent

    def resolve(self, stored: str) -> str:
        """The canonical id of the cluster."""
        return self.effective.canonical(stored)

    def people(self) -> Iterator[Sequence[str]]:
        """All clusters."""
        return iter(self.effective.all())

    def people_with(self, who: str) -> Iterator[Sequence[str]]:
        """The cluster of an id."""
        if who in self.effective.known:
            yield self.effective.of(who)

    def led_on(self) -> Collection[str]:
        """Every id but the canonical one; only an update with `$ignore_alias` leaves a profile."""
        return self.effective.joined.keys()

    def split_from(self, who: str, pending: Sequence[Link]) -> Link | None:
        """A person is split off until the link takes effect."""
        return next((link for link in pending if self.resolve(link.alias) == who), None)

    def splits(self, pending: Sequence[Link], stored: Sequence[KeysView[str]]) -> Iterable[Link]:
        """A merge ends the split when it takes effect
        (docs/facts/mixpanel-http-api.md#propagation-and-split-profiles)."""
        return pending

    def _failure(self, name: str, new: Link) -> "Failure | None":
        """The first failed check; the number of ids is checked last."""
        failure = None
        if name == "$identify":
            failure = self._identify_failure(new)
        elif name == "$create_alias":
            failure = self._alias_failure(new)
        return failure or self._too_many(new)

    def _identify_failure(self, new: Link) -> "Failure | None":
        anonymous = new.distinct_id
        if new.alias == anonymous:
            return "errSameIDs", "the identified id and the anonymous id are the same"
        if not ANONYMOUS.fullmatch(anonymous):
            return "errAnonDistinctIdNonGUIDForm", "the anonymous id has not the form of a UUID"
        if not self.identified.isdisjoint(self.decided.of(anonymous)):
            return "errAnonDistinctIdAssignedAlready", "the anonymous id is merged with another id"
        return None

    def _alias_failure(self, new: Link) -> "Failure | None":
        if new.alias in self.aliases:
            return "errAliasAlreadyExists", "the alias was used as an alias before"
        return None

    def _too_many(self, new: Link) -> "Failure | None":
        one, other = self.decided.of(new.alias), self.decided.of(new.distinct_id)
        if one[0] != other[0] and len(one) + len(other) > self.cluster_ids:
            return "errManyIDs", f"the person would have more than {self.cluster_ids} ids"
        return None


Failure = tuple[str, str]
"""`$failure_reason` and `$failure_description`."""

Read = tuple[Link, str | None]
"""The two ids of an event, or what is missing."""


def _identify(sent: Mapping[str, Any]) -> Read:
    """Documented are `$identified_id` and `$anon_id`; SDKs send their own pair
    (docs/facts/mixpanel-http-api.md#original-id-merge)."""
    identified = identifier(sent.get("$identified_id")) or identifier(sent.get("distinct_id"))
    anonymous = identifier(sent.get("$anon_id")) or identifier(sent.get("$anon_distinct_id"))
    return _both({"$identified_id": identified, "$anon_id": anonymous})


def _create_alias(sent: Mapping[str, Any]) -> Read:
    return _both({name: identifier(sent.get(name)) for name in ("alias", "distinct_id")})


def _merge(sent: Mapping[str, Any]) -> Read:
    ids = sent.get("$distinct_ids")
    if not isinstance(ids, list) or len(ids) != 2:
        return Link("", ""), "$distinct_ids: not a list of exactly two ids"
    one, other = map(identifier, ids)
    return _both({"$distinct_ids[1]": other, "$distinct_ids[0]": one})


def _both(ids: Mapping[str, str]) -> Read:
    missing = next((name for name, who in ids.items() if not who), None)
    return Link(*ids.values()), missing and f"{missing}, missing or empty"


_READ: Mapping[str, Callable[[Mapping[str, Any]], Read]] = {
    "$identify": _identify,
    "$create_alias": _create_alias,
    "$merge": _merge,
}
