"""Which events may be duplicates of each other (facts/mixpanel-http-api 1.7).

Nearly none are, so only those that may be are compared when somebody reads. Whether two are depends
on their person, who can change afterwards; all else about them is known when they arrive.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mock_mixpanel.events import MADE, Event
from mock_mixpanel.items import Seen


@dataclass
class Twins:
    """Hashes of what duplicates have in common whoever their person is, and whatever their time
    of the day is."""

    once: set[int] = field(default_factory=set)
    again: set[int] = field(default_factory=set)
    """Those of more than one event."""

    def add(self, event: Event) -> None:
        """Take in an event."""
        if not event.insert_id.startswith(MADE):
            key = _key(event)
            (self.again if key in self.once else self.once).add(key)

    def latest(self, rows: Sequence[Seen]) -> Sequence[Seen]:
        """The rows without those of which there is a later duplicate, at the same time."""
        return self._latest(rows, rows, lambda event: event.time)

    def compacted(self, rows: Sequence[Seen], until: float) -> Sequence[Seen]:
        """The rows without those of which there is a later duplicate, on the same day.

        Only those that arrived at `until` (virtual seconds) or before have been looked at.
        """
        old = [row for row in rows if row.at <= until]
        return self._latest(rows, old, lambda event: event.day)

    def _latest(
        self, rows: Sequence[Seen], among: Sequence[Seen], when: Callable[[Event], float]
    ) -> Sequence[Seen]:
        if not self.again:
            return rows
        latest: dict[tuple[str, str, float, str], int] = {}
        gone = set()
        for row in among:
            event = row.event
            if _key(event) in self.again:
                key = (event.name, row.distinct_id, when(event), event.insert_id)
                if key in latest:
                    gone.add(latest[key])
                latest[key] = row.id
        return [row for row in rows if row.id not in gone] if gone else rows


def _key(event: Event) -> int:
    return hash((event.name, event.day, event.insert_id))
