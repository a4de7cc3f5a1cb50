"""The engine: one scenario through a target into the mock, and in what it differs."""

import copy
import dataclasses
from dataclasses import dataclass
from typing import Any

from conformance.errors import DataError
from conformance.runner.compare import Difference, Kind, compare, compare_sequence
from conformance.runner.mock import Mock, MockRefused
from conformance.runner.resulting_state import compare_state, held, sections
from conformance.spec.loading import Json, RawLine, Scenario
from conformance.spec.placeholders import Placeholders
from conformance.targets.device import Devices, DeviceSession, expanded
from conformance.targets.engage_calls import EngagedSession, MakeEngage
from conformance.targets.target import (
    Answer,
    CannotRun,
    Session,
    SettingsRefused,
    Setup,
    Target,
    TargetFailed,
)
from translator.engage import Engage


@dataclass(frozen=True)
class Replayed:
    """What came of a scenario, by section, and in what it differs from what was expected.

    `notes` say what could not be compared with this target.
    """

    actual: Json
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()


def replay(
    scenario: Scenario, target: Target, mock: Mock, engage: MakeEngage = Engage
) -> list[Difference]:
    """Everything in which the target does not do what the scenario expects; empty if it conforms.

    Raises like `examine`.
    """
    return list(examine(scenario, target, mock, engage).differences)


def examine(
    scenario: Scenario, target: Target, mock: Mock, engage: MakeEngage = Engage
) -> Replayed:
    """Replay a scenario. `engage` makes the Engage of one that has it.

    Raises CannotRun if the target says that it cannot, and EngineError if mock or driver broke.
    """
    _prepare(scenario, mock)
    setup = Setup(
        scenario.settings,
        scenario.mode,
        scenario.rules,
        mock.base_urls,
        wait=mock.advance,
        delivery=scenario.delivery,
        browser=scenario.browser,
        mock=mock,
    )
    try:
        session = target.open(setup)
        if scenario.engage:
            session = EngagedSession(session, scenario.engage, setup, engage)
    except SettingsRefused as error:
        return _settings_refused(scenario, str(error), mock)
    try:
        if scenario.expect.settings_error is not None:
            return _settings_accepted(scenario, session, mock)
        if scenario.mode != "cloud" and "calls" not in session.observes:
            raise CannotRun("it does not tell its calls on the SDK")
        return _replayed(scenario, session, mock)
    except (TargetFailed, RecursionError) as error:
        if isinstance(error, RecursionError):
            text, requests = "it made a value that is nested too deeply to compare", []
        else:
            text, requests = str(error), received(mock)
        difference = Difference("target", Kind.UNEXPECTED, actual=text)
        return Replayed({"target": text, "requests": requests}, (difference,))
    finally:
        session.close()


def expected(scenario: Scenario) -> Json:
    """What a scenario expects, by section, as `Replayed.actual` has it."""
    expect = scenario.expect
    if expect.settings_error is not None:
        return {"settings_error": expect.settings_error, "requests": expect.requests}
    found: Json = {
        "calls": expect.calls,
        "start_up": expect.start_up,
        "requests": None if expect.requests is None else expanded(expect.requests),
        "skipped": expect.skipped,
        "errors": expect.errors,
        "undelivered": expect.undelivered,
        "state": sections(scenario) if expect.requests is not None else None,
    }
    return {section: value for section, value in found.items() if value is not None}


def _replayed(scenario: Scenario, session: Session, mock: Mock) -> Replayed:
    answers, differences = _feed(scenario, session, mock)
    placeholders, devices = Placeholders(), Devices()
    wanted = expected(scenario)
    actual: Json = {}
    notes = [f"message {index}: {each.note}" for index, each in enumerate(answers) if each.note]
    if "start_up" in wanted:
        actual["start_up"] = devices.named(list(answers[0].start_up))
        differences += compare_sequence("start_up", wanted["start_up"], actual["start_up"])
    if "calls" in wanted:
        actual["calls"] = [devices.named(list(answer.calls)) for answer in answers]
        for index, pair in enumerate(zip(wanted["calls"], actual["calls"], strict=True)):
            differences += compare_sequence(f"calls[{index}]", *pair)
    if "requests" in wanted:
        if "requests" in session.observes:
            actual["requests"] = devices.named(received(mock))
            differences += _compare_requests(scenario, actual["requests"], placeholders)
        else:
            notes.append(
                "not compared: what a browser would send; this target only tells its calls"
            )
    for section, found in _reasons(answers).items():
        if section in session.observes:
            actual[section] = [item for item, _ in found]
            differences += _compare_reasons(section, wanted[section], found)
        elif wanted[section]:
            notes.append(f"not compared: {section}, which this target does not tell")
    if "state" in wanted and "requests" in session.observes:
        actual["state"] = state = devices.named(held(scenario, mock))
        differences += compare_state(scenario, state, placeholders)
    return Replayed(actual, tuple(differences), tuple(notes))


def _prepare(scenario: Scenario, mock: Mock) -> None:
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
            mock.set_project(token, options | scenario.project)
        except MockRefused as error:
            raise DataError(f"{scenario.id}: project: {error}") from error
    if scenario.faults:
        try:
            mock.add_faults(scenario.faults)
        except MockRefused as error:
            raise DataError(f"{scenario.id}: faults: {error}") from error


def _settings_refused(scenario: Scenario, text: str, mock: Mock) -> Replayed:
    wanted, requests = scenario.expect.settings_error, received(mock)
    if wanted is None:
        differences = [Difference("settings_error", Kind.UNEXPECTED, actual=text)]
    elif repr(wanted) in text:
        differences = []
    else:
        differences = [Difference("settings_error", Kind.CHANGED, wanted, text)]
    differences += _compare_requests(scenario, requests)
    return Replayed({"settings_error": text, "requests": requests}, tuple(differences))


def _settings_accepted(scenario: Scenario, session: Session, mock: Mock) -> Replayed:
    if "settings" not in session.observes:
        raise CannotRun("it does not tell which settings it refuses")
    difference = Difference(
        "settings_error",
        Kind.MISSING,
        scenario.expect.settings_error,
        note="the settings were accepted",
    )
    return Replayed({"requests": received(mock)}, (difference,))


def _feed(
    scenario: Scenario, session: Session, mock: Mock
) -> tuple[list[Answer], list[Difference]]:
    """The answers to all messages, and in what the target changed its input."""
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


def _compare_requests(
    scenario: Scenario, requests: list[Json], placeholders: Placeholders | None = None
) -> list[Difference]:
    wanted = expanded(scenario.expect.requests or [])
    return compare_sequence("requests", wanted, requests, placeholders)


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


def _reasons(answers: list[Answer]) -> dict[str, list[tuple[Json, str]]]:
    """What was answered beside the requests, by section, each with the words that came with it."""
    return {
        "skipped": [
            ({"message": index, "code": reason.code}, reason.text)
            for index, answer in enumerate(answers)
            for reason in answer.skipped
        ],
        "errors": [
            ({"message": index, "code": answer.error.code}, answer.error.text)
            for index, answer in enumerate(answers)
            if answer.error
        ],
        "undelivered": [
            ({"message": index, "endpoint": lost.endpoint}, lost.text)
            for index, answer in enumerate(answers)
            for lost in answer.undelivered
        ],
    }


def _compare_reasons(
    path: str, expected: list[Json], found: list[tuple[Json, str]]
) -> list[Difference]:
    """Compare what was answered; the words that came with it help a person only."""
    differences = compare_sequence(path, expected, [item for item, _ in found])
    words = "\n".join(f"message {item['message']} said: {text}" for item, text in found)
    return [dataclasses.replace(difference, note=words) for difference in differences]
