"""Translators in other styles, judged by what Mixpanel then holds."""

import shlex
import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from conformance.errors import DriverBroken
from conformance.reports.causes import causes
from conformance.runner.mock import Mock
from conformance.runner.outcomes import Outcome, Verdict
from conformance.runner.replay.evidence import expects_nothing
from conformance.runner.replay.replay import Judging
from conformance.runner.run import run_scenario
from conformance.runner.smoke_check import check
from conformance.spec.scenarios.loading import Scenario, load_scenarios
from conformance.targets.drivers.exec import ExecTarget
from tests.thorough import share

DRIVER = Path(__file__).parents[2] / "drivers" / "envelope.py"
OUTCOME = Judging("outcome", evidence=True)

SUBJECTS = ("track/", "identify/", "arrays/", "track_charge/", "incrementing_", "group/", "alias/")
"""Folders whose scenarios are about people and events, and not about an envelope or our sender."""


def scenarios() -> list[Scenario]:
    return [
        each
        for each in load_scenarios()
        if each.id.startswith(SUBJECTS) and each.mode == "cloud" and each.rules == "documented"
    ]


def driver(*words: str) -> ExecTarget:
    return ExecTarget(shlex.join([sys.executable, str(DRIVER), *words]))


def outcomes(chosen: Sequence[Scenario], mock: Mock, *words: str) -> Generator[Outcome, None, None]:
    target = driver(*words)
    try:
        for each in chosen:
            yield run_scenario(each, target, mock, judging=OUTCOME)
    finally:
        target.close()


def passed(found: Sequence[Outcome]) -> int:
    return sum(each.verdict is Verdict.PASS for each in found)


STYLES = ("importing", "plain", "talkative")


@pytest.mark.parametrize("style", STYLES)
def test_another_envelope_passes(style: str, mock: Mock) -> None:
    """At least 95 % of the scenarios pass, though hardly a request is the expected one.

    A usual run takes another third of the scenarios for each style.
    """
    chosen = share(scenarios(), STYLES.index(style), len(STYLES))
    found = list(outcomes(chosen, mock, style))
    judged = [each for each in found if each.verdict is not Verdict.SKIP]
    failures = [each.text() for each in judged if each.verdict.red]
    assert passed(found) >= 0.95 * len(judged), "\n".join(failures)


@pytest.mark.parametrize(
    ("bug", "caught_by", "place"),
    [
        ("lose-property", "track/", "events[0].properties."),
        ("arrays-set", "arrays/", "profiles"),
        ("no-charge", "track_charge/", ".$transactions"),
        ("double-counter", "incrementing_", "profiles"),
        ("other-person", "track/", "events[0].person"),
        ("hour-late", "track/", "events[0].time"),
        ("source-everywhere", "source_name/", ".segment_source_name"),
    ],
)
def test_a_bug_is_caught_in_any_envelope(bug: str, caught_by: str, place: str, mock: Mock) -> None:
    """Wrong contents of Mixpanel are a failure, and the difference names the place."""
    chosen = [each for each in load_scenarios() if each.id.startswith(caught_by)]
    chosen = [each for each in chosen if (each.mode, each.rules) == ("cloud", "documented")]
    with closing(outcomes(chosen, mock, "importing", bug)) as found:
        failed = (each for each in found if each.verdict.red)
        assert any(place in each.path for one in failed for each in one.differences)


@pytest.mark.parametrize(
    ("bug", "scenario", "path", "reason"),
    [
        (
            "other-token",
            "track/minimal",
            "events[0]",
            "/track: it has the token of another project",
        ),
        (
            "other-token",
            "identify/plain-values",
            'profiles["u-1"]',
            "/engage: it has the token of another project",
        ),
        (
            "odd-updates",
            "identify/plain-values",
            'profiles["u-1"]',
            "the mock refused /engage: $set: not an object",
        ),
        (
            "odd-updates",
            "group/with-key",
            'groups.company_id["c-1"]',
            "the mock refused /groups: $set: not an object",
        ),
    ],
)
def test_what_is_missing_says_why(
    bug: str, scenario: str, path: str, reason: str, mock: Mock
) -> None:
    """A record that the mock refused, or that went to another project, is the reason."""
    chosen = [each for each in load_scenarios() if each.id == scenario]
    [found] = outcomes(chosen, mock, "plain", bug)
    assert [(each.path, each.reason) for each in found.differences] == [(path, reason)]
    [cause] = causes([found])
    assert cause.text.endswith(f"missing, because {reason}")


def test_ids_of_one_message_may_be_joined(mock: Mock) -> None:
    """In a project with ID Merge, a translator that joins the ids of a message conforms."""
    [chosen] = [each for each in load_scenarios() if each.id == "distinct_id/changes-at-sign-up"]
    verdicts = []
    for identity in ("legacy", "simplified"):
        target = driver("merging")
        judging = Judging("outcome", evidence=True, project={"identity": identity})
        verdicts.append(run_scenario(chosen, target, mock, judging=judging).differences)
        target.close()
    assert verdicts == [(), ()]


def test_a_driver_that_does_nothing_scores_0(mock: Mock) -> None:
    """A scenario that expects nothing needs an event of the same session that arrives."""
    nothing = [each for each in load_scenarios() if expects_nothing(each)]
    chosen = [each for each in nothing if each.mode == "cloud" and each.rules == "documented"]
    assert len(chosen) > 50
    for profile in ("exact", "outcome"):
        target = driver("nothing")
        judging = Judging(profile, evidence=True)
        found = [run_scenario(each, target, mock, judging=judging) for each in chosen]
        target.close()
        assert passed(found) == 0


@pytest.mark.parametrize(
    "scenario",
    [
        "alias/simplified-project",
        "engage/deleted-and-unset",
        "eu_endpoint/forgotten",
        "identify/no-traits",
        "special_traits/created-zero",
        "time/identify-milliseconds",
    ],
)
def test_doing_nothing_is_no_way_to_conform(scenario: str, mock: Mock) -> None:
    """Also where nothing of what is expected is compared, an event of the session must arrive."""
    chosen = [each for each in load_scenarios() if each.id == scenario]
    [found] = outcomes(chosen, mock, "nothing")
    assert (found.differences[0].path, found.verdict) == ("control", Verdict.FAIL)
    [refused] = outcomes(chosen, mock, "plain", "no-data")
    assert refused.differences[0].path == "control"
    [conformant] = outcomes(chosen, mock, "plain")
    assert conformant.verdict is Verdict.PASS


def test_the_smoke_check_wants_one_accepted_record(mock: Mock) -> None:
    """A driver that does nothing is broken before any scenario runs."""
    target = driver("nothing")
    expected = "the mock accepted no record of the simplest event: it gave no operation for it"
    with pytest.raises(DriverBroken, match=expected):
        check(target, mock)
    target.close()
