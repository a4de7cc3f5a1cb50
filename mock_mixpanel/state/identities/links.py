"""The common parts of the identity systems: their interface, and their decisions."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, KeysView, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from mock_mixpanel.json_values import identifier
from mock_mixpanel.log.records import LogEntry


class Link(NamedTuple):
    """Two ids of one person: records for `alias` belong to `distinct_id`."""

    alias: str
    distinct_id: str


class Merge(NamedTuple):
    """Two people became one: data under the id `gone` is now under `kept`."""

    gone: str
    kept: str


class LinkHistory(NamedTuple):
    """An identity event, and what was decided about it.

    `id` is that of its entry, `at` when it arrived, `due` when the link takes effect or took it
    (virtual seconds). `outcome` is one of `linked`, `repeated` (the link existed before), `ignored`
    (it links nothing under this identity mode) and `refused`; `reason` says why. `because` is the
    entry id of the earlier link that prevents this one.
    """

    link: Link
    id: int
    at: float
    due: float
    outcome: str
    reason: str = ""
    because: int = 0


class LinkLog:
    """Identity events in order of arrival, also by the ids that they name."""

    def __init__(self) -> None:
        self.refused = 0
        """The number of refused identity events."""
        self._all: list[LinkHistory] = []
        self._by_id: dict[str, list[LinkHistory]] = defaultdict(list)

    def __iter__(self) -> Iterator[LinkHistory]:
        return iter(self._all)

    def add(self, history: LinkHistory) -> None:
        """Add the next one."""
        self._all.append(history)
        self.refused += history.outcome == "refused"
        for who in dict.fromkeys(history.link):
            self._by_id[who].append(history)

    def of(self, ids: Iterable[str]) -> list[LinkHistory]:
        """The identity events that name one of these ids, in order of arrival."""
        found = {each.id: each for who in ids for each in self._by_id.get(who, ())}
        return [found[number] for number in sorted(found)]

    def decision(self, link: Link) -> LinkHistory | None:
        """The identity event that decided a link."""
        named = self._by_id.get(link.alias, ())
        return next(
            (each for each in named if each.link == link and each.outcome == "linked"), None
        )


def named_ids(record: Any) -> Link:
    """The two ids that an event would link, by any of the properties for them; "" if missing."""
    properties = record.get("properties") if isinstance(record, dict) else None
    sent = properties if isinstance(properties, dict) else {}
    pair = sent.get("$distinct_ids")
    if isinstance(pair, list) and len(pair) == 2:
        return Link(identifier(pair[1]), identifier(pair[0]))
    read = [
        [identifier(sent.get(name)) for name in names]
        for names in (
            ("alias", "distinct_id"),
            ("$identified_id", "$anon_id"),
            ("distinct_id", "$anon_distinct_id"),
            ("$device_id", "$user_id"),
        )
    ]
    alias, distinct_id = next((ids for ids in read if all(ids)), read[0])
    return Link(alias, distinct_id)


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """The effect of an event on identities.

    `note` says why it links nothing, or which part has no effect. `added` are the properties that
    Mixpanel stores on the event because of that.
    """

    link: Link | None = None
    note: str | None = None
    added: dict[str, Any] = field(default_factory=dict)


NOTHING = LinkDecision()


class Identities(Protocol):
    """An identity system: receives entries and resolves ids by the links in effect."""

    def decide(self, entry: LogEntry) -> LinkDecision:
        """Process an event when it arrives. Its link is known from now on, but not in effect.

        Raises RefusedError for an identity event that is not stored at all.
        """

    def link(self, link: Link) -> Merge | None:
        """Apply a decided link. Returns the merge if profiles have to move."""

    def place(self, sent: str) -> str:
        """The id under which a record for an id is stored."""

    def resolve(self, stored: str) -> str:
        """The canonical id of data that is stored under an id."""

    def people(self) -> Iterator[Sequence[str]]:
        """The ids of each person with several ids, the canonical id first."""

    def people_with(self, who: str) -> Iterator[Sequence[str]]:
        """The same for the people that have an id among several; their ids alone are read."""

    def led_on(self) -> Collection[str]:
        """The ids whose records belong to another id by the links in effect."""

    def split_from(self, who: str, pending: Sequence[Link]) -> Link | None:
        """The link that would join the person of a canonical id with another one, if there is one
        that is not in effect for the data stored under this id."""

    def splits(self, pending: Sequence[Link], stored: Sequence[KeysView[str]]) -> Iterable[Link]:
        """The links whose alias is a separate person while data is stored under it.

        `pending` are the links decided and not in effect, `stored` the ids that have data. Links
        whose alias has no data may be left out.
        """
