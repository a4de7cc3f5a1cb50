"""The result of a comparison as files: diff.json for programs, diff.html for people."""

from pathlib import Path

from conformance.regression.report.report_files import open_report, rendered, write_files
from conformance.regression.report.result import DiffResult
from conformance.regression.report.text import WHOLE

NAME = "diff"


def report_folder(folder: Path) -> None:
    """Make the folder of a report before the work begins. Raises DataError if that fails."""
    open_report(folder, NAME)


def write_report(folder: Path, result: DiffResult) -> None:
    """Write both files into a folder. Raises DataError if that fails."""
    write_files(folder, NAME, result.as_json(), html(result))


def html(result: DiffResult) -> str:
    """One page that needs nothing else."""
    shown, rare = result.folded()
    return rendered("regression", {}, result=result, shown=shown, rare=rare, whole=WHOLE)
