"""A run at a terminal, and in a log file."""

import dataclasses
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.reports.terminal import Terminal
from conformance.runner.outcomes import Verdict
from tests.conformance.reports.samples import every_verdict, failing, outcome, report

RUN = ("-m", "conformance", "run", "alias/direction", "alias/to-itself", "--no-captures")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def shown(capsys: pytest.CaptureFixture[str], *outcomes: object, verbose: bool = False) -> str:
    run = report(*outcomes)  # type: ignore[arg-type]
    terminal = Terminal(verbose=verbose)
    assert list(run.outcomes) == list(terminal.watch(run.outcomes, len(run.outcomes)))
    terminal.summary(run)
    return capsys.readouterr().out


def test_only_what_is_red_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """The rest is counted; `verbose` shows everything."""
    run = every_verdict()
    found = shown(capsys, *run.outcomes)
    heads = re.findall(r"^([A-Z ]+)  (\S+)  (?:must|should|info)  ", found, flags=re.MULTILINE)
    assert heads == [
        ("FAIL", "track/fails"),
        ("ERROR", "track/breaks"),
        ("STALE", "time/stale"),
        ("FAIL", "time/hostile"),
    ]
    assert "PASS  alias/passes" in shown(capsys, *run.outcomes, verbose=True)


def test_nothing_is_cut_or_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    """A value of any length is on one line, whole."""
    long = dataclasses.replace(failing(), why="why " * 200)
    assert f"  why: {'why ' * 199}why" in shown(capsys, long)


def test_reasons_of_skips_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """The most frequent reason comes first."""
    skips = [
        outcome(f"a/{number}", Verdict.SKIP, reason=reason)
        for number, reason in enumerate(("no groups", "no lines", "no groups"))
    ]
    text = shown(capsys, *skips)
    assert "skipped 2: no groups\nskipped 1: no lines\n" in text
    assert "\n0 passed, 0 failed, 3 skipped; must: " in text


def test_programs_of_others_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """The error stream of a driver is shown as text, colour codes included."""
    broken = outcome("a/b", Verdict.ERROR, reason="it wrote \x1b[31mred\x1b]0;title\x07\x9b\ud800")
    text = shown(capsys, broken)
    assert "it wrote \\x1b[31mred\\x1b]0;title\\x07\\x9b\\xd800\n" in text
    assert "\x1b" not in text


def at_terminal(tmp_path: Path) -> tuple[int, str]:
    """Exit code and all that is written, with standard output and error being a terminal."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    for name in ("NO_COLOR", "FORCE_COLOR", "CI"):
        environment.pop(name, None)
    with subprocess.Popen(
        [sys.executable, *RUN],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        written = b""
        try:
            while part := os.read(leader, 65536):
                written += part
        except OSError:
            pass  # Linux reports in this way that the writer is closed.
        finally:
            os.close(leader)
    return process.returncode, written.decode()


def test_at_a_terminal(tmp_path: Path) -> None:
    """There are colours, a bar that counts up, and a table of levels by verdicts."""
    code, text = at_terminal(tmp_path)
    assert code == 0, text
    assert "\x1b[32m2 passed, 0 failed; must: 2 passed, 0 failed; 0 unsourced\x1b[0m" in text
    plain = ESCAPE.sub("", text)
    assert "2/2" in plain
    assert re.search(r"level +passed\s+must +2\s", plain)


def test_in_a_log_file(tmp_path: Path) -> None:
    """There is neither; and nothing on the error stream."""
    result = subprocess.run(
        [sys.executable, *RUN], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert result.stdout == (
        "2 of 2 behaviours hold.\n2 passed, 0 failed; must: 2 passed, 0 failed; 0 unsourced\n"
    )
    assert result.stderr == ""
