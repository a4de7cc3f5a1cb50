"""Every scenario against our own translator and sender."""

import pytest

from conformance.builtin import Builtin
from conformance.loader import Scenario, load_scenarios
from conformance.mock import Mock
from conformance.outcomes import Verdict
from conformance.run import run_scenario


@pytest.mark.parametrize(
    "scenario", [pytest.param(scenario, id=scenario.id) for scenario in load_scenarios()]
)
def test_scenario(scenario: Scenario, mock: Mock) -> None:
    """What Mixpanel receives and then holds is what the scenario says, and nothing else."""
    outcome = run_scenario(scenario, Builtin(), mock)
    assert Verdict.PASS is outcome.verdict, outcome.text()
