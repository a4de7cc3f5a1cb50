"""A run: the chosen scenarios and captures; each has one outcome."""

import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Self

from conformance.errors import DataError, EngineError, UsageError
from conformance.runner.captures.attribution import attribute
from conformance.runner.captures.cloud import Recorded, reproduce
from conformance.runner.levels import as_documented
from conformance.runner.mock import Mock, running_mock
from conformance.runner.outcomes import EXPECTS_NOTHING, Outcome, Verdict, judged, of_scenario
from conformance.runner.replay.evidence import expects_nothing
from conformance.runner.replay.replay import EXACT, Judging, examine, expected
from conformance.spec.expected_failures import ExpectedFailure
from conformance.spec.scenarios.loading import Json, Scenario
from conformance.targets.by_name import target_named
from conformance.targets.target import CannotRun, Target

Case = Scenario | Recorded


@dataclass(frozen=True)
class RunOptions:
    """The options of a CaseRunner; they can be sent to another process.

    `target` is what `--target` names, `settings` those of a server whose settings are fixed.
    `rules` restricts captures to one rule set. `profile` is `exact` or `outcome`; None is the usual
    one of the target. `project` overrides options of the mock's project.
    """

    target: str = "builtin"
    settings: Json | None = None
    timeout_seconds: float = 30
    mock_port: int = 0
    expected_failures: Mapping[str, ExpectedFailure] = field(default_factory=dict)
    rules: str | None = None
    profile: str | None = None
    project: Json = field(default_factory=dict)

    @property
    def own(self) -> bool:
        """Whether the target is this project's translator."""
        return self.target == "builtin"

    @property
    def judging(self) -> Judging:
        """The options of the comparison."""
        usual = "exact" if self.own else "outcome"
        return Judging(self.profile or usual, evidence=not self.own, project=self.project)


class CaseRunner:
    """A target and a mock of its own, for `with`."""

    target: Target
    mock: Mock

    def __init__(self, options: RunOptions) -> None:
        self.options = options
        self._open = ExitStack()

    def __enter__(self) -> Self:
        options = self.options
        self.target = self._open.enter_context(
            target_named(options.target, options.settings, timeout_seconds=options.timeout_seconds)
        )
        self.mock = self._open.enter_context(running_mock(options.mock_port))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def outcome(self, case: Case) -> Outcome:
        """The outcome of a case."""
        if isinstance(case, Scenario):
            expected = self.options.expected_failures
            return run_scenario(case, self.target, self.mock, expected, self.options.judging)
        return run_capture(case, self.options.rules)


def run_scenario(
    scenario: Scenario,
    target: Target,
    mock: Mock,
    expected_failures: Mapping[str, ExpectedFailure] = {},
    judging: Judging = EXACT,
) -> Outcome:
    """The outcome of a scenario. A driver or an engine that breaks is an outcome as well."""
    try:
        scenario = target.adapted(scenario)
        replayed = examine(scenario, target, mock, judging=judging)
    except CannotRun as error:
        return of_scenario(scenario, Verdict.SKIP, reason=str(error), expected=expected(scenario))
    except EngineError as error:
        return of_scenario(scenario, Verdict.ERROR, reason=str(error), expected=expected(scenario))
    except (DataError, UsageError):
        raise
    except Exception:  # the other scenarios must still be judged
        reason = f"the engine failed:\n{traceback.format_exc()}"
        return of_scenario(scenario, Verdict.ERROR, reason=reason, expected=expected(scenario))
    outcome = of_scenario(
        scenario,
        Verdict.FAIL if replayed.differences else Verdict.PASS,
        differences=replayed.differences,
        notes=replayed.notes,
        expected=expected(scenario) if replayed.expected is None else replayed.expected,
        actual=replayed.actual,
    )
    if expects_nothing(scenario):
        outcome = replace(outcome, tags=(*outcome.tags, EXPECTS_NOTHING))
    if judging.profile == "outcome":
        outcome = as_documented(outcome)
    return judged(outcome, expected_failures)


def run_capture(capture: Recorded, rules: str | None) -> Outcome:
    """The outcomes of a capture under the observed rules and, with explanations, under the
    documented ones.

    `rules` restricts it to one of them. The capture fails if either fails.
    """
    if rules == "documented":
        return attribute(capture).outcome
    observed = reproduce(capture).outcome
    if rules == "observed":
        return observed
    explained = attribute(capture).outcome
    return replace(
        observed,
        verdict=explained.verdict if explained.verdict.red else observed.verdict,
        differences=(
            *observed.differences,
            *(replace(each, path=f"documented.{each.path}") for each in explained.differences),
        ),
        notes=(*observed.notes, *(f"documented rules: {note}" for note in explained.notes)),
        actual={**observed.actual, "explained_by": explained.actual["explained_by"]},
    )


def run_captures(captures: Iterable[Recorded], rules: str | None) -> Iterator[Outcome]:
    """The outcome of each capture, see `run_capture`."""
    return (run_capture(capture, rules) for capture in captures)
