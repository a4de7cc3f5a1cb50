"""Which records may share an answer with others, and which must not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_mixpanel.ingest.verdicts.validation import (
    alias_problems,
    event_problems,
    group_problems,
    profile_problems,
)
from mock_mixpanel.projects.config import MixpanelLimits
from tests.translator.sender.build import NOW, US, event, update
from translator.core.operations import Operation
from translator.sender.queue.batch_safety import (
    is_idempotent,
    may_be_dropped_silently,
)
from translator.sender.queue.event_age import too_old_for_track
from translator.sender.queue.payload_text import encode

DAY = 86400


def alone(operation: Operation) -> bool:
    return may_be_dropped_silently(operation, len(encode(operation.payload)), NOW * 1000)


def group(**payload: Any) -> Operation:
    start = {"$token": "T", "$group_key": "company", "$group_id": "acme"}
    return Operation("/groups", US, {**start, **payload})


def stranger(**properties: Any) -> Operation:
    return Operation("/track", US, {"event": "A", "properties": {"token": "T", **properties}})


def alias(**properties: Any) -> Operation:
    return Operation(
        "/track", US, {"event": "$create_alias", "properties": {"token": "T", **properties}}
    )


SOUND = [
    event("A", time=NOW),
    event("A", distinct_id="", time=NOW + 10 * DAY),
    event("A", distinct_id=7, time=NOW * 1000 - 4 * DAY * 1000),
    event("A", list=[1] * 254, object={"a": {"b": {"c": 1}}}),
    alias(distinct_id="dev-1", alias="ann"),
    update("ann", "$set", {"plan": "pro"}),
    update("ann", "$union", {"tags": ["a"]}),
    update("ann", "$unset", ["plan"]),
    group(**{"$set": {"plan": "pro"}}),
    event("A", "/import", distinct_id="null"),
]
DOUBTFUL = [
    event(""),
    event("$merge"),
    event("A", token=""),
    event("A", distinct_id="null"),
    event("A", distinct_id=None),
    event("A", time=NOW - 5 * DAY + 3599),
    event("A", time="yesterday"),
    event("A", **{"$insert_id": "x" * 37}),
    event("A", **{"$insert_id": "no_good"}),
    stranger(**{"$insert_id": None}),
    stranger(**{"$insert_id": "id", "$ignore": True}),
    event("A", list=[1] * 255),
    event("A", object={"a": {"b": {"c": {"d": 1}}}}),
    stranger(**{"$insert_id": "id"}, **{f"p{n}": n for n in range(255)}),
    event("A", text="x" * 1_000_000),
    alias(distinct_id="ann", alias="ann"),
    alias(distinct_id="ann"),
    Operation("/track", US, {"event": "A"}),
    update("", "$set", {"plan": "pro"}),
    update("ann", "$set", None),
    update("ann", "$union", {"tags": "a"}),
    update("ann", "$union", {"tags": []}),
    update("ann", "$unset", "plan"),
    Operation("/engage", US, {"$token": "T", "$distinct_id": "ann"}),
    Operation("/engage", US, {"$token": "T", "$distinct_id": "ann", "$set": {}, "$unset": []}),
    group(**{"$group_id": "", "$set": {}}),
    group(**{"$distinct_id": "ann", "$set": {}}),
]


@pytest.mark.parametrize("operation", SOUND)
def test_sound(operation: Operation) -> None:
    """What keeps every documented limit may share a request."""
    assert not alone(operation)


@pytest.mark.parametrize("operation", DOUBTFUL)
def test_doubtful(operation: Operation) -> None:
    """What Mixpanel might drop behind a good record has an answer of its own."""
    assert alone(operation)


texts = st.sampled_from(["", "ann", "null", "x" * 40, "7", "$merge", "$create_alias"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)
times = st.none() | st.integers(0, 2 * int(NOW)) | texts
properties = st.fixed_dictionaries(
    {"token": texts},
    optional={
        **dict.fromkeys(("distinct_id", "alias", "$insert_id", "$ignore", "a", "b"), values),
        "time": times,
    },
)
names = ("$token", "$distinct_id", "$group_key", "$group_id", "$set", "$set_once", "$union")
updates = st.fixed_dictionaries({}, optional=dict.fromkeys((*names, "$unset", "$delete"), values))


@given(st.fixed_dictionaries({}, optional={"event": texts, "properties": properties}))
def test_no_event_is_dropped_behind_another(payload: dict[str, Any]) -> None:
    """Whatever the mock finds wrong with an event, the check flags it."""
    problems = list(event_problems(payload, "/track", NOW, MixpanelLimits()))
    if not problems and payload["event"] == "$create_alias":
        problems = list(alias_problems(payload))
    assert not problems or alone(Operation("/track", US, payload))


@given(updates)
def test_no_update_is_dropped_behind_another(payload: dict[str, Any]) -> None:
    """Whatever the mock finds wrong with a profile or group update, the check flags it."""
    for endpoint, problems in (("/engage", profile_problems), ("/groups", group_problems)):
        found = list(problems(payload, MixpanelLimits()))
        assert not found or alone(Operation(endpoint, US, payload))


@pytest.mark.parametrize(
    ("expected", "operation"),
    [
        (True, update("ann", "$set", {"a": 1})),
        (True, update("ann", "$set_once", {"a": 1})),
        (True, update("ann", "$union", {"a": [1]})),
        (True, update("ann", "$unset", ["a"])),
        (True, update("ann", "$delete", "")),
        (False, update("ann", "$add", {"a": 1})),
        (False, update("ann", "$append", {"a": 1})),
        (False, update("ann", "$remove", {"a": 1})),
        (False, group(**{"$append": {}})),
        (True, Operation("/engage", US, {"$set": {}, "$ip": 0, "mp_lib": "Segment: x"})),
        (True, event("A")),
        (True, event("A", "/import")),
        (False, Operation("/track", US, {"event": "A", "properties": {"token": "T"}})),
        (False, stranger(**{"$insert_id": None})),
        (True, alias()),
        (True, Operation("/track", US, {"event": "$identify", "properties": {}})),
    ],
)
def test_repeatable(expected: bool, operation: Operation) -> None:
    """Only what Mixpanel stores once, however often it comes, may be sent again."""
    assert is_idempotent(operation) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(5 * DAY, False), (5 * DAY + 1, True)])
def test_too_old_for_track(seconds: int, expected: bool) -> None:
    """An event of more than five days no longer belongs to /track."""
    assert too_old_for_track(event("A", time=NOW - seconds), NOW * 1000) == expected
    assert not too_old_for_track(event("A", "/import", time=NOW - seconds), NOW * 1000)
