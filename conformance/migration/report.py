"""The result of a migration as files: migration.json for programs, migration.html for people."""

from pathlib import Path

from conformance.migration.blocks import blocks
from conformance.migration.result import THINGS, WORDS, Migration
from conformance.migration.text import head
from conformance.regression.report.report_files import open_report, rendered, write_files
from conformance.regression.report.result import plural

NAME = "migration"
MOST_ROWS = 15
"""Rows of a section that are not folded."""


def report_folder(folder: Path) -> None:
    """Make the folder of a report before the work begins. Raises DataError if that fails."""
    open_report(folder, NAME)


def write_report(folder: Path, migration: Migration) -> None:
    """Write both files into a folder. Raises DataError if that fails."""
    write_files(folder, NAME, migration.as_json(), html(migration))


def html(migration: Migration) -> str:
    """One page that needs nothing else."""
    return rendered(
        "migration",
        {"head": head, "blocks": blocks},
        migration=migration,
        words=WORDS,
        things=THINGS,
        plural=plural,
        most_rows=MOST_ROWS,
    )
