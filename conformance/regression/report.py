"""The result of a comparison as files: diff.json for programs, diff.html for people."""

from pathlib import Path

import orjson
from jinja2 import Environment, StrictUndefined

from conformance.errors import DataError
from conformance.regression.approvals import toml_text
from conformance.regression.json_text import compact, printable
from conformance.regression.result import DiffResult, percent
from conformance.regression.text import WHOLE, events_text, place
from conformance.reports.templates import script
from conformance.spec.data import read


def report_folder(folder: Path) -> None:
    """Make the folder of a report before the work begins.

    Raises DataError if it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "diff.json").touch()
    except OSError as error:
        raise DataError(f"--report {folder}: {error}") from error


def write_report(folder: Path, result: DiffResult) -> None:
    """Write both files into a folder. Raises DataError if that fails."""
    report_folder(folder)
    try:
        json = orjson.dumps(
            result.as_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )
        (folder / "diff.json").write_bytes(json)
        (folder / "diff.html").write_text(html(result), encoding="utf-8")
    except OSError as error:
        raise DataError(f"--report {folder}: {error}") from error


def html(result: DiffResult) -> str:
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
    }
    template = environment.from_string(read("regression", "report.html.j2"))
    shown, rare = result.folded()
    return template.render(
        result=result,
        shown=shown,
        rare=rare,
        whole=WHOLE,
        script=script("regression", "report.js"),
    )
