"""Counting changes in groups, with a few examples of each, in bounded memory."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from conformance.corpus.entries import Entry
from conformance.regression.changes import Change, Kind
from conformance.runner.compare import json_text

EXAMPLES = 3
MAX_GROUPS = 5_000
"""More groups than anybody reads; what comes after is counted in one group per kind."""

MAX_BAD_LINES = 5
MAX_CHARACTERS = 600
"""How much of a value is kept for an example."""

REST = "(all other paths)"


class Key(NamedTuple):
    """What makes changes one group. `causes` name what brought them about, where that is known."""

    kind: Kind
    operation: str
    path: str
    causes: tuple[str, ...] = ()


class Example(NamedTuple):
    """One message that changed: its place in the corpus, its id, and both values as JSON text."""

    where: str
    id: str | None
    old: str | None
    new: str | None


@dataclass
class Group:
    """How many messages changed in one way, and the first few of them."""

    messages: int = 0
    examples: list[Example] = field(default_factory=list)


class Cause(NamedTuple):
    """A change with the names of what caused it."""

    change: Change
    causes: tuple[str, ...] = ()


@dataclass
class Tally:
    """What became of a corpus, or of a part of it.

    `messages` counts the readable lines, `changed` those with any change, `failing` those that
    fail on both sides, `bad_lines` the lines that are no messages.
    """

    messages: int = 0
    changed: int = 0
    failing: int = 0
    bad_lines: int = 0
    bad_examples: list[str] = field(default_factory=list)
    groups: dict[Key, Group] = field(default_factory=dict)
    causes: Counter[str] = field(default_factory=Counter)
    """Cause -> how many messages it changed."""

    def count_bad_line(self, where: str, why: str) -> None:
        """A line that is no message."""
        self.bad_lines += 1
        if len(self.bad_examples) < MAX_BAD_LINES:
            self.bad_examples.append(f"{where}: {why}"[:MAX_CHARACTERS])

    def count_changes(self, entry: Entry, caused: Iterable[Cause], secrets: Sequence[str]) -> None:
        """The changes of one message; it counts once in each group. `secrets` are not shown."""
        seen: dict[Key, None] = {}
        for change, causes in caused:
            key = self._key(Key(change.kind, change.operation, change.path, causes))
            group = self.groups.setdefault(key, Group())
            if key in seen:
                continue
            seen[key] = None
            group.messages += 1
            if len(group.examples) < EXAMPLES:
                old, new = (_shown(value, secrets) for value in (change.old, change.new))
                sides = _sides(change.kind, old, new)
                group.examples.append(Example(entry.where, entry.id, *sides))
        # Once each, in the order in which they come; a set would have one of its own.
        self.causes.update(dict.fromkeys(cause for key in seen for cause in key.causes).keys())
        self.changed += any(key.kind is not Kind.REWORDED for key in seen)

    def add(self, other: "Tally") -> None:
        """Add what became of a later part of the corpus."""
        self.messages += other.messages
        self.changed += other.changed
        self.failing += other.failing
        self.bad_lines += other.bad_lines
        self.bad_examples += other.bad_examples[: MAX_BAD_LINES - len(self.bad_examples)]
        self.causes.update(other.causes)
        for key, group in other.groups.items():
            mine = self.groups.setdefault(self._key(key), Group())
            mine.messages += group.messages
            mine.examples += group.examples[: EXAMPLES - len(mine.examples)]

    def sorted_groups(self) -> Iterator[tuple[Key, Group]]:
        """The groups by operation and path."""
        kinds = Counter({kind: index for index, kind in enumerate(Kind)})
        yield from sorted(
            self.groups.items(),
            key=lambda item: (item[0].operation, item[0].path, kinds[item[0].kind], item[0].causes),
        )

    def _key(self, key: Key) -> Key:
        if key in self.groups or len(self.groups) < MAX_GROUPS:
            return key
        return Key(key.kind, "(any)", REST)


def _sides(kind: Kind, old: str, new: str) -> tuple[str | None, str | None]:
    return (
        None if kind in (Kind.ADDED, Kind.SKIPPED, Kind.FAILING) else old,
        None if kind in (Kind.REMOVED, Kind.UNSKIPPED, Kind.UNFAILING) else new,
    )


def _shown(value: Any, secrets: Iterable[str]) -> str:
    text = json_text(value)
    for secret in secrets:
        text = text.replace(secret, "***")
    more = len(text) - MAX_CHARACTERS
    return text if more <= 0 else f"{text[:MAX_CHARACTERS]}... ({more} characters more)"
