"""A run: the chosen scenarios and captures, one after the other."""

from collections.abc import Iterable, Iterator

from conformance.attribution import attribute
from conformance.captures import Capture, reproduce
from conformance.loader import Scenario
from conformance.mock import running_mock
from conformance.replay import replay
from conformance.report import CaptureResult, Verdict
from conformance.target import Target


def run_scenarios(scenarios: Iterable[Scenario], target: Target) -> Iterator[Verdict]:
    """The verdict on each scenario, as it is reached, against a mock of its own."""
    with running_mock() as mock:
        for scenario in scenarios:
            yield Verdict(scenario, tuple(replay(scenario, target, mock)))


def run_captures(captures: Iterable[Capture], rules: str | None) -> Iterator[CaptureResult]:
    """Each capture under the observed rules, then explained under the documented ones.

    `rules` restricts it to one of them.
    """
    for capture in captures:
        yield CaptureResult(
            reproduce(capture) if rules != "documented" else None,
            attribute(capture) if rules != "observed" else None,
        )
