"""Runs a command in this process, as a user runs it."""

from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from conformance.mockpanel.cli import main


class Ran(NamedTuple):
    """The result of a command: exit status, what it printed, and its report's files."""

    status: int
    output: bytes
    errors: str
    report: dict[str, bytes]


def run(*arguments: str | Path, report: Path | None = None) -> Ran:
    """Run `mockpanel` with these arguments, and with `--report` if a folder is given."""
    more = ("--report", str(report)) if report else ()
    done = CliRunner().invoke(main, [*map(str, arguments), *more])
    files = sorted(report.iterdir()) if report else []
    return Ran(
        done.exit_code,
        done.stdout_bytes,
        done.stderr,
        {file.name: file.read_bytes() for file in files},
    )
