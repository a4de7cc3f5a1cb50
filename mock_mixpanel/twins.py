"""Which events may be duplicates of each other (facts/mixpanel-http-api 1.7).

Nearly none are, so only those that may be are compared when somebody reads. Whether two are depends
on their person, who can change afterwards; all else about them is known when they arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mock_mixpanel.events import MADE, Event
from mock_mixpanel.items import Seen


@dataclass
class Twins:
    """Hashes of what duplicates have in common whoever their person is."""

    once: set[int] = field(default_factory=set)
    again: set[int] = field(default_factory=set)
    """Those of more than one event."""

    def add(self, event: Event) -> None:
        """Take in an event."""
        if not event.insert_id.startswith(MADE):
            key = _key(event)
            (self.again if key in self.once else self.once).add(key)

    def latest(self, rows: Sequence[Seen]) -> Sequence[Seen]:
        """The rows without those of which there is a later duplicate."""
        if not self.again:
            return rows
        latest = {
            (row.event.name, row.distinct_id, row.event.time, row.event.insert_id): row.id
            for row in rows
            if _key(row.event) in self.again
        }
        kept = set(latest.values())
        return [row for row in rows if row.id in kept or _key(row.event) not in self.again]


def _key(event: Event) -> int:
    return hash((event.name, event.time, event.insert_id))
