"""Count changes in groups, with a few examples of each, in bounded memory."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from conformance.corpus.entries import CorpusEntry
from conformance.regression.differences.changes import Change, ChangeClass
from conformance.regression.differences.renames import one_to_one
from conformance.regression.json_text import compact, printable
from conformance.regression.redaction import SecretFilter

EXAMPLES = 3
MAX_GROUPS = 5_000
"""Groups that are counted apart; later ones are counted together, one group for each class."""

MAX_EVENTS = 50
"""Event names that one group counts apart; other names are counted together."""

MAX_BAD_LINES = 5
MAX_CHARACTERS = 600
"""Length of a value in an example."""

REST = "(all other paths)"
OTHER_EVENTS = "(other events)"
NO_REASON = "no reason told"


class GroupKey(NamedTuple):
    """What makes changes one group. `causes` are the rules, settings or rows, where known."""

    kind: ChangeClass
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
    """How many messages changed in one way, in which events, and the first few of them."""

    messages: int = 0
    examples: list[Example] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Group") -> None:
        """Add what a later part of the corpus counted."""
        self.messages += other.messages
        self.examples += other.examples[: EXAMPLES - len(self.examples)]
        for name, count in other.events.items():
            self.count_event(name, count)

    def count_event(self, name: str, count: int = 1) -> None:
        """Count messages of an event."""
        full = len(self.events) >= MAX_EVENTS and name not in self.events
        self.events[OTHER_EVENTS if full else name] += count


class CausedChange(NamedTuple):
    """A change with the names of what caused it."""

    change: Change
    causes: tuple[str, ...] = ()


@dataclass
class DiffCounts:
    """The counts of a corpus, or of a part of it.

    `messages` counts the readable lines, `changed` those with any change, `bad_lines` the lines
    that are not messages. Not compared are `failing`, messages that fail on both sides, by error
    code, and `silent`, messages without an operation on either side, by skip code.
    """

    messages: int = 0
    changed: int = 0
    bad_lines: int = 0
    bad_examples: list[str] = field(default_factory=list)
    failing: Counter[str] = field(default_factory=Counter)
    failing_examples: dict[str, str] = field(default_factory=dict)
    silent: Counter[str] = field(default_factory=Counter)
    groups: dict[GroupKey, Group] = field(default_factory=dict)
    causes: Counter[str] = field(default_factory=Counter)
    """CausedChange -> how many messages it changed."""
    earliest: datetime | None = None
    latest: datetime | None = None
    """The times as at which messages were judged: the first and the last."""
    without_time: int = 0
    sessions: int = 0

    def count_bad_line(self, where: str, why: str) -> None:
        """Count a line that is not a message."""
        self.bad_lines += 1
        if len(self.bad_examples) < MAX_BAD_LINES:
            self.bad_examples.append(printable(f"{where}: {why}"[:MAX_CHARACTERS]))

    def count_moment(self, moment: datetime) -> None:
        """Count a time as at which messages are judged."""
        self.earliest = min(self.earliest or moment, moment)
        self.latest = max(self.latest or moment, moment)

    def count_failing(self, old: str, new: str, text: str) -> None:
        """Count a message that fails on both sides, with both codes and the new side's text."""
        code = _shown_code(old if old == new else f"{old} -> {new}")
        self.failing[code] += 1
        self.failing_examples.setdefault(code, printable(text)[:MAX_CHARACTERS])

    def count_silent(self, codes: Iterable[str]) -> None:
        """Count a message without an operation on either side, with its skip codes."""
        self.silent[", ".join(sorted({_shown_code(code) for code in codes})) or NO_REASON] += 1

    @property
    def not_compared(self) -> int:
        """Messages that cannot show a difference: they fail or make no operation on both sides."""
        return self.failing.total() + self.silent.total()

    def count_changes(
        self, entry: CorpusEntry, caused: Iterable[CausedChange], redact: SecretFilter
    ) -> None:
        """Count the changes of one message; it counts once in each group."""
        seen: dict[GroupKey, set[str]] = {}
        for change, causes in caused:
            key = self.bounded(GroupKey(change.kind, change.operation, change.path, causes))
            group = self.groups.setdefault(key, Group())
            if key not in seen:
                seen[key] = set()
                group.messages += 1
                if len(group.examples) < EXAMPLES:
                    old, new = (_shown(value, redact) for value in (change.old, change.new))
                    sides = _sides(change.kind, old, new)
                    name = None if entry.id is None else printable(redact(entry.id))
                    group.examples.append(Example(printable(entry.where), name, *sides))
            if change.event is not None and change.event not in seen[key]:
                seen[key].add(change.event)
                group.count_event(change.event)
        # Once each, in order: the order of a set would differ between processes.
        self.causes.update(dict.fromkeys(cause for key in seen for cause in key.causes).keys())
        self.changed += any(key.kind is not ChangeClass.REWORDED for key in seen)

    def add(self, other: "DiffCounts") -> None:
        """Add the counts of a later part of the corpus."""
        self.messages += other.messages
        self.changed += other.changed
        self.bad_lines += other.bad_lines
        self.bad_examples += other.bad_examples[: MAX_BAD_LINES - len(self.bad_examples)]
        self.failing.update(other.failing)
        self.failing_examples = {**other.failing_examples, **self.failing_examples}
        self.silent.update(other.silent)
        self.causes.update(other.causes)
        self.without_time += other.without_time
        self.sessions += other.sessions
        for moment in (other.earliest, other.latest):
            if moment is not None:
                self.count_moment(moment)
        for key, group in other.groups.items():
            self.groups.setdefault(self.bounded(key), Group()).add(group)

    def settle_renames(self) -> None:
        """Keep the renames that the whole corpus agrees on; the others are removals and additions.

        To be called once, when everything is counted.
        """
        kept = one_to_one(
            (key.kind, key.operation, key.path, group.messages)
            for key, group in self.groups.items()
        )
        groups, self.groups = self.groups, {}
        for key, group in groups.items():
            if key.kind is not ChangeClass.RENAMED or (key.operation, key.path) in kept:
                self.groups.setdefault(key, Group()).add(group)
                continue
            old, new = key.path.split(" -> ", 1)
            removed = [each._replace(new=None) for each in group.examples]
            added = [each._replace(old=None) for each in group.examples]
            for kind, path, examples in (
                (ChangeClass.REMOVED, old, removed),
                (ChangeClass.ADDED, new, added),
            ):
                part = Group(group.messages, examples, group.events)
                self.groups.setdefault(key._replace(kind=kind, path=path), Group()).add(part)

    def sorted_groups(self) -> Iterator[tuple[GroupKey, Group]]:
        """The groups, those of most messages first."""
        kinds = list(ChangeClass)
        yield from sorted(
            self.groups.items(),
            key=lambda item: (
                -item[1].messages,
                item[0].operation,
                item[0].path,
                kinds.index(item[0].kind),
                item[0].causes,
            ),
        )

    def bounded(self, key: GroupKey) -> GroupKey:
        """The key to count under: once there are MAX_GROUPS, one for all other groups."""
        if key in self.groups or len(self.groups) < MAX_GROUPS:
            return key
        return GroupKey(key.kind, "(any)", REST)


def _sides(kind: ChangeClass, old: str, new: str) -> tuple[str | None, str | None]:
    return (
        None if kind in (ChangeClass.ADDED, ChangeClass.SKIPPED, ChangeClass.FAILING) else old,
        None
        if kind in (ChangeClass.REMOVED, ChangeClass.UNSKIPPED, ChangeClass.UNFAILING)
        else new,
    )


def _shown(value: Any, redact: SecretFilter) -> str:
    text = compact(redact(value))
    more = len(text) - MAX_CHARACTERS
    return text if more <= 0 else f"{text[:MAX_CHARACTERS]}... ({more} characters more)"


def _shown_code(code: str) -> str:
    return printable(code)[:100]
