"""What the README says to type works as it says."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest

from tests.project.paths import ROOT

README = (ROOT / "README.md").read_text()
SERVE = "python -m mock_mixpanel serve"
ADDRESS = "http://127.0.0.1:8080"


class Block(NamedTuple):
    """A fenced block: its language and its text."""

    language: str
    text: str


def blocks() -> list[Block]:
    found = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    return [Block(*block) for block in found]


def setup_lines() -> list[str]:
    """The commands that set everything up, which the gate itself runs."""
    return [block.text for block in blocks() if block.language == "sh" and "nox" in block.text]


class Shell(NamedTuple):
    """A folder to type in, and the address of a mock that runs meanwhile."""

    folder: Path
    address: str

    def run(self, command: str) -> str:
        """What a block of commands prints; it must end with success and say nothing else."""
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command.replace(ADDRESS, self.address)],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert (0, "") == (result.returncode, result.stderr), result.stdout
        return result.stdout


def environment() -> dict[str, str]:
    """Ours, with `python` being the Python of the tests."""
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": binaries}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell in an empty folder, and the mock on a free port instead of the README's."""
    [serve] = [block.text for block in blocks() if block.text.startswith(SERVE)]
    command = serve.split()
    assert ["--port", "8080"] == command[-2:]
    with subprocess.Popen(
        [sys.executable, *command[1:-1], "0"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            line = server.stdout.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert address, f"the server printed {line!r}"
            yield Shell(tmp_path, address.group())
        finally:
            server.terminate()


def test_setup_is_what_the_gate_runs() -> None:
    """The two commands for a fresh machine are lines of .ci/run, letter by letter."""
    gate = (ROOT / ".ci" / "run").read_text().splitlines(keepends=True)
    assert 2 == len(setup_lines())
    assert [] == [line for line in setup_lines() if line not in gate]


def test_commands_run_in_order(shell: Shell) -> None:
    """Typed one after the other, the commands succeed and print what is shown; every link works."""
    output = ""
    checked = 0
    for block in blocks():
        if block.language == "sh" and "nox" not in block.text and not block.text.startswith(SERVE):
            output = shell.run(block.text)
        elif block.language == "json":
            assert json.loads(block.text) == json.loads(output)
            checked += 1
    assert checked > 0
    links = re.findall(rf"<{ADDRESS}(.+?)>", README)
    assert links
    for link in links:
        with urlopen(shell.address + link) as answer:
            assert 200 == answer.status, link


def test_python_runs(tmp_path: Path) -> None:
    """Each Python block is a test file that passes."""
    texts = [block.text for block in blocks() if block.language == "python"]
    assert texts
    for number, text in enumerate(texts):
        (tmp_path / f"test_block_{number}.py").write_text(text)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert 0 == result.returncode, result.stdout
