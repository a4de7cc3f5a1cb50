"""What is to happen in a project later than its cause arrived."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mock_mixpanel.log.records import Entry
from mock_mixpanel.state.identities.links import Link


class Later(NamedTuple):
    """A link to take effect, a record that waits, or a deletion to carry out.

    `due` is in virtual seconds since 1970, `number` the id of the entry that caused it. `added` is
    what the server adds to an event that waits.
    """

    due: float
    number: int
    what: Link | Entry
    added: Mapping[str, Any] = {}


@dataclass
class Agenda:
    """Things by their moment; those of the same moment in order of arrival."""

    heap: list[tuple[float, int, Later]] = field(default_factory=list)
    links: int = 0
    """How many links are pending."""
    last_link: float = float("-inf")
    """When the last of all links takes effect."""

    def add(self, later: Later) -> None:
        """Something new; each entry causes one thing at most."""
        heapq.heappush(self.heap, (later.due, later.number, later))
        if isinstance(later.what, Link):
            self.links += 1
            self.last_link = max(self.last_link, later.due)

    def until(self, now: float) -> Iterator[Later]:
        """What is due at `now` or before, in order; it is off the agenda when it is given."""
        while self.heap and self.heap[0][0] <= now:
            later = heapq.heappop(self.heap)[2]
            self.links -= isinstance(later.what, Link)
            yield later

    def all(self) -> list[Later]:
        """Everything, in order."""
        return [later for *_, later in sorted(self.heap)]
