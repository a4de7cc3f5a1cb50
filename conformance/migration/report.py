"""The result of a migration as files: migration.json for programs, migration.html for people."""

from pathlib import Path

import orjson
from jinja2 import Environment, StrictUndefined

from conformance.errors import DataError
from conformance.migration.result import THINGS, Migration, plural_of
from conformance.migration.text import WORDS, head
from conformance.regression.approvals import toml_text
from conformance.regression.json_text import compact, printable
from conformance.regression.result import percent
from conformance.regression.text import events_text, place
from conformance.reports.templates import script
from conformance.spec.data import read

MOST_ROWS = 15
"""Rows of a section that are not folded."""


def report_folder(folder: Path) -> None:
    """Make the folder of a report before the work begins.

    Raises DataError if it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "migration.json").touch()
    except OSError as error:
        raise DataError(f"--report {folder}: {error}") from error


def write_report(folder: Path, migration: Migration) -> None:
    """Write both files into a folder. Raises DataError if that fails."""
    report_folder(folder)
    try:
        json = orjson.dumps(
            migration.as_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )
        (folder / "migration.json").write_bytes(json)
        (folder / "migration.html").write_text(html(migration), encoding="utf-8")
    except OSError as error:
        raise DataError(f"--report {folder}: {error}") from error


def html(migration: Migration) -> str:
    """One page that needs nothing else.

    Everything from the corpus is escaped, and the page's policy allows no script but its own.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "percent": percent,
        "place": place,
        "toml": toml_text,
        "printable": printable,
        "compact": compact,
        "events": events_text,
        "head": head,
    }
    template = environment.from_string(read("migration", "report.html.j2"))
    return template.render(
        migration=migration,
        words=WORDS,
        things=THINGS,
        plural_of=plural_of,
        most_rows=MOST_ROWS,
        script=script("regression", "report.js"),
    )
