"""Every form of a run's report, written into a folder."""

from pathlib import Path

from conformance.reports.badge import badge
from conformance.reports.html import page
from conformance.reports.junit import junit
from conformance.reports.results import Report, write_results


def write_reports(report: Report, folder: Path) -> None:
    """Write every form of the report into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    write_results(report, folder)
    (folder / "junit.xml").write_bytes(junit(report))
    # A lone surrogate cannot be written as UTF-8; what cannot be shown is shown as its escape.
    (folder / "report.html").write_text(page(report), "utf-8", errors="backslashreplace")
    (folder / "badge.svg").write_text(badge(report), encoding="utf-8")
