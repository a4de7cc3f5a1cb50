"""A scenario shifted to another time."""

from datetime import UTC, datetime

import pytest

from conformance.runner.mock import Mock
from conformance.runner.outcomes import Verdict
from conformance.runner.run import run_scenario
from conformance.spec.scenarios.loading import Scenario, load_scenarios
from conformance.targets.builtin import Builtin
from conformance.targets.servers.time_shift import shifted
from conformance.targets.target import CannotRun
from tests.conformance.one_scenario import parse_one
from tests.thorough import share

LATER = datetime(2026, 11, 24, 18, 31, 25, 750000, tzinfo=UTC)
"""162 days, 6 hours, 31 minutes and 25 seconds after most scenarios: 14,020,285 seconds."""


def scenario(message: str, more: str = "") -> Scenario:
    return parse_one(
        f"""
id: track/sample
title: A title
level: must
source: [doc#track]
settings: {{token: T}}
steps: [{{messages: [{{type: track, event: A, userId: ann, {message}}}]}}]
expect:
  requests:
    - endpoint: /track
      record:
        times: [1781524800, 1781524800000, 1781524799500, 1781524799, "1781524800", 12, "12"]
        texts: [2026-06-15T12:00:00Z, 2026-06-15T11:59:59.500, 2026-06-15 14:00:00.000+0200]
        others: [2026-06-15, 2026-06-15T11:00:00Z, 1781524801, true]
{more}""",
        "track/sample.yaml",
    )


def test_moments_move_and_keep_their_form() -> None:
    """Numbers, texts and fractions of the clock's and the messages' moments; nothing else."""
    found = shifted(scenario("timestamp: 2026-06-15T11:59:59.500Z"), LATER)
    assert found.expect.requests
    assert found.expect.requests[0]["record"] == {
        "times": [1795545085, 1795545085000, 1795545084500, 1795545084, "1795545085", 12, "12"],
        "texts": [
            "2026-11-24T18:31:25Z",
            "2026-11-24T18:31:24.500",
            "2026-11-24 20:31:25.000+0200",
        ],
        "others": ["2026-06-15", "2026-06-15T11:00:00Z", 1781524801, True],
    }
    [[message]] = [step.messages for step in found.steps]
    assert message["timestamp"] == "2026-11-24T18:31:24.500Z"
    assert found.clock == "2026-11-24T18:31:25Z"


@pytest.mark.parametrize(
    ("message", "more", "reason"),
    [
        ("timestamp: 2026-06-10T12:00:01Z", "", "as old as a limit"),
        ("timestamp: 2026-06-15", "", "cannot be moved in its form"),
        ("messageId: m1", "", "a message has no timestamp"),
        ("timestamp: 2026-06-15T12:00:00Z", "project: {alias_delay: 5}", "waits for an alias"),
    ],
)
def test_what_cannot_be_moved(message: str, more: str, reason: str) -> None:
    """What depends on the second at which a server looks at its clock is refused, with why."""
    with pytest.raises(CannotRun, match=f"the server has a clock of its own: .*{reason}"):
        shifted(scenario(message, more), LATER)


def test_moved_scenarios_are_as_right_as_before(mock: Mock) -> None:
    """Our own translator, with its clock at the new time, conforms to all that can be shifted."""
    found, kept = [], []
    for each in share((each for each in load_scenarios() if each.mode == "cloud"), 0, 3):
        try:
            later = shifted(each, LATER)
        except CannotRun:
            kept.append(each.id)
            continue
        found.append(run_scenario(later, Builtin(), mock))
    assert [outcome.text() for outcome in found if outcome.verdict is not Verdict.PASS] == []
    assert len(found) > 5 * len(kept)
