"""The translator's table of rules cites what scenarios may cite."""

import pytest

from conformance.spec.citations import sources
from translator.core.rule import Rule
from translator.core.rules import RULES


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.name) for rule in RULES])
def test_both_sides_have_a_source(rule: Rule) -> None:
    """Both sides of a disagreement name a place that exists."""
    assert (
        sources.problem(rule.documented_source),
        sources.problem(rule.observed_source),
    ) == (None, None)
