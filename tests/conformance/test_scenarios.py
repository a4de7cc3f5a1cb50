"""Every scenario against our own translator and sender."""

import pytest

from conformance.loader import Scenario, load_scenarios
from conformance.mock import Mock
from conformance.replay import replay
from conformance.report import Verdict
from conformance.target import Builtin


@pytest.mark.parametrize(
    "scenario", [pytest.param(scenario, id=scenario.id) for scenario in load_scenarios()]
)
def test_scenario(scenario: Scenario, mock: Mock) -> None:
    """What Mixpanel receives and then holds is what the scenario says, and nothing else."""
    verdict = Verdict(scenario, tuple(replay(scenario, Builtin(), mock)))
    assert verdict.passed, verdict.text()
