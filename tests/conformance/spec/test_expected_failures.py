"""The list of scenarios that are expected to fail, and what it makes of an outcome."""

from pathlib import Path

import pytest

from conformance.errors import DataError
from conformance.runner.compare import Difference, Kind
from conformance.runner.outcomes import Verdict, judged, of_scenario
from conformance.spec.expected_failures import ExpectedFailure, read_expected_failures
from conformance.spec.scenarios.loading import load_scenarios

SCENARIO = load_scenarios()[0]


@pytest.mark.parametrize(
    ("verdict", "judgement", "reason"),
    [
        (Verdict.FAIL, Verdict.EXPECTED_FAILURE, "swaps ids"),
        (
            Verdict.PASS,
            Verdict.STALE,
            "it conforms now; remove it from the list of expected failures, where it says: "
            "swaps ids",
        ),
        (Verdict.SKIP, Verdict.SKIP, ""),
        (Verdict.ERROR, Verdict.ERROR, ""),
    ],
)
def test_judgement(verdict: Verdict, judgement: Verdict, reason: str) -> None:
    """A failure is excused with its reason, a conforming scenario makes its line stale."""
    judged_outcome = judged(
        of_scenario(SCENARIO, verdict), {SCENARIO.id: ExpectedFailure("swaps ids")}
    )
    assert judgement is judged_outcome.verdict
    assert reason == judged_outcome.reason
    assert (
        verdict
        is judged(of_scenario(SCENARIO, verdict), {"other/one": ExpectedFailure("x")}).verdict
    )


def test_a_difference_elsewhere_stays_a_failure() -> None:
    """An expected failure that names its paths hides no new difference of the same scenario."""
    expected = {SCENARIO.id: ExpectedFailure("no charge", ("profiles.*.$transactions",))}
    known = Difference("profiles.u-1.$transactions", Kind.MISSING, [1])
    new = Difference("events[0].properties.plan", Kind.MISSING, "pro")
    for differences, verdict in [
        ((known,), Verdict.EXPECTED_FAILURE),
        ((known, new), Verdict.FAIL),
    ]:
        failed = of_scenario(SCENARIO, Verdict.FAIL, differences=differences)
        assert judged(failed, expected).verdict is verdict


def test_red_are_failures_errors_and_stale_lines() -> None:
    """A skip and an expected failure are not."""
    assert {each for each in Verdict if each.red} == {Verdict.FAIL, Verdict.ERROR, Verdict.STALE}


def test_read(tmp_path: Path) -> None:
    """The file is one line of YAML for each id, with the reason."""
    file = tmp_path / "expected.yaml"
    file.write_text("# ours\nalias/direction: swaps ids, see 12\n")
    known = {"alias/direction"}
    expected = {"alias/direction": ExpectedFailure("swaps ids, see 12")}
    assert read_expected_failures(file, known) == expected
    file.write_text("")
    assert read_expected_failures(file, known) == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("alias/direktion: x", "no scenario 'alias/direktion'; did you mean 'alias/direction'"),
        ("alias/direction:", "alias/direction: say why"),
        ("alias/direction: 1", "alias/direction: say why"),
        ("- alias/direction", "must be a list of lines"),
        ("alias/direction: a\nalias/direction: b", "line 2, column 1: .* appears twice"),
    ],
)
def test_a_wrong_list(text: str, problem: str, tmp_path: Path) -> None:
    """A list with a typo, or without a reason, is a data error that names it."""
    file = tmp_path / "expected.yaml"
    file.write_text(text)
    with pytest.raises(DataError, match=problem):
        read_expected_failures(file, {"alias/direction"})


def test_no_list(tmp_path: Path) -> None:
    """So is a file that is not there."""
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_expected_failures(tmp_path / "none.yaml", set())
