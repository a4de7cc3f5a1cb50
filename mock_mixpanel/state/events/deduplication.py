"""Finds duplicate events (docs/facts/mixpanel-http-api.md#deduplication).

Duplicates are rare, so only candidates are compared when events are read. Whether two events are
duplicates depends on their person, which can change later; everything else is known on arrival.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from mock_mixpanel.garbage_collection import Table
from mock_mixpanel.state.events.event import MADE, Event

day, time = attrgetter("day"), attrgetter("time")


class Deduplication:
    """Events grouped by what duplicates have in common: name, day and insert id."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._first: dict[int, Event] = {}
        """The first event of each group, by the hash of these."""
        self._groups: dict[int, list[Event]] = {}
        """The groups of two or more events, by the entry id of each event."""
        for event in events:
            self.add(event)

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, event: Event) -> None:
        """Add an event."""
        if event.insert_id.startswith(MADE):
            return
        first = self._first.setdefault(hash((event.name, event.day, event.insert_id)), event)
        if first is not event:
            group = self._groups.setdefault(first.id, [first])
            group.append(event)
            self._groups[event.id] = group

    def tables(self) -> list[Table]:
        """The tables that grow with the log, for events that are no longer used."""
        return [self._first, self._groups]

    def candidates(self) -> list[Event]:
        """The events that may be duplicates, or may have duplicates."""
        groups = {id(group): group for group in self._groups.values()}
        return [event for group in groups.values() for event in group]

    def superseded(
        self, resolve: Callable[[str], str], old: float | None, *, raw: bool
    ) -> Callable[[Event], int | None]:
        """A function that gives the id of the latest duplicate of an event, if it is another one.

        Duplicates have the same time; raw rows have no duplicates.

        Those that arrived at `old` (virtual seconds) or before are compacted: for them, one on the
        same day is a duplicate as well. `resolve` gives the person of an id; it must not change.
        """
        gone: dict[int, int] = {}
        compared: set[int] = set()

        def superseded_by(event: Event) -> int | None:
            group = self._groups.get(event.id)
            if group and group[0].id not in compared:
                compared.add(group[0].id)
                left = sorted(group, key=lambda each: each.id)
                if old is not None:
                    compacted = _earlier([each for each in left if each.at <= old], resolve, day)
                    gone.update(compacted)
                    left = [each for each in left if each.id not in compacted]
                if not raw:
                    gone.update(_earlier(left, resolve, time))
            return gone.get(event.id)

        return superseded_by


def _earlier(
    events: Sequence[Event], resolve: Callable[[str], str], when: Callable[[Event], float]
) -> dict[int, int]:
    """The ids of events with a later duplicate, each with the id of the latest one.

    The events are in order of arrival.
    """

    def shared(event: Event) -> tuple[str, str, float, str]:
        return event.name, resolve(event.stored), when(event), event.insert_id

    latest = {shared(event): event.id for event in events}
    return {event.id: last for event in events if (last := latest[shared(event)]) != event.id}
