"""Effects in a project that are due later than their cause arrived."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.state.identities.links import Link


class ScheduledEffect(NamedTuple):
    """A link that takes effect, a record that waits, or a deletion that is carried out.

    `due` is in virtual seconds since 1970, `record_id` the id of the entry that caused it. `added`
    are the properties that the server adds to an event that waits.
    """

    due: float
    record_id: int
    what: Link | LogEntry
    added: Mapping[str, Any] = {}


@dataclass
class Scheduler:
    """Effects ordered by due time; effects of the same time in order of arrival."""

    heap: list[tuple[float, int, ScheduledEffect]] = field(default_factory=list)
    links: int = 0
    """The number of pending links."""
    last_link: float = float("-inf")
    """The due time of the last of all links."""

    def add(self, effect: ScheduledEffect) -> None:
        """Schedule an effect; each entry causes one at most."""
        heapq.heappush(self.heap, (effect.due, effect.record_id, effect))
        if isinstance(effect.what, Link):
            self.links += 1
            self.last_link = max(self.last_link, effect.due)

    def until(self, now: float) -> Iterator[ScheduledEffect]:
        """Remove and return the effects that are due at `now` or before, in order."""
        while self.heap and self.heap[0][0] <= now:
            effect = heapq.heappop(self.heap)[2]
            self.links -= isinstance(effect.what, Link)
            yield effect

    def all(self) -> list[ScheduledEffect]:
        """All scheduled effects, in order."""
        return [effect for *_, effect in sorted(self.heap)]
