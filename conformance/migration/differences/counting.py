"""Where the differences of two projects are counted: sections, totals and examples."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import orjson

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

PEOPLE, EVENTS, PROPERTIES = "people", "events", "event properties"
PROFILES, GROUPS, CHARGES = "profiles", "group profiles", "charges"
COUNTERS, REFUSED, MESSAGES = "counters", "refused by Mixpanel", "messages"

SECTIONS = (PEOPLE, EVENTS, PROPERTIES, PROFILES, CHARGES, COUNTERS, GROUPS, REFUSED, MESSAGES)
"""The sections of the report, the most serious first. A row's operation is its section."""


@dataclass
class Total:
    """A sum over all people, in the old and in the new project."""

    old_count: int = 0
    old_sum: float = 0
    new_count: int = 0
    new_sum: float = 0

    @property
    def differs(self) -> bool:
        """Whether count or sum differ by more than rounding."""
        near = abs(self.old_sum - self.new_sum) <= 1e-6 * max(1, abs(self.old_sum))
        return self.old_count != self.new_count or not near


@dataclass
class ProjectDifferences:
    """The differences of two projects. `counts` counts messages, people or groups, by section."""

    counts: DiffCounts
    people: tuple[int, int] = (0, 0)
    same_people: int = 0
    events: tuple[int, int] = (0, 0)
    by_name: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Event name -> events in the old and in the new project."""
    charges: Total = field(default_factory=Total)
    counters: dict[str, Total] = field(default_factory=dict)
    requests: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = (Counter(), Counter())
    not_compared: int = 0
    """People whose profiles are not compared, because they were merged or split."""


class DifferenceCounter:
    """Counts differences, with examples and their places."""

    def __init__(
        self,
        counts: DiffCounts,
        places: list[tuple[str, str | None]],
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
    ) -> None:
        """Count a difference of `count` things. `message` or `who` say where the example is."""
        group = self._counts.groups.setdefault(GroupKey(kind, section, path), Group())
        group.messages += count
        if event is not None:
            group.count_event(event)
        if message is not None:
            self._changed.add(message)
        if len(group.examples) < EXAMPLES and (old is not None or new is not None or who):
            where, name = self._places[message] if message is not None else (who, None)
            shown = None if name is None else printable(self._redact(name))
            one, two = (None if each is None else self._shown(each) for each in (old, new))
            place = (0, message) if message is not None else (1, len(group.examples))
            group.examples.append(Example(printable(where), shown, one, two, place))

    def _shown(self, text: str) -> str:
        """A text of JSON without secrets, cut."""
        with suppress(ValueError):  # some are words of ours
            text = compact(self._redact(orjson.loads(text)))
        more = len(text) - MAX_CHARACTERS
        return text if more <= 0 else f"{text[:MAX_CHARACTERS]}... ({more} characters more)"
