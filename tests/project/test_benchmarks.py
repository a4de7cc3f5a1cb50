"""One command runs every benchmark and compares ratios with an earlier run."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.project.paths import ROOT

FOLDER = ROOT / "benchmarks"


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `benchmarks/all.py` defines."""
    monkeypatch.syspath_prepend(FOLDER)
    return runpy.run_path(str(FOLDER / "all.py"))


def run_of(value: float, status: int = 0) -> dict[str, Any]:
    """A run with one result."""
    result = {"subject": "ours", "ratio": value, "peer": "theirs"}
    script = {"script": "diff", "status": status, "load": [0.5, 2.0], "results": [result]}
    return {"scripts": [script]}


def test_every_script_that_records_is_run(everything: dict[str, Any]) -> None:
    """Each script that records ratios is one of those that the command runs."""
    recording = {path.stem for path in FOLDER.glob("*.py") if "as record" in path.read_text()}
    assert recording == {*everything["SCRIPTS"]}


def test_the_table(everything: dict[str, Any]) -> None:
    """A row has script, subject, ratio, peer and load."""
    [_, row] = everything["table"](run_of(1.5), None)
    assert row.split() == ["diff", "ours", "1.500", "theirs", "0.5", "to", "2.0"]


def test_compared_with_an_earlier_run(everything: dict[str, Any]) -> None:
    """Beside the ratio are the earlier one and the change; a new subject has neither."""
    then = {"at": "2026-06-15", "processors": 2}
    [_, row, last] = everything["table"](run_of(1.5), run_of(2.0) | then)
    assert row.split()[-2:] == ["2.000", "0.75"]
    assert last == "earlier: 2026-06-15, 2 processors"
    [_, row, _] = everything["table"](run_of(1.5), {"scripts": []})
    assert row.split()[-2:] == ["-", "-"]


def test_a_ratio_that_is_missing_now(everything: dict[str, Any]) -> None:
    """A result that only the earlier run has is in the table, such as that to a missing peer."""
    now = run_of(1.5)
    now["scripts"][0]["results"] = []
    [_, row, _] = everything["table"](now, run_of(2.0))
    assert row.split() == ["diff", "ours", "-", "theirs", "2.000", "not", "measured", "now"]
    now["scripts"] = []  # the script was not asked for
    assert len(everything["table"](now, run_of(2.0))) == 2


@pytest.mark.parametrize("text", ["[]", "{}", "3", '{"scripts": [{}]}', '{"scripts": [3]}', "{"])
def test_another_file_than_a_run(text: str, tmp_path: Path) -> None:
    """It is refused before the scripts run, and so is a folder to save to."""
    (tmp_path / "run.json").write_text(text)
    command = [sys.executable, str(FOLDER / "all.py"), "translate"]
    for options in (["--compare", str(tmp_path / "run.json")], ["--save", str(tmp_path)]):
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_a_script_that_fails(everything: dict[str, Any]) -> None:
    """The table says which script failed."""
    [_, failed, _] = everything["table"](run_of(1.5, status=3), None)
    assert failed.split() == ["diff", "failed", "with", "status", "3"]


def test_a_result(
    everything: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A script appends a result as one JSON line to the file in the environment."""
    monkeypatch.setenv("BENCHMARK_RESULTS", str(tmp_path / "results"))
    runpy.run_path(str(FOLDER / "measured.py"))["ratio"]("ours", 1.23456, "theirs")
    assert json.loads((tmp_path / "results").read_text()) == {
        "subject": "ours",
        "ratio": 1.2346,
        "peer": "theirs",
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["none"], "unknown script 'none'"), (["--compare", "missing"], "missing")],
)
def test_wrong_usage(arguments: list[str], expected: str) -> None:
    """An unknown script or a missing run is an error before anything is measured."""
    command = [sys.executable, str(FOLDER / "all.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, expected in done.stderr) == (2, True)
