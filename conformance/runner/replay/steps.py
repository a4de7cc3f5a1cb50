"""The common steps of every replay: prepare the mock, send the messages, read the requests."""

import copy
from typing import Any

from conformance.errors import DataError
from conformance.runner.compare import Difference, compare
from conformance.runner.mock import Mock, MockRefused
from conformance.spec.scenarios.loading import Json, RawLine, Scenario
from conformance.targets.device import DeviceSession
from conformance.targets.engage_calls import EngagedSession
from conformance.targets.target import Answer, CannotRun, Setup, TargetSession


def prepare(scenario: Scenario, mock: Mock, project: Json) -> None:
    """Empty the mock and set clock, project options and faults; `project` overrides the options."""
    mock.reset()
    mock.freeze(scenario.clock)
    token, settings = scenario.settings.get("token"), scenario.settings
    if isinstance(token, str) and token:
        options: Json = {}
        if settings.get("apiSecret"):
            options["secret"] = settings["apiSecret"]
        if settings.get("enableEuropeanUnionEndpoint") is True:
            options["region"] = "eu"
        try:
            mock.set_project(token, options | scenario.project | project)
        except MockRefused as error:
            raise DataError(f"{scenario.id}: project: {error}") from error
    if scenario.faults:
        try:
            mock.add_faults(scenario.faults)
        except MockRefused as error:
            raise DataError(f"{scenario.id}: faults: {error}") from error


def setup_of(scenario: Scenario, mock: Mock) -> Setup:
    """The set-up of a target for a scenario."""
    return Setup(
        scenario.settings,
        scenario.mode,
        scenario.rules,
        mock.base_urls,
        wait=mock.advance,
        delivery=scenario.delivery,
        browser=scenario.browser,
        mock=mock,
    )


def feed(
    scenario: Scenario, session: TargetSession, mock: Mock
) -> tuple[list[Answer], list[Difference]]:
    """Send the steps of a scenario; returns the answers, and the changes of the target to its
    input."""
    answers: list[Answer] = []
    differences: list[Difference] = []
    for step in scenario.steps:
        if step.advance:
            mock.advance(step.advance)
            if isinstance(session, EngagedSession):
                answers += session.deliver((), mock.now())
        elif step.engage:
            assert isinstance(session, EngagedSession)
            answers += session.perform(step.engage, mock.now())
        elif step.flush:
            session.flush()
        elif step.reload:
            if not isinstance(session, DeviceSession):
                raise CannotRun("it cannot leave a page and come back to it")
            session.reload(mock.now())
        else:
            given = copy.deepcopy(step.messages)
            start = len(answers)
            answers += session.deliver(given, mock.now())
            for index, pair in enumerate(zip(step.messages, given, strict=True), start):
                differences += _changed_input(f"messages[{index}]", *pair)
    return answers, differences


def _changed_input(path: str, original: Any, given: Any) -> list[Difference]:
    return [] if isinstance(original, RawLine) else compare(path, original, given)


def received(mock: Mock) -> list[Json]:
    """Every record that reached the mock, in order of arrival, as a scenario writes it."""
    return [
        {
            "endpoint": request["path"].rstrip("/"),
            "region": request["region"],
            "ip": request["query"].get("ip"),
            "record": record,
        }
        for request in mock.requests()
        for record in request["payload"]
    ]
