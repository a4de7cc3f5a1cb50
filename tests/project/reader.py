"""Runs the code blocks of a page, in a shell in an empty folder."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.forked_process import run_module
from tests.pytest_process import PYTEST

SERVE = "mockpanel serve"
ADDRESS = "http://127.0.0.1:8080"


class Block(NamedTuple):
    """A fenced block: its language and its text."""

    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """The blocks of a page of Markdown, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    return [Block(*block) for block in found]


class Shell(NamedTuple):
    """A working folder, and the address of the mock of the page."""

    folder: Path
    address: str

    def run(self, command: str) -> str:
        """The output of a block of commands, which must succeed and print no errors."""
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command.replace(ADDRESS, self.address)],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
        return result.stdout

    def type(self, page: list[Block]) -> list[tuple[Any, Any]]:
        """Run the commands of a page in order. Returns pairs of shown and real output.

        A block of JSON or plain text after commands is their output.
        """
        output: str | None = None
        pairs: list[tuple[Any, Any]] = []
        for block in page:
            if block.language == "sh" and "nox" not in block.text and SERVE not in block.text:
                output = self.run(block.text)
            elif block.language == "json":
                pairs.append((json.loads(block.text), json.loads(output or "")))
            elif block.language == "text" and output is not None:
                pairs.append((block.text, output))
        return pairs


def environment() -> dict[str, str]:
    """The environment, in which `python` is the Python of the tests."""
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": binaries}


@contextmanager
def shell(page: list[Block], folder: Path) -> Iterator[Shell]:
    """A shell in the folder. If the page starts a mock, it runs on a free port."""
    serves = [block.text for block in page if block.text.startswith(SERVE)]
    if not serves:
        yield Shell(folder, ADDRESS)
        return
    [serve] = serves
    command = serve.split()
    assert command[-2:] == ["--port", "8080"]
    with subprocess.Popen(
        [Path(sys.executable).parent / command[0], *command[1:-1], "0"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            line = server.stdout.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert address, f"the server printed {line!r}"
            yield Shell(folder, address.group())
        finally:
            server.terminate()


def run_python(page: list[Block], folder: Path) -> int:
    """Run each Python block as a test file, which must pass. Returns their number."""
    texts = [block.text for block in page if block.language == "python"]
    for number, text in enumerate(texts):
        (folder / f"test_block_{number}.py").write_text(text)
    if texts:
        options = ("-q", "--assert=plain", "-p", "no:cacheprovider", "-W", "error")
        result = run_module("pytest", *PYTEST[3:], *options, cwd=folder, env=environment())
        assert result.returncode == 0, result.stdout + result.stderr
    return len(texts)
