"""What changed between two runs."""

import dataclasses
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.reports.run_changes import OutcomeChange, changes
from conformance.reports.write import write_reports
from conformance.runner.compare import Difference, Kind
from conformance.runner.outcomes import Verdict
from tests.conformance.reports.samples import all_pass, failing, outcome, report

PASS, FAIL, SKIP, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.SKIP, Verdict.ERROR
STALE, EXPECTED = Verdict.STALE, Verdict.EXPECTED_FAILURE


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (PASS, FAIL, OutcomeChange.BROKE),
        (SKIP, ERROR, OutcomeChange.BROKE),
        (EXPECTED, STALE, OutcomeChange.BROKE),
        (None, FAIL, OutcomeChange.BROKE),
        (FAIL, PASS, OutcomeChange.FIXED),
        (FAIL, EXPECTED, OutcomeChange.FIXED),
        (FAIL, ERROR, OutcomeChange.DIFFERS),
        (PASS, SKIP, OutcomeChange.OTHER),
        (None, PASS, OutcomeChange.ADDED),
        (None, SKIP, OutcomeChange.ADDED),
        (FAIL, None, OutcomeChange.REMOVED),
        (PASS, PASS, None),
        (FAIL, FAIL, None),
    ],
)
def test_kinds(
    before: Verdict | None, after: Verdict | None, expected: OutcomeChange | None
) -> None:
    """Outcomes are sorted into broke, fixed, changed and the other kinds of changes."""
    runs = [report(*[outcome("a/b", verdict)] if verdict else []) for verdict in (before, after)]
    assert [expected] if expected else list(changes(*runs)) == []


def test_another_difference_is_a_change() -> None:
    """An outcome that fails differently than before is shown with both failures."""
    first = failing()
    other = Difference("requests[0].record.event", Kind.CHANGED, "Opened", "Closed")
    second = dataclasses.replace(first, differences=(*first.differences[1:], other))
    found = changes(report(first), report(second))
    [changed] = found[OutcomeChange.DIFFERS]
    text = changed.text()
    assert "track/fails  must  documented  fail -> fail" in text
    assert 'requests[0].record.event\n      expected  "Opened"\n      actual    "Closed"' in text
    assert "no longer: requests[0].record.properties.long: missing" in text
    assert "no longer: requests[0].record.properties.time" not in text


def test_the_same_capture_under_other_rules_is_another() -> None:
    """Captures are told apart by their rules."""
    one = outcome("c-1", PASS, kind="capture", rules="observed")
    other = outcome("c-1", FAIL, kind="capture", rules="documented")
    assert list(changes(report(one), report(one, other))) == [OutcomeChange.BROKE]


def compare(tmp_path: Path, *runs: object) -> Result:
    return CliRunner().invoke(main, ["compare", *(str(tmp_path / str(run)) for run in runs)])


def test_command(tmp_path: Path) -> None:
    """Both runs are named, what broke comes first, and the exit code is 1."""
    before = report(outcome("track/fails", PASS), outcome("a/b", FAIL), outcome("a/c", PASS))
    after = report(failing(), outcome("a/b", PASS), outcome("a/c", PASS))
    write_reports(before, tmp_path / "before")
    write_reports(after, tmp_path / "after")
    result = compare(tmp_path, "before", "after")
    lines = result.stdout.splitlines()
    assert lines[:6] == [
        "before  node example, 2026-06-15T12:00:00+00:00: 2 passed, 1 failed",
        "after   node example, 2026-06-15T12:00:00+00:00: 2 passed, 1 failed",
        "",
        "broke: 1",
        "  track/fails  must  documented  pass -> fail  The title of track/fails",
        "    requests[0].record.properties.long: missing",
    ]
    assert lines[-3:] == ["", "fixed: 1", "  a/b  must  documented  fail -> pass  The title of a/b"]
    assert result.exit_code == 1
    assert compare(tmp_path, "after", "after/results.jsonl").exit_code == 0


def test_nothing_changed(tmp_path: Path) -> None:
    """It is said, with exit code 0."""
    write_reports(all_pass(), tmp_path)
    result = compare(tmp_path, "", "")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "nothing changed")


def test_what_is_no_report(tmp_path: Path) -> None:
    """It is named, with exit code 2."""
    result = compare(tmp_path, "none", "none")
    assert result.exit_code == 2
    assert "give a folder that --report wrote" in result.stderr
