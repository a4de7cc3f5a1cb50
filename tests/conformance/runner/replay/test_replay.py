"""The engine: what a scenario's expectations are compared with, and what a failure says."""

from typing import Any

import pytest

from conformance.errors import DataError
from conformance.runner.compare import Difference, Kind
from conformance.runner.mock import Mock
from conformance.runner.replay.replay import replay
from conformance.runner.run import run_scenario
from conformance.targets.builtin import Builtin
from tests.conformance.one_scenario import parse_one
from translator import Result, translate

HEAD = """
id: alias/sample
title: A title
why: A reason
level: must
source: [doc#alias]
"""
SIGNED_UP = """
settings: {token: T, apiSecret: S}
steps:
  - messages:
      - {type: track, messageId: m1, event: Signed Up, userId: u-1, timestamp: 2026-06-15T12:00:00Z}
"""
REQUEST = """
expect:
  requests:
    - endpoint: /track
      record:
        event: Signed Up
        properties: {distinct_id: u-1, id: u-1, time: 1781524800, token: T,
          mp_lib: "Segment: unknown", mp_name_tag: u-1, $insert_id: <insert_id>}
"""
ALIAS = """
settings: {token: T}
project: {alias_delay: 5}
delivery: {alias: none}
steps:
  - messages: [{type: alias, messageId: m1, previousId: anon-1, userId: u-1}]
  - WHAT
  - messages: [{type: identify, messageId: m2, userId: u-1, context: {active: false}}]
expect:
  requests:
    - endpoint: /track
      record: {event: $create_alias, properties: {token: T, distinct_id: anon-1, alias: u-1}}
    - endpoint: /engage
      record: {$token: T, $distinct_id: u-1, $time: TIME, $ip: 0, $ignore_time: true,
        mp_lib: "Segment: unknown", $set: {id: u-1}}
  state:
"""


def differences(text: str, mock: Mock, translate: Any = translate) -> list[Difference]:
    scenario = parse_one(HEAD + text, "alias/sample.yaml")
    return replay(scenario, Builtin(translate), mock)


def test_conforming(mock: Mock) -> None:
    """Where everything is as expected nothing is reported."""
    assert differences(SIGNED_UP + REQUEST, mock) == []


def test_each_replay_starts_anew(mock: Mock) -> None:
    """Nothing of an earlier scenario is left in the mock."""
    assert differences(SIGNED_UP + REQUEST, mock) == []
    assert differences(SIGNED_UP + REQUEST, mock) == []


def test_a_wrong_property(mock: Mock) -> None:
    """A difference in a record has its path in the expectation."""
    found = differences(SIGNED_UP + REQUEST.replace("id: u-1, time", "id: u-2, time"), mock)
    assert found == [Difference("requests[0].record.properties.id", Kind.CHANGED, "u-2", "u-1")]


def test_the_region_counts(mock: Mock) -> None:
    """A record in the wrong residency is a difference even if all else is right."""
    text = SIGNED_UP.replace("apiSecret: S", "enableEuropeanUnionEndpoint: true")
    found = differences(text + REQUEST, mock)
    assert found == [Difference("requests[0].region", Kind.CHANGED, "us", "eu")]


def test_an_import_is_authorised(mock: Mock) -> None:
    """The project's secret is the apiSecret, so an old event is stored."""
    then = ("2026-06-15T12:00:00Z", "2026-06-01T12:00:00Z")
    expected = REQUEST.replace("/track", "/import").replace("1781524800", "1780315200")
    state = "  state: {events: [{event: Signed Up, distinct_id: u-1, time: 1780315200}]}\n"
    assert differences(SIGNED_UP.replace(*then) + expected + state, mock) == []


def test_a_refused_record_is_a_difference(mock: Mock) -> None:
    """Refused records are reported even if the scenario does not mention them."""
    text = SIGNED_UP + "project: {secret: another}\n" + REQUEST.replace("/track", "/import")
    text = text.replace("2026-06-15", "2026-06-01").replace("1781524800", "1780315200")
    found = differences(text, mock)
    assert [difference.path for difference in found] == ["state.rejected[0]"]
    assert found[0].actual["endpoint"] == "/import"


@pytest.mark.parametrize(
    ("waiting", "time", "identities", "profiles"),
    [
        ("advance: 5", 1781524805000, "{clusters: [[anon-1, u-1]]}", "{anon-1: {id: u-1}}"),
        ("flush: true", 1781524800000, "{split: [u-1]}", "{u-1: {id: u-1}}"),
    ],
)
def test_steps_move_the_clock(
    waiting: str, time: int, identities: str, profiles: str, mock: Mock
) -> None:
    """An alias that had time to propagate makes one person, one that had none makes two."""
    text = ALIAS.replace("WHAT", waiting).replace("TIME", str(time))
    text += f"    identities: {identities}\n    profiles: {profiles}\n"
    assert differences(text, mock) == []


def test_state_is_compared_whole(mock: Mock) -> None:
    """A profile that should not be there, and one property too few, are differences."""
    text = ALIAS.replace("WHAT", "advance: 5").replace("TIME", "1781524805000")
    found = differences(text + "    profiles: {anon-1: {}, u-2: {}}\n", mock)
    assert [
        Difference(one.path.replace('["anon-1"]', ".anon-1").replace('["u-2"]', ".u-2"), one.kind,
                   one.expected, one.actual)
        for one in found
    ] == [
        Difference("state.profiles.anon-1.id", Kind.UNEXPECTED, actual="u-1"),
        Difference("state.profiles.u-2", Kind.MISSING, {}),
    ]  # fmt: skip


def test_reasons_come_with_their_words(mock: Mock) -> None:
    """An unexpected skip is shown with its reason."""
    text = """
settings: {token: T}
steps: [{messages: [{type: page, messageId: m1, userId: u-1, name: Home}]}]
expect: {requests: []}
"""
    found = differences(text, mock)
    assert [one.actual for one in found] == [{"message": 0, "code": "page_not_selected"}]
    assert "no page option selects this page call" in found[0].note


def test_raw_lines(mock: Mock) -> None:
    """A line that is not JSON is answered by the translator's own reader."""
    text = """
settings: {token: T}
steps: [{lines: ['{"type":', '{"type": "track", "event": "A", "properties": {"x": NaN}}', '[]']}]
expect:
  requests: []
  errors:
    - {message: 0, code: not_json}
    - {message: 1, code: invalid_value}
    - {message: 2, code: not_an_object}
"""
    assert differences(text, mock) == []


def test_settings_that_are_refused(mock: Mock) -> None:
    """The error must name the key that the scenario names."""
    text = """
settings: {token: T, peple: true}
steps: [{messages: [{type: track}]}]
expect: {settings_error: NAME, requests: []}
"""
    assert differences(text.replace("NAME", "peple"), mock) == []
    assert [one.path for one in differences(text.replace("NAME", "token"), mock)] == [
        "settings_error"
    ]
    missing = differences(text.replace("NAME", "x").replace("peple", "people"), mock)
    assert [Difference("settings_error", Kind.MISSING, "x", note="the settings were accepted")] == (
        missing
    )


def test_a_changed_input_is_a_difference(mock: Mock) -> None:
    """A translator must leave the caller's message as it was."""

    def marking(message: Any, settings: Any, **options: Any) -> Result:
        message["_seen"] = True
        return translate(message, settings, **options)

    found = differences(SIGNED_UP + REQUEST, mock, marking)
    assert found == [Difference("messages[0]._seen", Kind.UNEXPECTED, actual=True)]


def test_a_crash_is_a_failure_not_the_end(mock: Mock) -> None:
    """A translator that raises fails its scenario."""

    def crashing(message: Any, settings: Any, **options: Any) -> Result:
        raise KeyError("traits")

    found = differences(SIGNED_UP + REQUEST, mock, crashing)
    assert [difference.path for difference in found] == ["target"]
    assert "translate raised KeyError('traits')" in found[0].actual


def test_what_was_not_delivered_is_a_difference(mock: Mock) -> None:
    """A record that the sender gives up on is reported with its reason, not passed over."""

    def importing(message: Any, settings: Any, **options: Any) -> Result:
        result = translate(message, settings, **options)
        imported = [each._replace(endpoint="/import") for each in result.operations]
        return result._replace(operations=tuple(imported))

    text = SIGNED_UP.replace(", apiSecret: S", "") + "expect: {requests: []}\n"
    found = differences(text, mock, importing)
    actual = {"message": 0, "endpoint": "/import"}
    assert [(one.path, one.actual) for one in found] == [("undelivered[0]", actual)]
    assert "/import needs the project's API secret" in found[0].note
    accepted = "undelivered: [{message: 0, endpoint: /import}]"
    text = text.replace("requests: []", f"requests: [], {accepted}")
    assert differences(text, mock, importing) == []


def test_an_unknown_host_is_a_failure(mock: Mock) -> None:
    """Nothing is sent to a host that the mock does not stand for."""

    def elsewhere(message: Any, settings: Any, **options: Any) -> Result:
        result = translate(message, settings, **options)
        moved = [each._replace(host="https://api.example") for each in result.operations]
        return result._replace(operations=tuple(moved))

    found = differences(SIGNED_UP + REQUEST, mock, elsewhere)
    assert [difference.path for difference in found] == ["target"]
    assert "https://api.example" in found[0].actual


def test_a_wrong_project_option_is_the_scenarios_mistake(mock: Mock) -> None:
    """It is a data error that names the scenario, not a failure of the engine."""
    with pytest.raises(DataError, match=r"alias/sample: project: .*alias_dely"):
        differences(SIGNED_UP + "project: {alias_dely: 5}\n" + REQUEST, mock)


def test_failure_text(mock: Mock) -> None:
    """A failing scenario says what it is about, why it matters, where it comes from."""
    text = HEAD + SIGNED_UP + REQUEST.replace("id: u-1, time", "id: u-2, time")
    scenario = parse_one(text, "alias/sample.yaml")
    outcome = run_scenario(scenario, Builtin(), mock)
    assert outcome.text() == (
        "FAIL  alias/sample  must  A title\n"
        "  why: A reason\n"
        "  source: doc#alias\n"
        "  requests[0].record.properties.id\n"
        '      expected  "u-2"\n'
        '      actual    "u-1"'
    )


def test_a_wrong_fault_is_the_scenarios_mistake(mock: Mock) -> None:
    """A rule that the mock refuses is not counted as the translator's fault."""
    faults = "faults: [{match: {pth: /track}, action: {status: 503}}]\n"
    with pytest.raises(DataError, match=r"alias/sample: faults: .*pth"):
        differences(SIGNED_UP + faults + REQUEST, mock)
