"""A run as Markdown, short enough for a comment on a pull request."""

from collections.abc import Iterable, Sequence

from conformance.reports.causes import causes
from conformance.reports.results import Report

MOST_ROWS = 10
"""Causes that are shown."""


def run_markdown(report: Report) -> str:
    """The verdict, the totals and the most frequent causes of failures."""
    verdict = "conforms" if report.conformant else "does not conform"
    lines = [f"### {code(report.target)} {verdict}", "", f"{report.summary.sentence()}."]
    if report.stopped:
        lines += ["", f"The run is not complete: {report.stopped}."]
    found = causes(report.outcomes)
    if found:
        rows = [
            (
                code(cause.text),
                str(len(cause.cases)),
                str(cause.must),
                str(len(cause.sole)),
                code(cause.examples[0]),
            )
            for cause in found[:MOST_ROWS]
        ]
        lines += ["", *table(("Cause", "Cases", "Must", "Only cause of", "Example"), rows)]
        if len(found) > MOST_ROWS:
            lines += ["", f"And {len(found) - MOST_ROWS} rarer causes; the report shows all."]
    return "\n".join([*lines, "", report.summary.line(), ""])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; the cells are Markdown already."""
    return [
        f"| {' | '.join(head)} |",
        f"|{'|'.join(['---'] * len(head))}|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def code(text: str) -> str:
    """Any text as code in one line: nothing in it is Markdown, HTML or a control character."""
    shown = "".join(each if each.isprintable() else " " for each in text).replace("|", "\\|")
    longest = max((len(run) for run in shown.split() if set(run) == {"`"}), default=0)
    ticks = "`" * (1 + max(longest, 1 if "`" in shown else 0))
    space = " " if "`" in shown else ""
    return f"{ticks}{space}{shown or ' '}{space}{ticks}"
