"""A badge for a README: the number of cases that pass."""

from conformance.reports.results import Report
from conformance.reports.templates import render
from conformance.runner.outcomes import Verdict
from conformance.spec.data import read

LABEL = "conformance"
GREEN, YELLOW, RED = "#2f7d32", "#8a6100", "#b3261e"
CHARACTER, PADDING = 6.6, 12
"""Pixels: the approximate width of a character, and the sum of the margins of a half."""


def badge(report: Report) -> str:
    """The badge as SVG: green if all pass, yellow if some are skipped or expected to fail, else
    red."""
    verdicts = report.summary.verdicts
    passed, total = verdicts[Verdict.PASS], verdicts.total()
    text = f"{passed:,} of {total:,} pass"
    colour = RED if not report.conformant else GREEN if passed == total else YELLOW
    widths = [round(len(part) * CHARACTER + PADDING) for part in (LABEL, text)]
    return render(
        read("reports", "badge.svg"), label=LABEL, text=text, widths=widths, colour=colour
    )
