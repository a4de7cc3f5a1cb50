"""What scenarios need of a translator."""

import pytest

from conformance.spec.scenarios.loading import load_scenarios
from conformance.spec.scenarios.needs import CAPABILITIES, needs
from conformance.targets.protocol import About
from conformance.targets.target import CannotRun, with_capabilities

SCENARIOS = {scenario.id: scenario for scenario in load_scenarios()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("track/minimal", set()),
        ("alias/direction", {"alias"}),
        ("group/context-traits", {"groups"}),
        ("track_charge/number", {"people", "charges"}),
        ("source_name/on-events", {"source_name"}),
        ("track_charge/web", {"devices"}),
        ("track/no-properties", set()),
        ("integrations/all-off", {"integrations"}),
        ("group/set-once", {"groups", "set_once"}),
        ("identify/people-off", {"people_option"}),
    ],
)
def test_needs(name: str, expected: set[str]) -> None:
    """They are found in settings, messages and expected requests."""
    assert needs(SCENARIOS[name]) == expected


def test_every_capability_is_needed() -> None:
    """No capability can be announced that changes nothing."""
    assert {each for scenario in SCENARIOS.values() for each in needs(scenario)} == {*CAPABILITIES}


def test_what_a_target_lacks_is_skipped_with_its_reason() -> None:
    """A target that does not say what it has is tried with everything."""
    about = About("x", "translate", frozenset(), frozenset(), frozenset(), frozenset(["people"]))
    with pytest.raises(CannotRun, match="the translator has no charges"):
        with_capabilities(about, SCENARIOS["track_charge/number"])
    every = About("x", "translate", frozenset(), frozenset(), frozenset())
    scenario = SCENARIOS["track_charge/number"]
    assert with_capabilities(every, scenario) is scenario
