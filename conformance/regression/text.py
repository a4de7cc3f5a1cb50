"""The outcome for a terminal or a log file."""

from collections.abc import Iterator
from itertools import groupby

from conformance.regression.outcome import Outcome, Row, percent, plural
from conformance.regression.tally import Example

WHOLE = "(the whole operation)"


def text(outcome: Outcome) -> str:
    """Changes by operation and path, with counts, shares and examples; then the verdict."""
    lines = [f"old  {outcome.old}", f"new  {outcome.new}", outcome.counts()]
    lines += [f"  {example}" for example in outcome.tally.bad_examples]
    causes = outcome.tally.causes.most_common()
    lines += [f"  by {cause}: {plural(count, 'message')}" for cause, count in causes]
    for operation, rows in groupby(outcome.rows(), key=lambda row: row.key.operation):
        lines += ["", operation]
        for row in rows:
            lines += _row(row)
    lines.append("")
    lines += [f"stale: {stale}" for stale in outcome.judgement.stale]
    lines.append(outcome.verdict())
    return "\n".join(lines)


def _row(row: Row) -> Iterator[str]:
    head = f"  {row.key.kind}: {row.key.path or WHOLE}"
    yield f"{head}  {plural(row.group.messages, 'message')} ({percent(row.share)})"
    if row.key.causes:
        yield f"      by {', '.join(row.key.causes)}"
    if row.approval:
        yield f"      approved until {row.approval.expires}: {row.approval.reason}"
    for example in row.group.examples:
        yield f"      {place(example)}"
        if example.old is not None:
            yield f"        - {example.old}"
        if example.new is not None:
            yield f"        + {example.new}"


def place(example: Example) -> str:
    """Where the message is, and its id."""
    return example.where if example.id is None else f"{example.where} ({example.id})"
