"""Scenario files: what is read, and how a mistake is reported."""

import pytest

from conformance.errors import DataError
from conformance.spec.loading import RawLine, load_scenarios, parse_scenario

GOOD = """
id: track/minimal
title: A title
level: must
source: [doc#track]
settings: {token: T}
steps:
  - messages: [{type: track, timestamp: 2026-06-15T12:00:00Z}, not an object, null]
  - advance: 5
  - lines: ['{"a": NaN}']
  - flush: true
expect:
  requests: [{endpoint: /engage, record: {$set: {at: 12:34, no: yes}}}]
"""


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def mistake(text: str, path: str = "track/minimal.yaml") -> str:
    with pytest.raises(DataError) as caught:
        parse_scenario(text, path)
    return str(caught.value)


def test_messages_keep_what_json_would_keep() -> None:
    """Times and words that YAML likes to convert stay text, and a message may be any value."""
    steps = parse_scenario(GOOD, "track/minimal.yaml").steps
    timestamp = "2026-06-15T12:00:00Z"
    assert steps[0].messages == ({"type": "track", "timestamp": timestamp}, "not an object", None)


def test_steps_in_order() -> None:
    """A step is messages, an advance in seconds, raw lines, or a flush."""
    steps = parse_scenario(GOOD, "track/minimal.yaml").steps
    seen = [(step.messages, step.advance, step.flush) for step in steps[1:]]
    assert seen == [((), 5, False), ((RawLine('{"a": NaN}'),), 0, False), ((), 0, True)]


def test_request_defaults() -> None:
    """A request is to the US and without geolocation unless the scenario says otherwise."""
    request = {
        "endpoint": "/engage",
        "region": "us",
        "ip": "0",
        "record": {"$set": {"at": "12:34", "no": "yes"}},
    }
    assert parse_scenario(GOOD, "track/minimal.yaml").expect.requests == [request]


def test_tags_come_from_what_is_known() -> None:
    """Folder, level, mode and rules are tags without being written down."""
    scenario = parse_scenario(
        changed("level: must", "level: must\ntags: [x]"), "track/minimal.yaml"
    )
    assert scenario.tags == {"track", "must", "cloud", "documented", "x"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("title:", "titel:", "the scenario: unknown key 'titel'; did you mean 'title'?"),
        ("requests:", "request:", "expect: unknown key 'request'; did you mean 'requests'?"),
        ("- messages:", "- message:", "steps[0]: unknown key 'message'; did you mean 'messages'?"),
        ("endpoint:", "endpiont:", "unknown key 'endpiont'; did you mean 'endpoint'?"),
        ("/engage", "/enrage", "expect.requests[0].endpoint: '/enrage' is not one of"),
        ("track/minimal", "track/maximal", "id: is 'track/maximal', but the file is called"),
        ("level: must", "level: must\nlevel: info", "the key 'level' is there twice"),
        ("doc#track", "doc#trak", "there is no heading of the doc 'trak'; did you mean 'track'?"),
        ("doc#track", "capture:cloud-s-001", "there is no capture 'cloud-s-001'; did you mean"),
        ("doc#track", "facts/cloud-clasic#4", "did you mean 'cloud-classic'?"),
        ("doc#track", "facts/cloud-classic", "a fact is cited with its section"),
        ("doc#track", "heard somewhere", "a source is doc#slug, capture:ID"),
        ("advance: 5", "advance: -5", "steps[1].advance: -5 is less than or equal to the minimum"),
        ("12:34", "[", "line 13, column 55: expected the node content"),
        ("expect:", "expect:\n  errors: [{message: 4, code: x}]", "there are only 4 messages"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, expected: str) -> None:
    """A mistake is an error with the file, the place and the nearest known word."""
    text = mistake(changed(old, new))
    assert text.startswith("track/minimal.yaml: ")
    assert expected in text


def test_every_source_kind_is_accepted() -> None:
    """All documented kinds of sources can be cited."""
    sources = (
        "doc#insert-id",
        "capture:cloud-s-001-track-basic",
        "facts/mixpanel-http-api#1.5",
        "rudderlabs/rudder-transformer#2395",
        "decision:future-timestamps",
        "unsourced",
    )
    text = changed("[doc#track]", f"[{', '.join(f'{source!r}' for source in sources)}]")
    assert sources == parse_scenario(text, "track/minimal.yaml").source


def test_all_scenarios_load() -> None:
    """Every scenario of the package is well formed, and ids are unique."""
    ids = [scenario.id for scenario in load_scenarios()]
    assert sorted(set(ids)) == ids
    assert len(ids) >= 10
