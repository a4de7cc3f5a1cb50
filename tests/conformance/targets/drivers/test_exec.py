"""The target `exec:CMD`: behind a driver our own translator gets the verdicts of the builtin."""

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.errors import DriverBroken
from conformance.runner.mock import Mock
from conformance.runner.outcomes import Outcome, Verdict
from conformance.runner.run import run_scenario
from conformance.runner.smoke_check import check
from conformance.spec.scenarios.loading import RawLine, Scenario, Step, load_scenarios
from conformance.spec.scenarios.needs import is_about_delivery
from conformance.targets.drivers.exec import ExecTarget
from tests.thorough import share

FOLDER = Path(__file__).parents[2] / "drivers"
SCENARIOS = {scenario.id: scenario for scenario in load_scenarios()}


@contextmanager
def ours(*words: str) -> Iterator[ExecTarget]:
    target = ExecTarget(f"{sys.executable} {FOLDER / 'ours.py'} {' '.join(words)}")
    try:
        yield target
    finally:
        target.close()


def outcomes(mock: Mock, ids: list[str], *words: str) -> list[Outcome]:
    with ours(*words) as target:
        return [run_scenario(SCENARIOS[each], target, mock) for each in ids]


def has_lines(step: Step) -> bool:
    return any(isinstance(each, RawLine) for each in step.messages)


def not_for_drivers(scenario: Scenario) -> bool:
    return (
        scenario.mode != "cloud"
        or any(map(has_lines, scenario.steps))
        or is_about_delivery(scenario)
    )


def test_everything_conforms_through_a_driver(mock: Mock) -> None:
    """A driver that translates passes every scenario that is not about lines or delivery."""
    chosen = share(SCENARIOS.values(), 0, 4)
    found = outcomes(mock, [each.id for each in chosen], "translate")
    red = [outcome.text() for outcome in found if outcome.verdict.red]
    assert red == []
    skipped = {outcome.id for outcome in found if outcome.verdict is Verdict.SKIP}
    assert {each.id for each in chosen if not_for_drivers(each)} == skipped


def test_a_driver_may_deliver_by_itself(mock: Mock) -> None:
    """Its requests and its undelivered records are compared like those of our sender."""
    ids = [
        "track/minimal",
        "alias/direction",
        "eu_endpoint/track",
        "delivery/import-with-a-wrong-secret",
        "time/old-revenue-without-secret",
        "settings/unknown-key",
    ]
    found = outcomes(mock, [each for each in ids if each in SCENARIOS], "deliver")
    assert [outcome.text() for outcome in found if outcome.verdict is not Verdict.PASS] == []


def test_devices_through_a_driver(mock: Mock) -> None:
    """The calls of a driver with device modes are compared; it has no page to reload."""
    ids = [name for name, each in SCENARIOS.items() if each.mode != "cloud"]
    found = {each.id: each for each in outcomes(mock, ids, "translate", "devices")}
    assert [outcome.text() for outcome in found.values() if outcome.verdict.red] == []
    skipped = {name for name, each in found.items() if each.verdict is Verdict.SKIP}
    assert {
        name
        for name in ids
        if any(step.reload or has_lines(step) for step in SCENARIOS[name].steps)
    } == skipped
    assert {found[name].mode for name in set(ids) - skipped} == {"web", "ios", "android"}


def test_a_wrong_call_fails(mock: Mock) -> None:
    """A call that is not the expected one is a difference in the calls of its message."""
    name = "incrementing_events/android-older-name"
    scenario = SCENARIOS[name]
    wrong = dataclasses.replace(scenario.expect, calls=[[["track", "B", {}]]])
    with ours("translate", "devices") as target:
        found = run_scenario(dataclasses.replace(scenario, expect=wrong), target, mock)
    assert Verdict.FAIL is found.verdict
    assert {each.path[:8] for each in found.differences} == {"calls[0]"}


def test_a_wrong_translator_fails(mock: Mock) -> None:
    """The differences are those of the requests."""
    [found] = outcomes(mock, ["alias/direction"], "translate", "swaps-alias")
    assert Verdict.FAIL is found.verdict
    assert [(each.path, each.expected, each.actual) for each in found.differences][:2] == [
        ("requests[0].record.properties.alias", "u-1", "anon-1"),
        ("requests[0].record.properties.distinct_id", "anon-1", "u-1"),
    ]


@pytest.mark.parametrize(
    ("scenario", "word", "reason"),
    [
        ("alias/to-itself-observed", "documented-only", "does not follow the observed rules"),
        ("group/with-key", "no-groups", "it knows no groups"),
        ("settings/unknown-key", "takes-anything", "does not report which settings it refuses"),
        ("bad_input/not-json", "", "this target gets JSON values"),
    ],
)
def test_what_it_cannot_do_is_skipped(scenario: str, word: str, reason: str, mock: Mock) -> None:
    """The reason is the target's own, or says what it lacks."""
    [found] = outcomes(mock, [scenario], "translate", word)
    assert (found.verdict, reason in found.reason) == (Verdict.SKIP, True), found.text()


def test_what_it_does_not_tell_is_not_compared(mock: Mock) -> None:
    """A skip without our code is not a failure, and the outcome has the part that was left out."""
    [found] = outcomes(mock, ["alias/to-itself"], "translate", "tells-nothing")
    assert Verdict.PASS is found.verdict
    assert found.notes == ("not compared: skipped, which this target does not report",)
    assert found.actual.keys() == {"requests", "state", "undelivered"}


def test_a_driver_that_breaks_is_an_error(mock: Mock) -> None:
    """The translator is not blamed, and the next scenario is replayed."""
    target = ExecTarget(f"{sys.executable} {FOLDER / 'odd.py'} dies-later")
    found = [run_scenario(SCENARIOS["track/minimal"], target, mock) for _ in range(2)]
    target.close()
    assert [outcome.verdict for outcome in found] == [Verdict.ERROR] * 2
    assert "out of memory" in found[1].reason


def test_smoke(mock: Mock) -> None:
    """A driver that works says so before the scenarios."""
    with ours("translate") as target:
        assert check(target, mock) == "it works: the simplest event made 1 record"


def test_smoke_of_a_wrong_translator(mock: Mock) -> None:
    """A driver reports a crash of its translator, and the scenarios go on."""
    with ours("translate", "crashes") as target:
        text = "the target answers, but the translator crashed on the simplest event: "
        assert f"{text}KeyError('traits')" == check(target, mock)


@pytest.mark.parametrize("way", ["ends", "not-json", "no-answers", "dies-later"])
def test_smoke_of_a_broken_driver(way: str, mock: Mock) -> None:
    """A driver that breaks the protocol is reported at once."""
    target = ExecTarget(f"{sys.executable} {FOLDER / 'odd.py'} {way}")
    with pytest.raises(DriverBroken):
        check(target, mock)
    target.close()
