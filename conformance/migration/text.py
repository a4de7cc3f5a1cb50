"""The result of a migration for a terminal or a log file."""

from collections.abc import Iterator

from conformance.migration.blocks import RowBlock, blocks
from conformance.migration.differences.counting import (
    CHARGES,
    COUNTERS,
    DESTINATION,
    EVENTS,
    MESSAGES,
    PEOPLE,
    PROPERTIES,
    REFUSED,
)
from conformance.migration.differences.sums import ALL_PEOPLE
from conformance.migration.result import THINGS, WORDS, Migration
from conformance.regression.differences.changes import ChangeClass
from conformance.regression.json_text import printable
from conformance.regression.report.result import ReportRow, percent, plural
from conformance.regression.report.text import events_text, place, values

MOST_ROWS = 12
"""Rows and blocks of a section that are shown with their first example; others are counted."""

MOST_NAMES = 3
"""Rows of a block that are shown."""


def text(migration: Migration, *, show_all: bool = False) -> str:
    """Counts, differences by section, then the verdict."""
    lines = [f"from  {migration.old}", f"to    {migration.new}", *migration.counts_line()]
    lines += [f"WARNING: {warning}" for warning in migration.warnings()]
    lines += [f"  bad line {example}" for example in migration.comparison.counts.bad_examples]
    for section, rows in migration.sections():
        lines += ["", section.upper() if section != REFUSED else "REFUSED BY MIXPANEL"]
        found = blocks(rows)
        shown = found if show_all else found[:MOST_ROWS]
        for block in shown:
            lines += _block(block, migration, show_all=show_all)
        if len(found) > len(shown):
            more = sum(len(block.rows) for block in found[len(shown) :])
            lines.append(f"  and {more:,} more (--all, or the report)")
    lines.append("")
    lines += [f"stale: {stale}" for stale in migration.approvals.stale]
    lines.append(migration.verdict())
    return "\n".join(lines)


def head(row: ReportRow) -> str:
    """The headline of a row: the class, the path, and the count."""
    section, path = row.key.operation, printable(row.key.path)
    things = plural(row.group.messages, THINGS.get(section, "event"))
    share = f"{things} ({percent(row.share)})"
    if is_sum(row):
        example = row.group.examples[0]
        return f"{path + ': ' if path else ''}{example.old} -> {example.new}"
    if section in (CHARGES, COUNTERS):
        return f"{WORDS[row.key.kind]}: {path}  {plural(row.group.messages, 'person')}"
    if section == MESSAGES:
        return f"{row.key.kind}: {path}  {things}"
    kind = WORDS.get(row.key.kind, str(row.key.kind))
    if section == DESTINATION:
        return f"records of {share} go elsewhere: {path}"
    if section == PEOPLE and row.key.kind is ChangeClass.RENAMED:
        return f"{share} have other ids"
    if section == PEOPLE and row.key.kind is ChangeClass.MOVED:
        return f"{kind}: messages of {share} reach another person"
    if section == PEOPLE:
        return f"{kind}: {share}"
    return f"{kind}: {path or '(the whole profile)'}  {share}"


def is_sum(row: ReportRow) -> bool:
    """Whether a row is about charges or counters of all people together."""
    return any(example.where == ALL_PEOPLE for example in row.group.examples)


def _block(block: RowBlock, migration: Migration, *, show_all: bool) -> Iterator[str]:
    """The rows of a block, under what they have in common."""
    if len(block.rows) == 1 and not block.copies:
        yield from _row(block.rows[0])
        return
    yield f"  {migration.sentence(block)}"
    shown = block.rows if show_all else block.rows[:MOST_NAMES]
    for row in shown:
        yield from (f"  {line}" for line in _row(row, cause_known=True))
    if len(block.rows) > len(shown):
        yield f"    and {len(block.rows) - len(shown):,} more names (--all, or the report)"


def time_shift(row: ReportRow) -> str:
    """The difference between the times of events, if all examples agree; else empty."""
    if row.key.operation != PROPERTIES or row.key.path != "(time)":
        return ""
    shifts = set()
    for example in row.group.examples:
        try:
            shifts.add(int(example.new or "") - int(example.old or ""))
        except ValueError:
            return ""
    if len(shifts) != 1:
        return ""
    seconds = shifts.pop()
    direction = "later" if seconds > 0 else "earlier"
    return f"in all examples {plural(abs(seconds), 'second')} {direction}"


def _row(row: ReportRow, *, cause_known: bool = False) -> Iterator[str]:
    yield f"  {head(row)}"
    if row.key.causes and not cause_known:
        yield from (f"      because {printable(cause)}" for cause in row.key.causes)
    if is_sum(row):
        return
    if events := events_text(row):
        yield f"      in {events}"
    if shift := time_shift(row):
        yield f"      {shift}"
    if row.approval:
        yield f"      approved until {row.approval.expires}: {row.approval.reason}"
    for example in row.group.examples[:1]:
        yield f"      {place(example)}"
        # Of these the name or the reason is enough; the report has the whole event.
        if row.key.operation not in (EVENTS, REFUSED, MESSAGES):
            yield from values(row, example)
