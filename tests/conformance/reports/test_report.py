"""A run as a file, and read back from it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import DataError
from conformance.reports.results import Report, read_results, write_results
from conformance.runner.compare import Difference, Kind
from conformance.runner.outcomes import Outcome, Verdict, of_scenario
from conformance.runner.summary import Summary
from conformance.spec.scenarios.loading import load_scenarios

ODD = "\ud800" + "x" * 5000
CHANGED = Difference("requests[0].a", Kind.CHANGED, ODD, 2**70)


def outcome(level: str = "must", source: str = "doc#alias", *differences: Difference) -> Outcome:
    scenario = dataclasses.replace(load_scenarios()[0], level=level, source=(source,))
    verdict = Verdict.FAIL if differences else Verdict.PASS
    return of_scenario(
        scenario, verdict, differences=differences, expected={"requests": [{"a": ODD}]}
    )


def report(*outcomes: Outcome) -> Report:
    return Report("builtin", "mockpanel", "1", "2026-06-15T12:00:00+00:00", 1.5, "-k x", outcomes)


def written_lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_summary() -> None:
    """All are counted, then each level that occurs, then those without a source."""
    outcomes = [outcome(), outcome("must", "doc#alias", CHANGED), outcome("info", "unsourced")]
    assert Summary(outcomes).line() == (
        "2 passed, 1 failed; must: 1 passed, 1 failed; info: 1 passed, 0 failed; 1 unsourced"
    )


def test_rarer_verdicts_are_counted_where_there_are_any() -> None:
    """Nothing is skipped, expected to fail or broken without being counted."""
    outcomes = [dataclasses.replace(outcome(), verdict=verdict) for verdict in Verdict]
    text = "1 passed, 1 failed, 1 skipped, 1 expected failures, 1 stale, 1 errors"
    assert Summary(outcomes).line() == f"{text}; must: {text}; 0 unsourced"


def test_lines(tmp_path: Path) -> None:
    """The file is one JSON object a line: the run, its outcomes, its end with the counts."""
    write_results(report(outcome(), outcome("must", "doc#alias", CHANGED)), tmp_path)
    run, passed, failed, end = written_lines(tmp_path)
    assert run == {
        "kind": "run",
        "format": 2,
        "target": "builtin",
        "translator": "mockpanel",
        "version": "1",
        "started": "2026-06-15T12:00:00+00:00",
        "seconds": 1.5,
        "selection": "-k x",
    }
    assert [passed["verdict"], failed["verdict"]] == ["pass", "fail"]
    counts = {"fail": 1, "pass": 1}
    assert end == {
        "kind": "end",
        "conformant": False,
        "stopped": "",
        "cases": 2,
        "counts": counts,
        "behaviours": counts,
        "recordings": {},
        "sentence": "1 of 2 behaviours hold, 1 fail",
    }


def test_differences_are_written_whole(tmp_path: Path) -> None:
    """A line holds path, kind and both values, whatever they are."""
    write_results(report(outcome("must", "doc#alias", CHANGED)), tmp_path)
    _, line, _ = written_lines(tmp_path)
    assert line["differences"] == [
        {"path": "requests[0].a", "kind": "changed", "expected": ODD, "actual": 2**70}
    ]


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    """A report is the same after it was written and read."""
    skipped = dataclasses.replace(outcome(), verdict=Verdict.SKIP, reason="no", notes=("a", "b"))
    written = report(skipped, outcome("must", "doc#alias", CHANGED))
    write_results(written, tmp_path)
    assert written == read_results(tmp_path)
    assert written == read_results(tmp_path / "results.jsonl")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not a whole results.jsonl"),
        ("{", "not a whole results.jsonl"),
        ('{"kind": "run", "format": 3}\n{"kind": "end"}', "made by another version"),
        ('{"kind": "run", "format": 2}\n{"kind": "end"}', "not a whole results.jsonl: 'target'"),
        ('{"kind": "run", "format": 2}\n{"kind": "scenario"}', "the last its end"),
    ],
)
def test_a_file_that_is_no_report(text: str, problem: str, tmp_path: Path) -> None:
    """A file that is cut off, or of another kind, is a data error that names it."""
    file = tmp_path / "results.jsonl"
    file.write_text(text)
    with pytest.raises(DataError, match=f"results.jsonl: .*{problem}"):
        read_results(tmp_path)


def test_a_report_that_is_not_there(tmp_path: Path) -> None:
    """The error says what to give."""
    with pytest.raises(DataError, match="give a folder that --report wrote"):
        read_results(tmp_path / "none")
