"""The commands and code in the README work as described."""

import re
from pathlib import Path
from urllib.request import urlopen

from tests.project.paths import ROOT
from tests.project.reader import ADDRESS, blocks, run_python, shell

README = (ROOT / "README.md").read_text()
BLOCKS = blocks(README)


def setup_lines() -> list[str]:
    """The commands that set everything up, which the gate itself runs."""
    return [block.text for block in BLOCKS if block.language == "sh" and "nox" in block.text]


def test_setup_is_what_the_gate_runs() -> None:
    """The two commands for a fresh machine are lines of .ci/run, letter by letter."""
    gate = (ROOT / ".ci" / "run").read_text().splitlines(keepends=True)
    assert len(setup_lines()) == 2
    assert [line for line in setup_lines() if line not in gate] == []


def test_commands_run_in_order(tmp_path: Path) -> None:
    """Run one after the other, the commands succeed and print what is shown; every link works."""
    with shell(BLOCKS, tmp_path) as typist:
        pairs = typist.type(BLOCKS)
        assert [shown for shown, _ in pairs] == [printed for _, printed in pairs]
        assert pairs
        links = re.findall(rf"<{ADDRESS}(.+?)>", README)
        assert links
        for link in links:
            with urlopen(typist.address + link) as answer:
                assert answer.status == 200, link


def test_python_runs(tmp_path: Path) -> None:
    """Each Python block is a test file that passes."""
    assert run_python(BLOCKS, tmp_path) > 0
