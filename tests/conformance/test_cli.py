"""The command line: output and exit codes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.command_errors import exits_on_errors
from conformance.errors import EngineError


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_list() -> None:
    """Every scenario is listed with level and title."""
    result = invoke("list")
    assert result.exit_code == 0
    assert "An alias goes from the previous id to the user id" in result.stdout


def test_run_conformant() -> None:
    """A run of what conforms ends with 0, one sentence and one line of counts."""
    result = invoke(
        "run", "-k", "alias/direction or alias/to-itself and not observed", "--no-captures"
    )
    assert result.stdout == (
        "2 of 2 behaviours hold.\n2 passed, 0 failed; must: 2 passed, 0 failed; 0 unsourced\n"
    )
    assert result.exit_code == 0


def test_run_includes_captures() -> None:
    """Captures run too, each as one case for both rule sets."""
    result = invoke("run", "-k", "s-002-track")
    assert result.stdout == (
        "1 of 1 recordings reproduced.\n1 passed, 0 failed; must: 1 passed, 0 failed; 0 unsourced\n"
    )
    assert result.exit_code == 0


def test_report(tmp_path: Path) -> None:
    """`--report` writes one verdict a line, scenarios first."""
    invoke("run", "-k", "alias/direction or s-002-track", "--report", str(tmp_path / "new"))
    lines = (tmp_path / "new" / "results.jsonl").read_text().splitlines()
    assert [
        (line["kind"], line["id"], line["rules"], line["verdict"])
        for line in map(json.loads, lines[1:-1])
    ] == [
        ("scenario", "alias/direction", "documented", "pass"),
        ("capture", "cloud-s-002-track-server-min", "observed", "pass"),
    ]


def test_captures() -> None:
    """`captures` lists, for each rule, the captures that it explains."""
    result = invoke("captures", "-k", "s-065-rev")
    assert (
        "insert_id: 1\n    cloud-s-065-rev-number-nopeople\n"
        "charge_needs_people: 1\n    cloud-s-065-rev-number-nopeople\n"
    ) in result.stdout
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["run", "--target", "exec:./mine"], "exec:./mine: cannot be started"),
        (["run", "--target", "exec:"], "unknown target 'exec:'"),
        (["run", "--target", "buildin"], "unknown target 'buildin'"),
        (
            ["run", "--target", "exec:x", "--captures"],
            "captures need the target 'builtin' and the bundled scenarios",
        ),
        (["run", "alias/direktion"], "called 'alias/direktion'; did you mean 'alias/direction'?"),
        (["run", "--heading", "alia"], "no heading 'alia'; did you mean 'alias'?"),
        (["run", "-k", "no-such-thing"], "no scenario or capture is chosen"),
        (["run", "-k", "(a"], "a word is missing at the end"),
        (["run", "--rules", "other"], "--rules"),
        (["coverage", "--all"], "No such option"),
        (["diff", "--old", "tree"], "--corpus is missing"),
    ],
)
def test_usage_errors(arguments: list[str], text: str) -> None:
    """A missing file is a clear error with exit code 2."""
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert text in result.stderr


def test_an_engine_that_fails_is_not_a_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """When the suite itself breaks the exit code is 3, expected or not."""

    def broken() -> NoReturn:
        raise EngineError("no mock")

    def badly_broken() -> NoReturn:
        raise AttributeError("oops")

    for command, text in ((broken, "no mock"), (badly_broken, "AttributeError: oops")):
        with pytest.raises(SystemExit) as caught:
            exits_on_errors(command)()
        assert caught.value.code == 3
        assert text in capsys.readouterr().err


def test_a_file_that_hides_a_package(tmp_path: Path) -> None:
    """A translator.py in the current folder is named, with what to do, in place of a traceback."""
    (tmp_path / "translator.py").touch()
    command = [sys.executable, "-m", "conformance", "list"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, "Traceback" in result.stderr) == (2, False)
    assert f"Error: {tmp_path}/translator.py hides the package 'translator'" in result.stderr


def test_help_has_a_short_option() -> None:
    """`-h` shows the help of the group and of every command."""
    for arguments in ([], ["run"], ["diff"], ["corpus"], ["corpus", "synth"]):
        result = invoke(*arguments, "-h")
        assert (result.exit_code, result.stdout.startswith("Usage: ")) == (0, True)
