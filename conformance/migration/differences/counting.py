"""Counts the differences of two projects: sections, totals and examples."""

import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import orjson

from conformance.migration.differences.people_changes import PeopleChanges
from conformance.regression.differences.changes import ChangeClass
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.differences.groups import (
    EXAMPLES,
    MAX_CHARACTERS,
    Example,
    Group,
    GroupKey,
)
from conformance.regression.json_text import compact, printable
from conformance.regression.redaction import SecretFilter

DESTINATION = "destination"
PEOPLE, EVENTS, PROPERTIES = "people", "events", "event properties"
PROFILES, GROUPS, CHARGES = "profiles", "group profiles", "charges"
COUNTERS, REFUSED, MESSAGES = "counters", "refused by Mixpanel", "messages"

SECTIONS = (
    *(DESTINATION, PEOPLE, EVENTS, PROPERTIES, PROFILES),
    *(CHARGES, COUNTERS, GROUPS, REFUSED, MESSAGES),
)
"""The sections of the report, the most serious first. A row's operation is its section."""


@dataclass
class ExactSum:
    """A sum of numbers that does not depend on their order: it is rounded once, when it is read."""

    count: int = 0
    exact: Fraction = Fraction()
    is_whole: bool = True

    def add(self, numbers: Iterable[float]) -> None:
        """Add finite numbers."""
        for number in numbers:
            self.count += 1
            self.exact += Fraction(number)
            self.is_whole &= type(number) is int

    def merge(self, other: "ExactSum") -> None:
        """Add the numbers of another sum."""
        self.count += other.count
        self.exact += other.exact
        self.is_whole &= other.is_whole

    @property
    def value(self) -> float:
        """The sum: whole if all numbers are, else the nearest float."""
        try:
            return int(self.exact) if self.is_whole else float(self.exact)
        except OverflowError:
            return math.copysign(sys.float_info.max, self.exact)


@dataclass
class Total:
    """A sum over all people, in the old and in the new project."""

    old: ExactSum = field(default_factory=ExactSum)
    new: ExactSum = field(default_factory=ExactSum)
    gained: Fraction = Fraction()
    lost: Fraction = Fraction()
    """What people have more, and what people have less, who are the same in both projects."""

    def add_change(self, change: Fraction) -> None:
        """Add the change of one number of a person."""
        if change > 0:
            self.gained += change
        else:
            self.lost -= change

    def merge(self, other: "Total") -> None:
        """Add the sums over other people."""
        self.old.merge(other.old)
        self.new.merge(other.new)
        self.gained += other.gained
        self.lost += other.lost

    @property
    def cancels_out(self) -> bool:
        """Whether some people have more and others less, so that the sums do not tell all."""
        return bool(self.gained and self.lost)

    @property
    def old_count(self) -> int:
        """The count of numbers in the old project."""
        return self.old.count

    @property
    def new_count(self) -> int:
        """The count of numbers in the new project."""
        return self.new.count

    @property
    def old_sum(self) -> float:
        """The sum in the old project."""
        return self.old.value

    @property
    def new_sum(self) -> float:
        """The sum in the new project."""
        return self.new.value

    @property
    def differs(self) -> bool:
        """Whether count or sum differ by more than rounding."""
        near = abs(self.old_sum - self.new_sum) <= 1e-6 * max(1, abs(self.old_sum))
        return self.old_count != self.new_count or not near


@dataclass
class OddAmounts:
    """Amounts of charges that are not numbers, in one project: how many, and an example."""

    count: int = 0
    example: str = ""

    def add(self, other: "OddAmounts") -> None:
        """Add those of other people. The example is the first one in the order of text."""
        self.count += other.count
        self.example = min(filter(None, (self.example, other.example)), default="")


@dataclass
class ProjectDifferences:
    """The differences of two projects. `counts` counts messages, people or groups, by section."""

    counts: DiffCounts
    people: tuple[int, int] = (0, 0)
    same_people: int = 0
    groups: tuple[int, int] = (0, 0)
    events: tuple[int, int] = (0, 0)
    by_name: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Event name -> events in the old and in the new project."""
    charges: Total = field(default_factory=Total)
    odd_amounts: tuple[OddAmounts, OddAmounts] = field(
        default_factory=lambda: (OddAmounts(), OddAmounts())
    )
    counters: dict[str, Total] = field(default_factory=dict)
    requests: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = field(
        default_factory=lambda: (Counter(), Counter())
    )
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Endpoint and reason -> records that Mixpanel refuses or ignores from both translators."""
    people_changes: PeopleChanges = field(default_factory=PeopleChanges)
    not_compared: int = 0
    """People whose profiles are not compared, because they were merged or split."""

    def refused_by_both(self) -> list[tuple[tuple[str, str], int]]:
        """`refused`, the reasons of most records first."""
        return sorted(self.refused.items(), key=lambda each: (-each[1], each[0]))

    def add(self, other: "ProjectDifferences") -> None:
        """Add the differences of other people and other messages."""
        self.counts.add(other.counts)
        self.people = _pair_sum(self.people, other.people)
        self.same_people += other.same_people
        self.groups = _pair_sum(self.groups, other.groups)
        self.events = _pair_sum(self.events, other.events)
        for name, events in other.by_name.items():
            self.by_name[name] = _pair_sum(self.by_name.get(name, (0, 0)), events)
        self.charges.merge(other.charges)
        for one, two in zip(self.odd_amounts, other.odd_amounts, strict=True):
            one.add(two)
        for name, total in other.counters.items():
            self.counters.setdefault(name, Total()).merge(total)
        for side, counts in zip(self.requests, other.requests, strict=True):
            side.update(counts)
        self.refused.update(other.refused)
        self.people_changes.merge(other.people_changes)
        self.not_compared += other.not_compared


def _pair_sum(one: tuple[int, int], two: tuple[int, int]) -> tuple[int, int]:
    return one[0] + two[0], one[1] + two[1]


class DifferenceCounter:
    """Counts differences, with examples and their places."""

    def __init__(
        self,
        counts: DiffCounts,
        places: Mapping[int, tuple[str, str | None]],
        changed: set[int],
        redact: SecretFilter,
    ) -> None:
        self._counts = counts
        self._places = places
        self._changed = changed
        self._redact = redact

    def __call__(
        self,
        kind: ChangeClass,
        section: str,
        path: str,
        *,
        message: int | None = None,
        old: str | None = None,
        new: str | None = None,
        event: str | None = None,
        count: int = 1,
        who: str = "",
        causes: tuple[str, ...] = (),
    ) -> None:
        """Count a difference of `count` things. `message` or `who` say where the example is."""
        group = self._counts.groups.setdefault(GroupKey(kind, section, path, causes), Group())
        group.messages += count
        if event is not None:
            group.count_event(event)
        if message is not None:
            self._changed.add(message)
        self._counts.bound_groups()
        # Examples of messages come first, in the order of the corpus; then those of people.
        place = (0, message) if message is not None else (1, 0)
        where, shown = (printable(who), None) if message is None else self.place(message)
        last = group.examples[-1] if len(group.examples) == EXAMPLES else None
        is_early = last is None or (place, where) <= (last.position, last.where)
        if is_early and (old is not None or new is not None or who):
            one, two = (None if each is None else self._shown(each) for each in (old, new))
            group.add_examples([Example(where, shown, one, two, place)])

    def place(self, message: int) -> tuple[str, str | None]:
        """Where a message is in the corpus, and its id, as reports show them."""
        where, name = self._places[message]
        return printable(where), None if name is None else printable(self._redact(name))

    def redacted(self, value: Any) -> Any:
        """A value without secrets."""
        return self._redact(value)

    def _shown(self, text: str) -> str:
        """A text of JSON without secrets, cut."""
        with suppress(ValueError):  # some are words of ours
            text = compact(self._redact(orjson.loads(text)))
        more = len(text) - MAX_CHARACTERS
        return text if more <= 0 else f"{text[:MAX_CHARACTERS]}... ({more} characters more)"
