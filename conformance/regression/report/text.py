"""The result of a comparison for a terminal or a log file."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from conformance.regression.differences.changes import ChangeClass
from conformance.regression.differences.groups import Example
from conformance.regression.json_text import printable
from conformance.regression.report.result import DiffResult, ReportRow, percent, plural

WHOLE = "(the whole operation)"
MOST_EVENTS = 5
"""Names of events that a group shows."""


def text(result: DiffResult, *, show_all: bool = False) -> str:
    """Warnings, counts and changes, those of most messages first; then the verdict.

    Rare groups are folded into one line each, unless `show_all`.
    """
    counts = result.counts
    lines = [f"old  {result.old}", f"new  {result.new}", result.counts_line(), result.judged_at()]
    lines += [f"WARNING: {warning}" for warning in result.warnings()]
    lines += [f"  bad line {example}" for example in counts.bad_examples]
    lines += _by_code("fail on both sides", counts.failing, counts.failing_examples)
    lines += _by_code("make no operation on both sides", counts.silent, {})
    lines += [
        f"  by {cause}: {plural(count, 'message')}" for cause, count in counts.causes.most_common()
    ]
    rows, rare = (list(result.rows()), []) if show_all else result.folded()
    for operation, group in groupby(_by_operation(rows), key=lambda row: row.key.operation):
        lines += ["", printable(operation)]
        for row in group:
            lines += _row(row)
    if rare:
        lines += ["", f"{len(rare):,} rare groups (--all shows examples)"]
        lines += [f"  {printable(row.key.operation)}  {_head(row)}" for row in rare]
    lines.append("")
    lines += [f"stale: {stale}" for stale in result.approvals.stale]
    lines.append(result.verdict())
    return "\n".join(lines)


def _by_code(what: str, codes: Counter[str], examples: dict[str, str]) -> Iterator[str]:
    for code, count in codes.most_common():
        words = f": {examples[code]}" if examples.get(code) else ""
        yield f"  {count:,} {what}: {code}{words}"


def _by_operation(rows: list[ReportRow]) -> list[ReportRow]:
    """The groups by operation, that of the largest group first."""
    order = {row.key.operation: index for index, row in reversed(list(enumerate(rows)))}
    return sorted(rows, key=lambda row: order[row.key.operation])


def _head(row: ReportRow) -> str:
    path = printable(row.key.path) or WHOLE
    return f"{row.key.kind}: {path}  {plural(row.group.messages, 'message')} ({percent(row.share)})"


def _row(row: ReportRow) -> Iterator[str]:
    yield f"  {_head(row)}"
    if row.key.causes:
        yield f"      by {', '.join(row.key.causes)}"
    if events := events_text(row):
        yield f"      in {events}"
    if row.approval:
        yield f"      approved until {row.approval.expires}: {row.approval.reason}"
    for example in row.group.examples:
        yield f"      {place(example)}"
        yield from values(row, example)


def values(row: ReportRow, example: Example) -> Iterator[str]:
    """The values of an example: one line if it is a rename of the same value, else a line each."""
    if row.key.kind is ChangeClass.RENAMED and example.old == example.new:
        yield f"        = {example.old}"
        return
    if example.old is not None:
        yield f"        - {example.old}"
    if example.new is not None:
        yield f"        + {example.new}"


def events_text(row: ReportRow) -> str:
    """The events that a group is in, with counts; nothing where its operation names the event."""
    if not row.key.path:
        return ""
    events = row.group.events.most_common()
    found = [f"{printable(name)} ({count:,})" for name, count in events[:MOST_EVENTS]]
    if len(events) > MOST_EVENTS:
        found.append(f"{len(events) - MOST_EVENTS} more events")
    return ", ".join(found)


def place(example: Example) -> str:
    """The place of the message, and its id."""
    return example.where if example.id is None else f"{example.where} ({example.id})"
