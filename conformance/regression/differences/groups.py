"""Groups of equal changes: what makes a group, its events and its examples."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from conformance.regression.differences.changes import ChangeClass
from conformance.spec.scenarios.loading import Json

EXAMPLES = 3


MAX_EVENTS = 50
"""Event names that one group has in the result; other names are counted together."""


KEPT_EVENTS = 200
"""Event names that one group counts apart while counting: the shortest."""


MAX_CHARACTERS = 600
"""Length of a value in an example."""


REST = "(all other paths)"


OTHER_EVENTS = "(other events)"


Position = tuple[int, int]
"""A place in the corpus: the number of the file, and of the line in it."""


class GroupKey(NamedTuple):
    """The key of a group of changes. `causes` are the rules, settings or rows, where known."""

    kind: ChangeClass
    operation: str
    path: str
    causes: tuple[str, ...] = ()

    @property
    def rank(self) -> tuple[int, str, str, str, tuple[str, ...]]:
        """The rank that decides which groups are kept: short names come first."""
        length = len(self.operation) + len(self.path)
        return length, self.operation, self.path, self.kind, self.causes

    @property
    def rest(self) -> "GroupKey":
        """The key of the group that counts this group with others of its class."""
        return GroupKey(self.kind, "(any)", REST)


class Example(NamedTuple):
    """One message that changed: its place in the corpus, its id, and both values as JSON text."""

    where: str
    id: str | None
    old: str | None
    new: str | None
    position: Position = (0, 0)

    @property
    def order(self) -> tuple[Position, str, str, str]:
        """The order that decides which examples are kept: the first in the corpus."""
        return self.position, self.where, self.old or "", self.new or ""

    def as_json(self) -> Json:
        """The example as a report shows it."""
        return {"where": self.where, "id": self.id, "old": self.old, "new": self.new}


@dataclass
class Group:
    """The messages that changed in one way: their number, their events, and the first few of
    them."""

    messages: int = 0
    examples: list[Example] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Group") -> None:
        """Add the counts of another part of the corpus."""
        self.messages += other.messages
        self.add_examples(other.examples)
        for name, count in other.events.items():
            self.count_event(name, count)

    def add_examples(self, examples: Iterable[Example]) -> None:
        """Keep the first of these examples and its own."""
        self.examples = sorted([*self.examples, *examples], key=lambda each: each.order)
        del self.examples[EXAMPLES:]

    def count_event(self, name: str, count: int = 1) -> None:
        """Count messages of an event."""
        self.events[name] += count
        if len(self.events) > 2 * KEPT_EVENTS:
            self._keep_events(KEPT_EVENTS, name_rank)

    def settle_events(self) -> None:
        """Count the events of fewest messages together. To be called when all is counted."""
        self._keep_events(KEPT_EVENTS, name_rank)
        events = self.events
        self._keep_events(MAX_EVENTS, lambda name: (-events[name], name))
        self.events = in_order(self.events)

    def _keep_events(self, number: int, rank: Callable[[str], Any]) -> None:
        names = sorted(self.events.keys() - {OTHER_EVENTS}, key=rank)
        if len(names) > number:
            other = sum(self.events[name] for name in names[number:])
            self.events = Counter(
                {name: self.events[name] for name in names[:number]}
                | {OTHER_EVENTS: self.events[OTHER_EVENTS] + other}
            )


def in_order(counts: Counter[str]) -> Counter[str]:
    """The same counts, the highest first, then by name."""
    return Counter(dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))


def name_rank(name: str) -> tuple[int, str]:
    return len(name), name
