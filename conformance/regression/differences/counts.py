"""Count changes in groups, with a few examples of each, in bounded memory.

The counts of a corpus are the sum of the counts of its parts, whatever the parts are and in
whatever order they are added. So nothing depends on what was counted first: examples are those
nearest to the start of the corpus, and where there are too many names those of the lowest rank are
counted apart. The rank of a name depends on the name alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from conformance.corpus.entries import CorpusEntry
from conformance.regression.differences.changes import Change, ChangeClass
from conformance.regression.differences.groups import (
    EXAMPLES,
    MAX_CHARACTERS,
    Example,
    Group,
    GroupKey,
    Position,
    in_order,
)
from conformance.regression.differences.renames import ARROW, one_to_one
from conformance.regression.json_text import compact, printable
from conformance.regression.redaction import SecretFilter

MAX_GROUPS = 5_000
"""Groups in the result; those of fewest messages are one group for each class."""

KEPT_GROUPS = 20_000
"""Groups that are counted apart while counting: those with the shortest names."""


MAX_BAD_LINES = 5

NO_REASON = "no reason told"


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
    first_bad_lines: list[tuple[Position, str]] = field(default_factory=list)
    failing: Counter[str] = field(default_factory=Counter)
    first_failing: dict[str, tuple[Position, str]] = field(default_factory=dict)
    """Error code -> the place of the first message that fails so, and the text of its error."""
    silent: Counter[str] = field(default_factory=Counter)
    groups: dict[GroupKey, Group] = field(default_factory=dict)
    causes: Counter[str] = field(default_factory=Counter)
    """CausedChange -> how many messages it changed."""
    earliest: datetime | None = None
    latest: datetime | None = None
    """The first and the last time as of which messages were translated."""
    without_time: int = 0
    sessions: int = 0

    def count_bad_line(self, position: Position, where: str, why: str) -> None:
        """Count a line that is not a message. Lines of one part are counted in order."""
        self.bad_lines += 1
        if len(self.first_bad_lines) < MAX_BAD_LINES:
            text = printable(f"{where}: {why}"[:MAX_CHARACTERS])
            self.first_bad_lines.append((position, text))

    def count_moment(self, moment: datetime) -> None:
        """Record a time as of which messages are translated."""
        self.earliest = min(self.earliest or moment, moment)
        self.latest = max(self.latest or moment, moment)

    def count_failing(self, position: Position, old: str, new: str, text: str) -> None:
        """Count a message that fails on both sides, with both codes and the new side's text.

        Messages of one part are counted in order.
        """
        code = _shown_code(old if old == new else f"{old} -> {new}")
        self.failing[code] += 1
        self.first_failing.setdefault(code, (position, printable(text)[:MAX_CHARACTERS]))

    def count_silent(self, codes: Iterable[str]) -> None:
        """Count a message without an operation on either side, with its skip codes."""
        self.silent[", ".join(sorted({_shown_code(code) for code in codes})) or NO_REASON] += 1

    @property
    def bad_examples(self) -> list[str]:
        """The first bad lines, each with its place and what is wrong."""
        return [text for _, text in self.first_bad_lines]

    @property
    def failing_examples(self) -> dict[str, str]:
        """Error code -> the text of its first error."""
        return {code: text for code, (_, text) in self.first_failing.items()}

    @property
    def not_compared(self) -> int:
        """Messages that cannot show a difference: they fail or make no operation on both sides."""
        return self.failing.total() + self.silent.total()

    def count_changes(
        self,
        position: Position,
        entry: CorpusEntry,
        caused: Iterable[CausedChange],
        redact: SecretFilter,
    ) -> None:
        """Count the changes of one message; it counts once in each group.

        Messages of one part are counted in order.
        """
        events_of: dict[GroupKey, set[str]] = {}
        for change, causes in caused:
            key = GroupKey(change.kind, change.operation, change.path, causes)
            group = self.groups.get(key)
            if group is None:
                group = self.groups[key] = Group()
            events = events_of.get(key)
            if events is None:
                events = events_of[key] = set()
                group.messages += 1
                if len(group.examples) < EXAMPLES:
                    old, new = (_shown(value, redact) for value in (change.old, change.new))
                    sides = _sides(change.kind, old, new)
                    name = None if entry.id is None else printable(redact(entry.id))
                    group.examples.append(Example(printable(entry.where), name, *sides, position))
            if change.event is not None and change.event not in events:
                events.add(change.event)
                group.count_event(change.event)
        # Once each, in order: the order of a set would differ between processes.
        for cause in dict.fromkeys([cause for key in events_of for cause in key.causes]):
            self.causes[cause] += 1
        self.changed += any(key.kind is not ChangeClass.REWORDED for key in events_of)
        self.bound_groups()

    def add(self, other: "DiffCounts") -> None:
        """Add the counts of another part of the corpus."""
        self.messages += other.messages
        self.changed += other.changed
        self.bad_lines += other.bad_lines
        self.first_bad_lines = sorted(self.first_bad_lines + other.first_bad_lines)[:MAX_BAD_LINES]
        self.failing.update(other.failing)
        for code, first in other.first_failing.items():
            self.first_failing[code] = min(first, self.first_failing.get(code, first))
        self.silent.update(other.silent)
        self.causes.update(other.causes)
        self.without_time += other.without_time
        self.sessions += other.sessions
        for moment in (other.earliest, other.latest):
            if moment is not None:
                self.count_moment(moment)
        for key, group in other.groups.items():
            self.groups.setdefault(key, Group()).add(group)
        self.bound_groups()

    def settle(self) -> None:
        """Decide what needs the whole corpus. To be called once, when everything is counted.

        Renames that the corpus does not agree on become removals and additions. Of groups and of
        events, those of most messages are kept. Everything is put in an order of its own.
        """
        self._keep_groups(KEPT_GROUPS, lambda key: key.rank)
        self._settle_renames()
        groups = self.groups
        self._keep_groups(MAX_GROUPS, lambda key: (-groups[key].messages, key.rank))
        for group in self.groups.values():
            group.settle_events()
        self.groups = dict(self.sorted_groups())
        for counts in ("failing", "silent", "causes"):
            setattr(self, counts, in_order(getattr(self, counts)))
        self.first_failing = dict(sorted(self.first_failing.items()))

    def _settle_renames(self) -> None:
        kept = one_to_one(
            (key.kind, key.operation, key.path, group.messages)
            for key, group in self.groups.items()
        )
        groups, self.groups = self.groups, {}
        for key, group in groups.items():
            old, arrow, new = key.path.partition(ARROW)
            is_rename = key.kind is ChangeClass.RENAMED and arrow
            if not is_rename or (key.operation, key.path) in kept:
                self.groups.setdefault(key, Group()).add(group)
                continue
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

    def bound_groups(self) -> None:
        """Bound the memory that groups need."""
        if len(self.groups) > 2 * KEPT_GROUPS:
            self._keep_groups(KEPT_GROUPS, lambda key: key.rank)

    def _keep_groups(self, number: int, rank: Callable[[GroupKey], Any]) -> None:
        """Keep the groups of the lowest ranks, and count the others in one for each class."""
        keys = sorted((key for key in self.groups if key != key.rest), key=rank)
        for key in keys[number:]:
            self.groups.setdefault(key.rest, Group()).add(self.groups.pop(key))


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
