"""The list of our own decisions, and what pins each."""

from pathlib import Path

from conformance.spec.citations.decisions import decisions, page, pinned_by
from conformance.spec.scenarios.loading import load_scenarios
from translator.core.rules import RULES

REPOSITORY = Path(__file__).parents[4]
DECISIONS = REPOSITORY / "docs" / "reference" / "decisions.md"


def citations() -> list[tuple[str, tuple[str, ...]]]:
    return [(scenario.id, scenario.source) for scenario in load_scenarios()]


def test_every_decision_is_pinned() -> None:
    """Each choice has a scenario, or tests if it is about the gateway: without one it could change
    unnoticed."""
    tested = {slug for slug, decision in decisions().items() if decision.tests}
    pins = pinned_by(citations())
    assert {slug for slug, scenarios in pins.items() if not scenarios} == tested


def test_tests_of_decisions_exist() -> None:
    """Each test that pins a decision is in the file that the decision names."""
    for decision in decisions().values():
        for each in decision.tests:
            path, name = each.split("::")
            text = (REPOSITORY / path).read_text(encoding="utf-8")
            assert (each, f"\ndef {name}(" in text) == (each, True)


def test_every_rule_is_shown_by_a_scenario() -> None:
    """Every disagreement of doc and classic integration has a scenario tagged with its name."""
    tags = {tag for scenario in load_scenarios() for tag in scenario.tags}
    assert [rule.name for rule in RULES if f"rule-{rule.name.replace('_', '-')}" not in tags] == []


def test_the_page_is_current() -> None:
    """docs/reference/decisions.md is what `python -m conformance decisions` prints."""
    assert page(citations()) == DECISIONS.read_text(encoding="utf-8")


def test_slugs_are_unique() -> None:
    """No decision hides another."""
    file = Path(__file__).parents[4] / "conformance" / "spec" / "decisions.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count("\n- slug: ") + text.startswith("- slug: ") == len(decisions())
