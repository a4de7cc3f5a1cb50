"""The output folder of a job on Spark is checked before Spark starts. These tests need no Spark."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from translator.cli import main


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("there", "--output {folder}/there already exists; name a new folder"),
        (
            "file/new",
            "--output {folder}/file/new cannot be made: no folder can be made in {folder}",
        ),
        ("closed/a/b", "cannot be made: no folder can be made in {folder}/closed"),
    ],
)
def test_a_folder_that_cannot_be_made(
    output: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is wrong usage, and the error names the reason."""
    (tmp_path / "there").mkdir()
    (tmp_path / "closed").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "settings.json").write_text(json.dumps({"token": "T"}))
    # The tests can run as root, who may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, _: "closed" not in str(path))
    ran = CliRunner().invoke(
        main,
        [
            *("translate", "--settings", str(tmp_path / "settings.json"), "--engine", "spark"),
            *("--output", str(tmp_path / output), str(tmp_path / "file")),
        ],
    )
    assert ran.exit_code == 2
    assert problem.format(folder=tmp_path) in ran.stderr
