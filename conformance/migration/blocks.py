"""Blocks of a report: the rows of one section with one cause are shown together."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from conformance.migration.differences.counting import EVENTS
from conformance.regression.differences.changes import ChangeClass
from conformance.regression.json_text import printable
from conformance.regression.report.result import ReportRow, percent


class RowBlock(NamedTuple):
    """Rows of one section and class with the same causes, or a single row."""

    rows: list[ReportRow]

    @property
    def kind(self) -> ChangeClass:
        """The class of every row."""
        return self.rows[0].key.kind

    @property
    def section(self) -> str:
        """The section of the rows."""
        return self.rows[0].key.operation

    @property
    def cause(self) -> str:
        """The common cause of the rows; empty if it is unknown."""
        return "; ".join(map(printable, self.rows[0].key.causes))

    @property
    def total(self) -> int:
        """The total count of all rows."""
        return sum(row.group.messages for row in self.rows)

    @property
    def red(self) -> bool:
        """Whether a row needs an approval."""
        return any(row.red for row in self.rows)

    @property
    def copies(self) -> bool:
        """Whether the rows are events that are stored more or less often."""
        kinds = (ChangeClass.ADDED, ChangeClass.REMOVED)
        return self.section == EVENTS and self.kind in kinds and bool(self.cause)

    def sentence(self, old_events: int, words: Mapping[ChangeClass, str]) -> str:
        """What the rows have in common, in one sentence.

        `old_events` is the number of events in the old project without identity events. `words` are
        the names of the classes.
        """
        if self.copies:
            if self.total >= old_events:
                return f"each event is {self.cause}"
            share = percent(self.total / max(1, old_events))
            return f"{self.total:,} events ({share}) are {self.cause}"
        return f"{words.get(self.kind, self.kind)}: {self.cause}: {len(self.rows):,} names"


def blocks(rows: Iterable[ReportRow]) -> list[RowBlock]:
    """The rows of a section, those of one cause together, in the order of their first rows."""
    found: dict[object, RowBlock] = {}
    for row in rows:
        name = (row.key.kind, row.key.causes) if row.key.causes else row.key
        found.setdefault(name, RowBlock([])).rows.append(row)
    return list(found.values())
