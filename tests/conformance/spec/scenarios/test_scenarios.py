"""Every scenario against our own translator and sender."""

import pytest

from conformance.runner.mock import Mock
from conformance.runner.outcomes import Verdict
from conformance.runner.run import run_scenario
from conformance.spec.scenarios.loading import Scenario, load_scenarios
from conformance.targets.builtin import Builtin


@pytest.mark.parametrize(
    "scenario", [pytest.param(scenario, id=scenario.id) for scenario in load_scenarios()]
)
def test_scenario(scenario: Scenario, mock: Mock) -> None:
    """Mixpanel receives and then holds exactly the data of the scenario."""
    outcome = run_scenario(scenario, Builtin(), mock)
    assert Verdict.PASS is outcome.verdict, outcome.text()
