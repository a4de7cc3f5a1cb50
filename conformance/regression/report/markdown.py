"""A comparison as Markdown, short enough for a comment on a pull request."""

from conformance.regression.report.result import DiffResult, percent
from conformance.regression.report.text import WHOLE
from conformance.reports.markdown import code, table

MOST_ROWS = 20
"""Groups of changes that are shown."""


def diff_markdown(result: DiffResult) -> str:
    """The verdict, warnings, and the groups of changes with the most messages."""
    lines = [f"### {code(result.old)} to {code(result.new)}", "", result.verdict(), ""]
    lines += [result.counts_line(), ""]
    lines += [f"**Warning:** {code(warning)}\n" for warning in result.warnings()]
    rows = list(result.rows())
    if rows:
        head = ("Operation", "Change", "Where", "Messages", "Share", "Approved")
        cells = [
            (
                code(row.key.operation),
                str(row.key.kind),
                code(row.key.path or WHOLE),
                f"{row.group.messages:,}",
                percent(row.share),
                "yes" if row.approval else "no",
            )
            for row in rows[:MOST_ROWS]
        ]
        lines += [*table(head, cells), ""]
    if len(rows) > MOST_ROWS:
        lines += [f"And {len(rows) - MOST_ROWS:,} rarer changes; the report shows all.", ""]
    return "\n".join(lines)
