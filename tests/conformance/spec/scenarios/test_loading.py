"""Scenario files: reading them, and reports of mistakes."""

import pytest

from conformance.errors import DataError
from conformance.spec.scenarios.loading import RawLine, collect, load_scenarios, parse_scenarios
from tests.conformance.one_scenario import parse_one

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
        parse_scenarios(text, path)
    return str(caught.value)


def test_messages_keep_what_json_would_keep() -> None:
    """Times and words that YAML likes to convert stay text, and a message may be any value."""
    steps = parse_one(GOOD, "track/minimal.yaml").steps
    timestamp = "2026-06-15T12:00:00Z"
    assert steps[0].messages == ({"type": "track", "timestamp": timestamp}, "not an object", None)


def test_steps_in_order() -> None:
    """A step is messages, an advance in seconds, raw lines, or a flush."""
    steps = parse_one(GOOD, "track/minimal.yaml").steps
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
    assert parse_one(GOOD, "track/minimal.yaml").expect.requests == [request]


def test_tags_come_from_what_is_known() -> None:
    """Folder, level, mode and rules are tags without being written down."""
    scenario = parse_one(changed("level: must", "level: must\ntags: [x]"), "track/minimal.yaml")
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
        ("level: must", "level: must\nlevel: info", "the key 'level' appears twice"),
        ("doc#track", "doc#trak", "there is no heading of the doc 'trak'; did you mean 'track'?"),
        ("doc#track", "capture:cloud-s-001", "there is no capture 'cloud-s-001'; did you mean"),
        (
            "doc#track",
            "docs/facts/cloud-clasic.md#traits",
            "there is no page of facts 'docs/facts/cloud-clasic.md'; "
            "did you mean 'docs/facts/cloud-classic.md'?",
        ),
        (
            "doc#track",
            "docs/facts/cloud-classic.md#trait",
            "there is no heading of docs/facts/cloud-classic.md 'trait'; did you mean 'traits'?",
        ),
        (
            "doc#track",
            "docs/facts/cloud-classic.md",
            "cited with its heading, like docs/facts/cloud-classic.md#wire-format",
        ),
        ("doc#track", "facts/cloud-classic#4", "a fact is cited by its page and heading"),
        ("doc#track", "heard somewhere", "a source is doc#slug, capture:ID"),
        ("advance: 5", "advance: -5", "steps[1].advance: -5 is less than or equal to the minimum"),
        ("12:34", "[", "line 13, column 55: not valid YAML: expected the node content"),
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
        "docs/facts/mixpanel-http-api.md#track-responses",
        "rudderlabs/rudder-transformer#2395",
        "decision:future-timestamps",
        "unsourced",
    )
    text = changed("[doc#track]", f"[{', '.join(f'{source!r}' for source in sources)}]")
    assert sources == parse_one(text, "track/minimal.yaml").source


def test_all_scenarios_load() -> None:
    """Every scenario of the package is well formed, and ids are unique."""
    ids = [scenario.id for scenario in load_scenarios()]
    assert sorted(set(ids)) == ids
    assert len(ids) >= 10


VARIANTS = """
title: A title
level: must
source: [doc#track]
tags: [shared]
settings: {token: T}
steps:
  - messages: [{type: track}]
variants:
  - id: track/both
    expect: {requests: []}
  - id: track/both-observed
    title: Another title
    rules: observed
    source: [capture:cloud-s-001-track-basic]
    settings: {token: U}
    expect: {requests: [], errors: [{message: 0, code: x}]}
"""


def test_variants_share_the_keys_beside_them() -> None:
    """Each variant is a scenario; its own keys replace the shared ones as a whole."""
    first, second = parse_scenarios(VARIANTS, "track/both.yaml")
    assert (first.id, first.title, first.rules, first.source, first.settings) == (
        "track/both",
        "A title",
        "documented",
        ("doc#track",),
        {"token": "T"},
    )
    assert (second.id, second.title, second.rules, second.source, second.settings) == (
        "track/both-observed",
        "Another title",
        "observed",
        ("capture:cloud-s-001-track-basic",),
        {"token": "U"},
    )
    assert (first.steps, first.file) == (second.steps, second.file)
    assert second.expect.errors == [{"message": 0, "code": "x"}]
    assert "variants" not in first.given


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("track/both\n", "page/both\n", "variants[0] (page/both): id: 'page/both' does not begin"),
        ("  - id: track/both-observed\n    title", "  - title", "variants[1]: 'id' is a required"),
        ("rules: observed", "rules: seen", "variants[1] (track/both-observed): rules: 'seen' is"),
        ("level: must", "", "variants[0] (track/both): the variant: 'level' is a required"),
        ("level: must", "level: must\nid: track/x", "id: stands in each variant"),
        ("message: 0", "message: 1", "variants[1] (track/both-observed): expect.errors[0]: there"),
    ],
)
def test_a_mistake_in_a_variant_is_named(old: str, new: str, expected: str) -> None:
    """A mistake names the variant by its place and id."""
    assert old in VARIANTS
    text = mistake(VARIANTS.replace(old, new), "track/both.yaml")
    assert f"track/both.yaml: {expected}" in text


def test_an_id_names_one_scenario() -> None:
    """Two scenarios with one id are a mistake that names both files."""
    once = parse_scenarios(GOOD, "track/minimal.yaml")
    with pytest.raises(DataError) as caught:
        collect([("track/minimal.yaml", lambda: once), ("track/other.yaml", lambda: once)])
    assert str(caught.value) == (
        "track/other.yaml: id: 'track/minimal' is also the id of one in track/minimal.yaml"
    )
