"""A run: the chosen scenarios and captures, one after the other."""

from collections.abc import Iterable, Iterator, Mapping

from conformance.errors import EngineError
from conformance.runner.attribution import attribute
from conformance.runner.captures import Recorded, reproduce
from conformance.runner.mock import Mock
from conformance.runner.outcomes import Outcome, Verdict, judged, of_scenario
from conformance.runner.replay import examine, expected
from conformance.spec.loading import Scenario
from conformance.targets.black_box_target import WatchedTarget
from conformance.targets.target import CannotRun, Target


def run_scenario(
    scenario: Scenario, target: Target, mock: Mock, expected_failures: Mapping[str, str] = {}
) -> Outcome:
    """What becomes of a scenario. A driver or an engine that breaks is an outcome as well."""
    try:
        if isinstance(target, WatchedTarget):
            scenario = target.adapted(scenario)
        replayed = examine(scenario, target, mock)
    except CannotRun as error:
        return of_scenario(scenario, Verdict.SKIP, reason=str(error), expected=expected(scenario))
    except EngineError as error:
        return of_scenario(scenario, Verdict.ERROR, reason=str(error), expected=expected(scenario))
    outcome = of_scenario(
        scenario,
        Verdict.FAIL if replayed.differences else Verdict.PASS,
        differences=replayed.differences,
        notes=replayed.notes,
        expected=expected(scenario),
        actual=replayed.actual,
    )
    return judged(outcome, expected_failures)


def run_captures(captures: Iterable[Recorded], rules: str | None) -> Iterator[Outcome]:
    """Each capture under the observed rules, then explained under the documented ones.

    `rules` restricts it to one of them.
    """
    for capture in captures:
        if rules != "documented":
            yield reproduce(capture).outcome
        if rules != "observed":
            yield attribute(capture).outcome
