"""The suite catches every translator that is broken on purpose."""

from fnmatch import fnmatchcase

import pytest

from conformance.mutants import BROKEN, Broken
from conformance.runner.mock import Mock
from conformance.runner.replay.replay import replay
from conformance.spec.citations import sources
from conformance.spec.scenarios.loading import load_scenarios
from conformance.targets.builtin import Builtin

NAMED = [pytest.param(broken, id=broken.name) for broken in BROKEN]


@pytest.mark.parametrize("broken", NAMED)
def test_caught(broken: Broken, mock: Mock) -> None:
    """One of the scenarios that are meant to catch it fails, by what is sent and not by a crash."""
    scenarios = [
        scenario for scenario in load_scenarios() if fnmatchcase(scenario.id, broken.caught_by)
    ]
    assert scenarios, f"no scenario is called {broken.caught_by}"
    target = Builtin(broken.translate, broken.session)
    found = (
        difference.path
        for scenario in scenarios
        for difference in replay(scenario, target, mock, broken.engage)
    )
    assert any(path != "target" for path in found), broken.bug


@pytest.mark.parametrize("broken", NAMED)
def test_bug_has_a_source(broken: Broken) -> None:
    """Each bug cites where it was seen, or the rule it breaks."""
    assert sources.problem(broken.source) is None


def test_names_are_unique() -> None:
    """There are at least fifteen, each with a name of its own."""
    assert len(BROKEN) == len({broken.name for broken in BROKEN}) >= 15
