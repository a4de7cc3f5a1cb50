"""A badge for a README: how many cases pass."""

from conformance.reports.results import Report
from conformance.reports.templates import render
from conformance.runner.outcomes import Verdict
from conformance.spec.data import read

LABEL = "conformance"
GREEN, YELLOW, RED = "#2f7d32", "#8a6100", "#b3261e"
CHARACTER, PADDING = 6.6, 12
"""About how wide a character is, and the margins of a half together (pixels)."""


def badge(report: Report) -> str:
    """The badge as SVG: green if all pass, yellow if some are skipped or excused, else red."""
    verdicts = report.summary.verdicts
    passed, total = verdicts[Verdict.PASS], verdicts.total()
    text = f"{passed:,} of {total:,} pass"
    colour = RED if not report.conformant else GREEN if passed == total else YELLOW
    widths = [round(len(part) * CHARACTER + PADDING) for part in (LABEL, text)]
    return render(
        read("reports", "badge.svg"), label=LABEL, text=text, widths=widths, colour=colour
    )
