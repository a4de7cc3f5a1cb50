"""Every rule of device modes is shown by scenarios that would be red without it."""

import pytest

from conformance.mutants.devices import following_doc_in, ignoring_doc_in
from conformance.runner.mock import Mock
from conformance.runner.replay.replay import replay
from conformance.spec.scenarios.loading import Scenario, load_scenarios
from conformance.targets.builtin import Builtin
from translator.core.device_rules import DEVICE_RULES


def showing(rule: str, rules: str) -> list[Scenario]:
    """The scenarios of device modes that carry a rule's name, of one rule set."""
    tag = f"rule-{rule.replace('_', '-')}"
    return [
        scenario
        for scenario in load_scenarios()
        if scenario.mode != "cloud" and tag in scenario.tags and scenario.rules == rules
    ]


@pytest.mark.parametrize("rule", [rule.name for rule in DEVICE_RULES])
def test_a_rule_not_followed_is_seen(rule: str, mock: Mock) -> None:
    """Where the doc is not followed in one rule, a scenario of its name fails."""
    target = Builtin(make_session=ignoring_doc_in(rule))
    assert any(replay(scenario, target, mock) for scenario in showing(rule, "documented"))


@pytest.mark.parametrize("rule", [rule.name for rule in DEVICE_RULES])
def test_a_rule_followed_is_seen(rule: str, mock: Mock) -> None:
    """Where the doc is followed in one rule, a scenario of the observed side fails."""
    target = Builtin(make_session=following_doc_in(rule))
    assert any(replay(scenario, target, mock) for scenario in showing(rule, "observed"))
