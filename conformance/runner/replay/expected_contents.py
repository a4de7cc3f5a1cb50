"""The contents of Mixpanel after a scenario's expected requests.

The requests are sent to the mock one after the other. If time passes between them, the scenario
does not define the time of each request; then our own translator sends them, if it sends exactly
these.
"""

import re
import uuid
from typing import Any

from conformance.runner.compare import compare_sequence
from conformance.runner.mock import Mock
from conformance.runner.replay.contents import Contents, read_contents
from conformance.runner.replay.steps import feed, prepare, received, setup_of
from conformance.spec.scenarios.loading import Json, Scenario
from conformance.spec.scenarios.placeholders import Placeholders
from conformance.targets.builtin import Builtin
from conformance.targets.device import expanded
from conformance.targets.engage_calls import EngagedSession
from conformance.targets.target import TargetSession
from translator import Operation
from translator.core.residency import HOSTS
from translator.engage import Engage
from translator.sender import BatchLimits, RetryPolicy, Sender

_PLACEHOLDER = re.compile("<insert_id(:[^<>]+)?>")


def expected_contents(scenario: Scenario, mock: Mock, project: Json) -> Contents:
    """The contents of the project after the expected requests. The mock is emptied first."""
    prepare(scenario, mock, project)
    if not (_takes_time(scenario) and _sent_by_ours(scenario, mock)):
        prepare(scenario, mock, project)
        _play(scenario, mock)
    return read_contents(mock, scenario.settings["token"])


def _takes_time(scenario: Scenario) -> bool:
    waits = any(step.advance for step in scenario.steps) or "alias_delay" in scenario.project
    return bool(waits or scenario.faults or scenario.delivery or scenario.engage)


def _sent_by_ours(scenario: Scenario, mock: Mock) -> bool:
    """Whether our own translator and sender, run through the steps, send exactly the requests."""
    setup = setup_of(scenario, mock)
    session: TargetSession = Builtin().open(setup)
    try:
        if scenario.engage:
            session = EngagedSession(session, scenario.engage, setup, Engage)
        feed(scenario, session, mock)
    finally:
        session.close()
    wanted = expanded(scenario.expect.requests or [])
    return not compare_sequence("requests", wanted, received(mock), Placeholders())


def _play(scenario: Scenario, mock: Mock) -> None:
    ids: dict[str, str] = {}

    def filled(value: Any) -> Any:
        """A copy with an insert id in place of each placeholder, the same for the same label."""
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        if isinstance(value, str) and (found := _PLACEHOLDER.fullmatch(value)):
            made = str(uuid.uuid4())
            return ids.setdefault(value, made) if found[1] else made
        return value

    operations = [
        Operation(request["endpoint"], HOSTS[request["region"]], filled(request["record"]))
        for request in expanded(scenario.expect.requests or [])
    ]
    retry = RetryPolicy(sleep=mock.advance, jitter=lambda: 0)
    secret = scenario.settings.get("apiSecret") or scenario.project.get("secret")
    with Sender(mock.base_urls, secret, limits=BatchLimits(records=1), retry=retry) as sender:
        sender.send(operations)
