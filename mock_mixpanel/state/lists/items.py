"""Items of the lists of events, profiles and groups."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.state.events.event import Event, event_properties


class Item(NamedTuple):
    """An item of a list of the control API, with the values for filters."""

    id: int
    at: float
    token: str
    value: dict[str, Any]
    before: str | None = None
    """Of an event: its person's canonical id when it was stored, if that is another one now."""


class Seen(NamedTuple):
    """An event as queries see it: with the canonical id of its person, without its properties."""

    event: Event
    distinct_id: str
    token: str
    region: str
    limits: MixpanelLimits

    @property
    def id(self) -> int:
        """The entry id."""
        return self.event.id

    @property
    def at(self) -> float:
        """Time of arrival in virtual seconds."""
        return self.event.at

    def value(self, entry: LogEntry) -> dict[str, Any]:
        """The event as the control API lists it, with the properties in its entry."""
        event = self.event
        return {
            "id": event.id,
            "token": self.token,
            "region": self.region,
            "event": event.name,
            "distinct_id": self.distinct_id,
            "time": event.time,
            "insert_id": event.insert_id,
            "properties": event_properties(event, entry, self.limits),
            "endpoint": entry.verdict.endpoint,
            "request_id": entry.request_id,
            "received_at": iso(entry.verdict.received_at),
        }

    def item(self, entry: LogEntry) -> Item:
        """The event as an item of a list."""
        event = self.event
        before = event.first if event.first != self.distinct_id else None
        return Item(event.id, event.at, self.token, self.value(entry), before)


def with_entries(
    seen: Sequence[Seen], read: Callable[[Sequence[int]], Iterator[LogEntry]]
) -> Iterator[tuple[Seen, LogEntry]]:
    """These events and their entries, which `read` reads by ids, but for those forgotten."""
    behind = iter(seen)
    for entry in read([each.event.id for each in seen]):
        each = next(behind)
        while each.event.id != entry.id:
            each = next(behind)
        yield each, entry
