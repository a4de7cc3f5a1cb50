"""The result of a migration: rows by section, approvals, and the verdict."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.migration.blocks import RowBlock, blocks
from conformance.migration.contents import IDENTITY_EVENTS, ProjectContents
from conformance.migration.differences.counting import (
    CHARGES,
    COUNTERS,
    DESTINATION,
    EVENTS,
    GROUPS,
    MESSAGES,
    PEOPLE,
    PROFILES,
    PROPERTIES,
    REFUSED,
    SECTIONS,
    ProjectDifferences,
    Total,
)
from conformance.migration.warning_texts import (
    not_compared,
    refused_on_both_sides,
    refused_on_one_side,
)
from conformance.regression.differences.changes import ChangeClass
from conformance.regression.differences.groups import GroupKey
from conformance.regression.report.approvals import ApprovalMatches
from conformance.regression.report.result import (
    ComparisonCheck,
    ReportRow,
    iso,
    plural,
)
from conformance.spec.scenarios.loading import Json

WORDS = {
    ChangeClass.ADDED: "new",
    ChangeClass.REMOVED: "lost",
    ChangeClass.VALUE: "other value",
    ChangeClass.RETYPED: "other type",
}
"""Classes in words of the migration."""

THINGS = {
    DESTINATION: "message",
    PEOPLE: "person",
    PROFILES: "person",
    GROUPS: "group",
    REFUSED: "record",
    MESSAGES: "message",
}
"""The unit of a section, if not events."""


@dataclass(frozen=True)
class Migration(ComparisonCheck):
    """The changes from one translator to another, over the files of `corpus`."""

    old: str
    new: str
    comparison: ProjectDifferences
    approvals: ApprovalMatches
    contents: ProjectContents
    """The contents of the old project."""
    settings: Json
    corpus: tuple[str, ...]
    date: datetime.date
    max_bad_lines: int = 0

    def rows(self) -> list[ReportRow]:
        """The differences by section, in each those of most things first."""
        counts = self.comparison.counts
        rows = [
            ReportRow(
                key, group, self._share(key, group.messages), self.approvals.approved.get(key)
            )
            for key, group in counts.sorted_groups()
        ]
        order = {section: index for index, section in enumerate(SECTIONS)}
        return sorted(rows, key=lambda row: order.get(row.key.operation, len(order)))

    def sections(self) -> Iterator[tuple[str, list[ReportRow]]]:
        """Each section that has a difference, with its rows."""
        rows = self.rows()
        for section in SECTIONS:
            found = [row for row in rows if row.key.operation == section]
            if found:
                yield section, found

    def sentence(self, block: RowBlock) -> str:
        """What the rows of a block have in common, in one sentence."""
        names = self.comparison.by_name.items()
        ordinary = sum(old for name, (old, _) in names if name not in IDENTITY_EVENTS)
        return block.sentence(ordinary, WORDS)

    def common_causes(self) -> list[RowBlock]:
        """The blocks of several rows with one cause, and events that are stored more often."""
        found = (block for _, rows in self.sections() for block in blocks(rows))
        return [block for block in found if len(block.rows) > 1 or block.copies]

    def bad_lines(self) -> int:
        """The number of lines of the corpus that are not messages."""
        return self.comparison.counts.bad_lines

    def counts_line(self) -> list[str]:
        """The counts of both projects, one line each."""
        found = self.comparison
        counts = found.counts
        lines = [
            f"{plural(counts.messages, 'message')}, {self.judged_at()}",
            f"people   {found.people[0]:>10,}  ->  {found.people[1]:,}  "
            f"({found.same_people:,} are the same)",
            f"events   {found.events[0]:>10,}  ->  {found.events[1]:,}",
            f"charges  {found.charges.old_count:>10,}  ->  {found.charges.new_count:,}  "
            f"({found.charges.old_sum:,.10g} -> {found.charges.new_sum:,.10g})",
        ]
        if found.not_compared:
            count = plural(found.not_compared, "person")
            lines.append(f"profiles of {count} are not compared: they were merged or split")
        return lines

    def judged_at(self) -> str:
        """The times at which messages were judged."""
        first, last = self.contents.earliest, self.contents.latest
        if first is None or last is None:
            return "none judged"
        return f"translated as of {iso(first)}" + (f" to {iso(last)}" if first != last else "")

    def warnings(self) -> list[str]:
        """Warnings that a reader must know before trusting the verdict."""
        return [
            *refused_on_one_side(self.rows(), self.comparison),
            *refused_on_both_sides(self.comparison),
            *not_compared(self.comparison.counts),
        ]

    def verdict(self) -> str:
        """The verdict in one line."""
        rows = self.rows()
        red = sum(row.red for row in rows)
        approved = sum(row.approval is not None for row in rows)
        words = [f"{plural(red, 'difference')} without approval" if red else "no difference"]
        if approved:
            words = [words[0] if red else "no difference without approval", f"{approved} approved"]
        words += self.failures()
        return ", ".join(words)

    def summary(self) -> str:
        """One sentence for people who do not read the rest."""
        found: list[str] = []
        for section, rows in self.sections():
            count = sum(row.group.messages for row in rows)
            things = plural(count, THINGS.get(section, "event"))
            words = {
                DESTINATION: f"records of {things} go to another host or project",
                PEOPLE: f"{things} merged, split, lost, new or with other ids",
                EVENTS: f"{things} lost, new or renamed",
                PROPERTIES: f"{plural(len(rows), 'difference')} in event properties",
                PROFILES: f"{plural(len(rows), 'difference')} in profiles",
                CHARGES: "charges differ",
                COUNTERS: f"{plural(len(rows), 'difference')} in counters",
                GROUPS: f"{plural(len(rows), 'difference')} in group profiles",
                REFUSED: f"{things} refused or ignored by Mixpanel on one side only",
                MESSAGES: f"{things} failing on one side only",
            }
            copies = [self.sentence(block) for block in blocks(rows) if block.copies]
            others = [row for block in blocks(rows) if not block.copies for row in block.rows]
            found += copies
            if others or not copies:
                found.append(words[section])
        text = "; ".join(found)
        return f"{text[0].upper()}{text[1:]}." if text else "Both projects hold the same."

    def as_json(self) -> dict[str, Any]:
        """Everything, as a JSON object."""
        found = self.comparison
        counts = found.counts
        return {
            "from": self.old,
            "to": self.new,
            "date": self.date.isoformat(),
            "corpus": list(self.corpus),
            "settings": self.settings,
            "judged_at": self.judged_at(),
            "red": self.red,
            "verdict": self.verdict(),
            "summary": self.summary(),
            "warnings": self.warnings(),
            "messages": counts.messages,
            "changed": counts.changed,
            "bad_lines": counts.bad_lines,
            "bad_line_examples": counts.bad_examples,
            "failing_on_both_by_code": dict(counts.failing.most_common()),
            "no_operation_on_both_by_code": dict(counts.silent.most_common()),
            "refused_on_both": [
                {"endpoint": endpoint, "reason": reason, "records": count}
                for (endpoint, reason), count in found.refused_by_both()
            ],
            "people": {
                "from": found.people[0],
                "to": found.people[1],
                "same": found.same_people,
                "profiles_not_compared": found.not_compared,
            },
            "events": {
                "from": found.events[0],
                "to": found.events[1],
                "by_name": {
                    name: {"from": old, "to": new} for name, (old, new) in found.by_name.items()
                },
            },
            "charges": _total_json(found.charges),
            "counters": {name: _total_json(total) for name, total in found.counters.items()},
            "requests": {
                side: [
                    {"endpoint": endpoint, "host": host, "records": count}
                    for (endpoint, host), count in sorted(counts.items())
                ]
                for side, counts in zip(("from", "to"), found.requests, strict=True)
            },
            "common_causes": [
                {
                    "section": block.section,
                    "class": block.kind.value,
                    "sentence": self.sentence(block),
                    "rows": len(block.rows),
                    "count": block.total,
                }
                for block in self.common_causes()
            ],
            "differences": [_row_json(row) for row in self.rows()],
            "people_changes": [each.as_json() for each in found.people_changes.first],
            "people_changes_left_out": found.people_changes.count - len(found.people_changes.first),
            "stale_approvals": [str(stale) for stale in self.approvals.stale],
        }

    def _share(self, key: GroupKey, count: int) -> float:
        found = self.comparison
        wholes = {
            PEOPLE: found.people[key.kind in (ChangeClass.ADDED, ChangeClass.MERGED)],
            DESTINATION: found.counts.messages,
            MESSAGES: found.counts.messages,
            PROFILES: found.same_people,
            GROUPS: max(found.groups),
            CHARGES: max(found.charges.old_count, found.charges.new_count),
        }
        return min(1.0, count / max(1, wholes.get(key.operation, max(found.events))))


def _total_json(total: Total) -> Json:
    return {
        "from": {"count": total.old_count, "sum": total.old_sum},
        "to": {"count": total.new_count, "sum": total.new_sum},
    }


def _row_json(row: ReportRow) -> Json:
    return {
        "section": row.key.operation,
        "class": row.key.kind.value,
        "path": row.key.path,
        "causes": list(row.key.causes),
        "count": row.group.messages,
        **row.details(),
    }
