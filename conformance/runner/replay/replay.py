"""The engine: sends a scenario through a target into the mock, and gives the differences."""

import dataclasses
from dataclasses import dataclass, field
from itertools import combinations

from conformance.runner.compare import Difference, Kind, compare, compare_sequence
from conformance.runner.mock import Mock
from conformance.runner.replay.compare_contents import compare_contents
from conformance.runner.replay.contents import plain_id, read_contents
from conformance.runner.replay.evidence import evidence
from conformance.runner.replay.expected_contents import expected_contents
from conformance.runner.replay.refusals import explained, refusals
from conformance.runner.replay.resulting_state import compare_state, held, sections
from conformance.runner.replay.steps import feed, prepare, received, setup_of
from conformance.spec.scenarios.loading import Json, Scenario
from conformance.spec.scenarios.placeholders import Placeholders
from conformance.targets.device import Devices, expanded
from conformance.targets.engage_calls import EngagedSession, MakeEngage
from conformance.targets.target import (
    Answer,
    CannotRun,
    SettingsRefused,
    Target,
    TargetFailed,
    TargetSession,
)
from translator.engage import Engage


@dataclass(frozen=True)
class Replayed:
    """The result of a scenario, by section, and its differences from the expected result.

    `notes` list the parts that could not be compared with this target. `expected` is the compared
    expectation, if it differs from the text of the scenario.
    """

    actual: Json
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()
    expected: Json | None = None


def replay(
    scenario: Scenario, target: Target, mock: Mock, engage: MakeEngage = Engage
) -> list[Difference]:
    """The differences between the target's result and the expected one; empty if it conforms.

    Raises the errors of `examine`.
    """
    return list(examine(scenario, target, mock, engage).differences)


@dataclass(frozen=True)
class Judging:
    """The options of the comparison.

    `profile` is `exact`, every request in full, or `outcome`, what Mixpanel then holds. `evidence`:
    a scenario that expects nothing passes only if an event in the same session arrives. `project`
    overrides options of the mock's project.
    """

    profile: str = "exact"
    evidence: bool = False
    project: Json = field(default_factory=dict)


EXACT = Judging()


def examine(
    scenario: Scenario,
    target: Target,
    mock: Mock,
    engage: MakeEngage = Engage,
    judging: Judging = EXACT,
) -> Replayed:
    """Replay a scenario. `engage` makes the Engage of one that has it.

    Raises CannotRun if the target says that it cannot, and EngineError if mock or driver failed.
    """
    prepare(scenario, mock, judging.project)
    setup = setup_of(scenario, mock)
    try:
        session = target.open(setup)
        if scenario.engage:
            session = EngagedSession(session, scenario.engage, setup, engage)
    except SettingsRefused as error:
        return _settings_refused(scenario, str(error), mock, judging)
    try:
        if scenario.expect.settings_error is not None:
            return _settings_accepted(scenario, session, mock)
        if scenario.mode != "cloud" and "calls" not in session.observes:
            raise CannotRun("it does not report its calls on the SDK")
        return _replayed(scenario, session, mock, judging)
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
    """The expected result of a scenario by section, in the form of `Replayed.actual`."""
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


def _replayed(scenario: Scenario, session: TargetSession, mock: Mock, judging: Judging) -> Replayed:
    answers, differences = feed(scenario, session, mock)
    if judging.profile == "outcome" and scenario.mode == "cloud":
        return _by_outcome(scenario, session, mock, answers, judging)
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
            notes.append("not compared: a browser's requests; this target reports only its calls")
    for section, found in _reasons(answers).items():
        if section in session.observes:
            actual[section] = [item for item, _ in found]
            differences += _compare_reasons(section, wanted[section], found)
        elif wanted[section]:
            notes.append(f"not compared: {section}, which this target does not report")
    if "state" in wanted and "requests" in session.observes:
        actual["state"] = state = devices.named(held(scenario, mock))
        differences += compare_state(scenario, state, placeholders)
    if judging.evidence:
        differences += evidence(scenario, session, mock)
    return Replayed(actual, tuple(differences), tuple(notes))


def _by_outcome(
    scenario: Scenario, session: TargetSession, mock: Mock, answers: list[Answer], judging: Judging
) -> Replayed:
    """Compare the contents of Mixpanel with those after the expected requests."""
    notes = [f"message {index}: {each.note}" for index, each in enumerate(answers) if each.note]
    requests = received(mock)
    found = read_contents(mock, scenario.settings["token"])
    refused = refusals(mock, scenario.settings["token"])
    differences = evidence(scenario, session, mock) if judging.evidence else []
    wanted = expected_contents(scenario, mock, judging.project)
    compared = compare_contents(
        scenario.id, wanted, found, scenario.expect.absent, _may_join(scenario, judging.project)
    )
    differences += explained(compared, refused)
    actual: Json = {"requests": requests, "contents": found.as_json()}
    given: Json = {
        "requests": expanded(scenario.expect.requests or []),
        "contents": wanted.as_json(),
    }
    if "errors" in session.observes:
        one = sorted({each["message"] for each in scenario.expect.errors})
        other = [index for index, answer in enumerate(answers) if answer.error]
        differences += compare("errors", one, other)
        given["errors"], actual["errors"] = one, other
    return Replayed(actual, tuple(differences), tuple(notes), given)


def _may_join(scenario: Scenario, project: Json) -> set[frozenset[str]]:
    """Pairs of ids that a project with ID Merge may join: those of one message.

    The documentation describes projects without ID Merge, in which only an alias joins ids; with
    ID Merge "this is no longer necessary" (doc#identify).
    """
    if {**scenario.project, **project}.get("identity", "legacy") == "legacy":
        return set()
    found = set()
    for step in scenario.steps:
        for message in step.messages:
            if isinstance(message, dict):
                ids = [message.get(key) for key in ("userId", "anonymousId", "previousId")]
                names = {plain_id(each) for each in ids if each}
                found |= {frozenset(pair) for pair in combinations(sorted(names), 2)}
    return found


def _settings_refused(scenario: Scenario, text: str, mock: Mock, judging: Judging) -> Replayed:
    wanted, requests = scenario.expect.settings_error, received(mock)
    if wanted is None:
        differences = [Difference("settings_error", Kind.UNEXPECTED, actual=text)]
    elif judging.profile == "outcome" or repr(wanted) in text:
        differences = []
    else:
        differences = [Difference("settings_error", Kind.CHANGED, wanted, text)]
    differences += _compare_requests(scenario, requests)
    return Replayed({"settings_error": text, "requests": requests}, tuple(differences))


def _settings_accepted(scenario: Scenario, session: TargetSession, mock: Mock) -> Replayed:
    if "settings" not in session.observes:
        raise CannotRun("it does not report which settings it refuses")
    difference = Difference(
        "settings_error",
        Kind.MISSING,
        scenario.expect.settings_error,
        note="the settings were accepted",
    )
    return Replayed({"requests": received(mock)}, (difference,))


def _compare_requests(
    scenario: Scenario, requests: list[Json], placeholders: Placeholders | None = None
) -> list[Difference]:
    wanted = expanded(scenario.expect.requests or [])
    return compare_sequence("requests", wanted, requests, placeholders)


def _reasons(answers: list[Answer]) -> dict[str, list[tuple[Json, str]]]:
    """The reported reasons besides the requests, by section, each with its text."""
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
    """Compare the codes of answers; their texts only help a reader."""
    differences = compare_sequence(path, expected, [item for item, _ in found])
    words = "\n".join(f"message {item['message']} said: {text}" for item, text in found)
    return [dataclasses.replace(difference, note=words) for difference in differences]
