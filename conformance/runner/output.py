"""The files that the command `run` writes besides its text: reports and tolerances."""

from datetime import datetime
from pathlib import Path

from conformance.output_files import prepare_file, prepare_folder, writing
from conformance.reports.results import Report
from conformance.runner.tolerances import tolerances_text


def prepare_outputs(
    report: Path | None, markdown: Path | None, write_tolerances: Path | None
) -> None:
    """Check that everything that is asked for can be written, before the run."""
    for option, output in (("--write-tolerances", write_tolerances), ("--markdown", markdown)):
        if output:
            prepare_file(option, output)
    if report:
        prepare_folder("--report", report)


def write_outputs(
    found: Report, report: Path | None, markdown: Path | None, tolerances: Path | None
) -> None:
    """Write the requested files of a run. Raises UsageError if that fails."""
    if report:
        from conformance.reports.write import write_reports

        with writing("--report", report):
            write_reports(found, report)
    if markdown:
        from conformance.reports.markdown import run_markdown

        with writing("--markdown", markdown):
            markdown.write_text(run_markdown(found), encoding="utf-8")
    if tolerances:
        today = datetime.fromisoformat(found.started).date()
        with writing("--write-tolerances", tolerances):
            tolerances.write_text(tolerances_text(found.outcomes, today), encoding="utf-8")
