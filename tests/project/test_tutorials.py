"""The commands and code in the tutorials work as described."""

from pathlib import Path

import pytest

from tests.project.paths import ROOT
from tests.project.reader import blocks, run_python, shell

FIRST = "first"
"""The tutorial of `mockpanel up`, which has a test of its own."""

TUTORIALS = [
    *sorted(page for page in (ROOT / "docs" / "tutorials").glob("*.md") if page.stem != FIRST),
    ROOT / "docs" / "how-to" / "engage.md",
]


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_tutorial(page: Path, tmp_path: Path) -> None:
    """Run one after the other, the commands succeed and print what the page shows."""
    typed = blocks(page.read_text())
    with shell(typed, tmp_path) as typist:
        pairs = typist.type(typed)
    assert [shown for shown, _ in pairs] == [printed for _, printed in pairs]
    assert pairs
    run_python(typed, tmp_path)
