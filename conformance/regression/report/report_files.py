"""A report as two files: one as JSON for programs, one as HTML for people."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, StrictUndefined

from conformance.errors import DataError
from conformance.regression.json_text import compact, printable
from conformance.regression.report.approvals import toml_text
from conformance.regression.report.result import percent
from conformance.regression.report.text import events_text, place
from conformance.reports.templates import script
from conformance.spec.data import read
from conformance.spec.scenarios.loading import Json

FILTERS: dict[str, Callable[..., Any]] = {
    "percent": percent,
    "place": place,
    "toml": toml_text,
    "printable": printable,
    "compact": compact,
    "events": events_text,
}
"""The filters of every template."""


def open_report(folder: Path, name: str) -> None:
    """Make the folder of a report before the work begins.

    Raises DataError if it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").touch()
    except OSError as error:
        raise DataError(f"--report {folder}: {error}") from error


def write_files(folder: Path, name: str, value: Json, page: str) -> None:
    """Write `NAME.json` and `NAME.html` into a folder. Raises DataError if that fails."""
    open_report(folder, name)
    try:
        json = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        (folder / f"{name}.json").write_bytes(json)
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    except OSError as error:
        raise DataError(f"--report {folder}: {error}") from error


def rendered(folder: str, filters: dict[str, Callable[..., Any]], **values: Any) -> str:
    """The page of a folder's template, which needs nothing else.

    Everything from the corpus is escaped, and the page's policy allows no script but its own.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= FILTERS | filters
    template = environment.from_string(read(folder, "report.html.j2"))
    return template.render(script=script("regression", "report.js"), **values)
