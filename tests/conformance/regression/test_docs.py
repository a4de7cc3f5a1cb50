"""What the how-to page shows can be used as it is."""

import datetime
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.cli import main
from conformance.corpus.entries import read_entry
from conformance.regression.approvals import read_approvals
from conformance.regression.changes import Kind
from tests.project.paths import ROOT
from tests.project.reader import blocks

PAGE = (ROOT / "docs" / "how-to" / "regression.md").read_text()
BLOCKS = {block.language: block.text for block in blocks(PAGE)}


def test_the_entry() -> None:
    """The line of a corpus is one, with settings, a time and an id."""
    entry = read_entry(BLOCKS["json"].encode(), "page")
    assert (entry.id, entry.settings) == ("seen", {"token": "T"})
    assert datetime.datetime(2026, 6, 15, 12, tzinfo=datetime.UTC) == entry.now


def test_the_approval(tmp_path: Path) -> None:
    """The approval can be read."""
    (tmp_path / "approvals.toml").write_text(BLOCKS["toml"])
    [approval] = read_approvals(tmp_path / "approvals.toml")
    assert approval.cause == "rule insert_id"


@pytest.mark.parametrize("kind", list(Kind))
def test_every_class_is_explained(kind: Kind) -> None:
    """The table has each class."""
    assert f"`{kind}`" in PAGE


def test_the_workflow_uses_options_that_there_are() -> None:
    """The command of the GitHub Actions example is one of ours."""
    workflow: Any = yaml.safe_load(BLOCKS["yaml"])
    runs = [step.get("run", "") for step in workflow["jobs"]["diff"]["steps"]]
    [command] = [run for run in runs if "conformance" in run]
    words = shlex.split(command.replace("${{ github.base_ref }}", "main"))
    assert words[:4] == ["python", "-m", "conformance", "diff"]
    options = {option for parameter in main.commands["diff"].params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
