"""Runs `corpus import` as a user does."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from conformance.cli import main


class ImportResult(NamedTuple):
    """The messages, the exit status and the summary of an import."""

    messages: list[Any]
    status: int
    summary: list[str]


def run_import(source: str, *arguments: str | Path, stdin: bytes | None = None) -> ImportResult:
    """Import to standard output; the summary has the lines of standard error."""
    words = ["corpus", "import", "--from", source, *map(str, arguments)]
    result = CliRunner().invoke(main, words, input=stdin)
    messages = [json.loads(line) for line in result.stdout.splitlines()]
    return ImportResult(messages, result.exit_code, result.stderr.splitlines())
