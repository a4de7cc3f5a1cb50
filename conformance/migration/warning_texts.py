"""Warnings of a migration: what Mixpanel refuses, and what is not compared."""

from collections.abc import Iterator, Sequence

from conformance.migration.differences.counting import REFUSED, ProjectDifferences
from conformance.regression.differences.changes import ChangeClass
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.json_text import printable
from conformance.regression.report.result import LOUD_SHARE, ReportRow, percent, plural

MOST_REASONS = 3
"""Reasons with a warning of their own; the JSON report has all."""


def refused_on_one_side(rows: Sequence[ReportRow], found: ProjectDifferences) -> Iterator[str]:
    """Reasons for which Mixpanel refuses many records of one side only."""
    for row in rows:
        if row.key.operation != REFUSED or row.group.messages <= LOUD_SHARE * max(found.events):
            continue
        side = "new" if row.key.kind is ChangeClass.ADDED else "old"
        records = plural(row.group.messages, "record")
        yield (
            f"Mixpanel refuses or ignores {records} ({percent(row.share)}) of the {side} "
            f"translator: {printable(row.key.path)}. Differences below can be the effect"
        )


def refused_on_both_sides(found: ProjectDifferences) -> Iterator[str]:
    """Reasons for which Mixpanel refuses records of both sides, those of most records first."""
    reasons = found.refused_by_both()
    for (endpoint, reason), count in reasons[:MOST_REASONS]:
        yield (
            f"Mixpanel refuses or ignores {plural(count, 'record')} of both translators: "
            f"{printable(f'{endpoint}: {reason}')}. No difference can show in them"
        )
    others = sum(count for _, count in reasons[MOST_REASONS:])
    if others:
        yield (
            f"Mixpanel refuses or ignores {plural(others, 'other record')} of both translators "
            "for other reasons"
        )


def not_compared(counts: DiffCounts) -> Iterator[str]:
    """Messages that reach neither project."""
    share = counts.not_compared / counts.messages
    if share <= LOUD_SHARE:
        return
    codes = (counts.failing + counts.silent).most_common(3)
    why = ", ".join(f"{code} {count:,}" for code, count in codes)
    yield (
        f"{percent(share)} of the messages reach neither project ({why}), so no difference "
        "can show in them"
    )
