"""Evidence that a target works, for scenarios that a target without any output would pass."""

from conformance.runner.compare import Difference, Kind
from conformance.runner.mock import Mock
from conformance.runner.replay.steps import received
from conformance.spec.scenarios.loading import Scenario
from conformance.targets.engage_calls import EngagedSession
from conformance.targets.target import TargetSession

CONTROL_EVENT = "Conformance Control"


def expects_nothing(scenario: Scenario) -> bool:
    """Whether the expected result is no request, so that a translator that does nothing would
    pass."""
    return scenario.expect.requests == [] and scenario.expect.settings_error is None


def evidence(scenario: Scenario, session: TargetSession, mock: Mock) -> list[Difference]:
    """Whether an event arrives in a session of which the mock accepted nothing so far.

    The scenario expects nothing, or nothing that the profile compares, such as a profile with no
    property but the id of the person.
    """
    own = session.own_records if isinstance(session, EngagedSession) else 0
    silent = _accepted(mock) == own and not scenario.faults
    observable = scenario.mode == "cloud" and "requests" in session.observes
    if not (observable and (silent or expects_nothing(scenario))):
        return []
    now = mock.now()
    message = {
        "type": "track",
        "messageId": "conformance-control",
        "userId": "conformance-control",
        "event": CONTROL_EVENT,
        "properties": {},
        "context": {},
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    # Engage would not pass it on, so it goes to the translator directly.
    translator = session.inner if isinstance(session, EngagedSession) else session
    translator.deliver([message], now)
    translator.flush()
    # The arrival of the event is enough: a project in another region, or a fault, can refuse it.
    records = (request["record"] for request in received(mock))
    if any(isinstance(each, dict) and each.get("event") == CONTROL_EVENT for each in records):
        return []
    note = "no request came of this scenario's messages; and no other event of this session arrives"
    return [Difference("control", Kind.MISSING, {"event": CONTROL_EVENT}, note=note)]


def _accepted(mock: Mock) -> int:
    """The number of records that the mock accepted."""
    return sum(
        verdict["accepted"] for request in mock.requests() for verdict in request["verdicts"]
    )
