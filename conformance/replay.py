"""The engine: one scenario through a target into the mock, and in what it differs."""

import copy
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from conformance.compare import Difference, Kind, compare, compare_sequence
from conformance.engaged import EngagedSession, MakeEngage
from conformance.errors import DataError
from conformance.loader import Json, RawLine, Scenario
from conformance.mock import Mock, MockRefused
from conformance.placeholders import Placeholders
from conformance.target import Answer, Session, SettingsRefused, Setup, Target, TargetFailed
from translator.engage import Engage


def replay(
    scenario: Scenario, target: Target, mock: Mock, engage: MakeEngage = Engage
) -> list[Difference]:
    """Everything in which the target does not do what the scenario expects; empty if it conforms.

    `engage` makes the Engage of a scenario that has one. Raises EngineError if the mock fails.
    """
    _prepare(scenario, mock)
    setup = Setup(
        scenario.settings,
        scenario.mode,
        scenario.rules,
        mock.base_urls,
        wait=mock.advance,
        delivery=scenario.delivery,
    )
    try:
        session = target.open(setup)
        if scenario.engage:
            session = EngagedSession(session, scenario.engage, setup, engage)
    except SettingsRefused as error:
        return _settings_refused(scenario, str(error)) + _compare_requests(scenario, mock)
    if scenario.expect.settings_error is not None:
        session.close()
        name = scenario.expect.settings_error
        return [Difference("settings_error", Kind.MISSING, name, note="the settings were accepted")]
    try:
        answers, differences = _feed(scenario, session, mock)
    except TargetFailed as error:
        return [Difference("target", Kind.UNEXPECTED, actual=str(error))]
    finally:
        session.close()
    placeholders = Placeholders()
    return [
        *differences,
        *_compare_requests(scenario, mock, placeholders),
        *_compare_answers(scenario, answers),
        *_compare_state(scenario, mock, placeholders),
    ]


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


def _settings_refused(scenario: Scenario, text: str) -> list[Difference]:
    expected = scenario.expect.settings_error
    if expected is None:
        return [Difference("settings_error", Kind.UNEXPECTED, actual=text)]
    if repr(expected) in text:
        return []
    return [Difference("settings_error", Kind.CHANGED, expected, text)]


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
    scenario: Scenario, mock: Mock, placeholders: Placeholders | None = None
) -> list[Difference]:
    return compare_sequence("requests", scenario.expect.requests, received(mock), placeholders)


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


def _compare_answers(scenario: Scenario, answers: list[Answer]) -> list[Difference]:
    skipped = [
        ({"message": index, "code": reason.code}, reason.text)
        for index, answer in enumerate(answers)
        for reason in answer.skipped
    ]
    errors = [
        ({"message": index, "code": answer.error.code}, answer.error.text)
        for index, answer in enumerate(answers)
        if answer.error
    ]
    undelivered = [
        ({"message": index, "endpoint": lost.endpoint}, lost.text)
        for index, answer in enumerate(answers)
        for lost in answer.undelivered
    ]
    return [
        *_compare_reasons("skipped", scenario.expect.skipped, skipped),
        *_compare_reasons("errors", scenario.expect.errors, errors),
        *_compare_reasons("undelivered", scenario.expect.undelivered, undelivered),
    ]


def _compare_reasons(
    path: str, expected: list[Json], found: list[tuple[Json, str]]
) -> list[Difference]:
    """Compare what was answered; the words that came with it help a person only."""
    differences = compare_sequence(path, expected, [item for item, _ in found])
    words = "\n".join(f"message {item['message']} said: {text}" for item, text in found)
    return [dataclasses.replace(difference, note=words) for difference in differences]


def _compare_state(scenario: Scenario, mock: Mock, placeholders: Placeholders) -> list[Difference]:
    differences: list[Difference] = []
    token = scenario.settings["token"]
    for section, expected in {"rejected": [], **scenario.expect.state}.items():
        path = f"state.{section}"
        if section == "rejected":
            views = [
                {"endpoint": item["endpoint"], "reasons": item["reasons"]}
                for item in mock.rejected()
            ]
            differences += compare_sequence(path, expected, views)
        elif section == "events":
            views = _event_views(expected, mock.state(section, token))
            differences += compare_sequence(path, expected, views, placeholders)
        else:
            view = _VIEWS[section](mock.state(section, token))
            differences += compare(path, _DEFAULTS.get(section, {}) | expected, view)
    return differences


def _event_views(expected: list[Json], events: list[Json]) -> list[Json]:
    """Each event with the keys that the scenario gives for the one at its place."""
    always = {"event", "distinct_id"}
    return [
        {
            key: event[key]
            for key in sorted(always | (expected[index].keys() if index < len(expected) else set()))
        }
        for index, event in enumerate(events)
    ]


def _profiles(profiles: list[Json]) -> Json:
    return {profile["distinct_id"]: profile["properties"] for profile in profiles}


def _groups(groups: list[Json]) -> Json:
    view: Json = {}
    for group in groups:
        view.setdefault(group["group_key"], {})[group["group_id"]] = group["properties"]
    return view


def _identities(identities: Json) -> Json:
    people = [sorted(cluster["ids"]) for cluster in identities["clusters"]]
    return {
        "clusters": sorted(ids for ids in people if len(ids) > 1),
        "split": sorted(split["alias"] for split in identities["split_profiles"]),
    }


_VIEWS: Mapping[str, Callable[[Any], Json]] = {
    "profiles": _profiles,
    "groups": _groups,
    "identities": _identities,
}
_DEFAULTS: Mapping[str, Json] = {"identities": {"clusters": [], "split": []}}
