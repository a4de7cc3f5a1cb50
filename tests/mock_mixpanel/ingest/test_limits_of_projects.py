"""Limits as options of a project, and how much a project may send in a minute."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from mock_mixpanel.client import ControlCallError, MockMixpanel
from tests.mock_mixpanel.wire import (
    NOW,
    NOW_SECONDS,
    event,
    good_import,
    group_update,
    http,
    names,
    reasons,
    send,
    update,
)

OWN: dict[str, tuple[dict[str, int], dict[str, Any], dict[str, Any], str]] = {
    "properties": ({"properties": 2}, {"a": 1}, {"a": 1, "b": 2}, "properties: more than 2"),
    "keys": (
        {"keys": 1},
        {"a": {"b": 1}},
        {"a": {"b": 1, "c": 2}},
        "properties.a: more than 1 keys",
    ),
    "elements": ({"elements": 1}, {"a": [1]}, {"a": [1, 2]}, "properties.a: more than 1 elements"),
    "depth": (
        {"depth": 1},
        {"a": {"b": 1}},
        {"a": {"b": {}}},
        "properties.a: nested deeper than 1 levels",
    ),
    "record_bytes": (
        {"record_bytes": 150},
        {"a": 1},
        {"a": "x" * 100},
        "record: larger than 150 bytes",
    ),
    "track_age": (
        {"track_age": 86400},
        {"time": NOW_SECONDS - 86400},
        {"time": NOW_SECONDS - 86401},
        "time: older than 1 days",
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_own_limit(mock_mixpanel: MockMixpanel, name: str) -> None:
    """A project's own limit holds for its events: at it is stored, beyond it is refused."""
    limits, allowed, refused, reason = OWN[name]
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(limits=limits)
    send(mock_mixpanel, "/track", [event(mock_mixpanel, "At", **allowed)])
    send(mock_mixpanel, "/track", [event(mock_mixpanel, "Beyond", **refused)])
    assert names(mock_mixpanel) == ["At"]
    assert reasons(mock_mixpanel) == [[reason]]


def test_other_projects_keep_theirs(mock_mixpanel: MockMixpanel) -> None:
    """The limit of one project is not that of another, in the same request."""
    mock_mixpanel.project(limits={"properties": 1})
    theirs = event(mock_mixpanel, a=1)
    theirs["properties"]["token"] = f"{mock_mixpanel.token}-other"
    send(mock_mixpanel, "/track", [event(mock_mixpanel, a=1), theirs])
    url = f"{mock_mixpanel.url}/_mock/events?token={mock_mixpanel.token}-other"
    assert (len(mock_mixpanel.events()), len(http("GET", url).json())) == (0, 1)


@pytest.mark.parametrize(
    ("limits", "value", "status"),
    [
        ({"import_future": 60}, {"time": NOW_SECONDS + 60}, 200),
        ({"import_future": 60}, {"time": NOW_SECONDS + 61}, 400),
        ({"import_earliest": 1000}, {"time": 1000}, 200),
        ({"import_earliest": 1000}, {"time": 999}, 400),
        ({"insert_id_bytes": 4}, {"$insert_id": "abcd"}, 200),
        ({"insert_id_bytes": 4}, {"$insert_id": "abcde"}, 400),
    ],
)
def test_own_limits_of_imports(
    mock_mixpanel: MockMixpanel, limits: dict[str, int], value: dict[str, Any], status: int
) -> None:
    """The limits of a strict import are options too."""
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(limits=limits)
    records = [good_import(mock_mixpanel, **value)]
    assert status == send(mock_mixpanel, "/import?strict=1", records).status_code


def test_own_cut(mock_mixpanel: MockMixpanel) -> None:
    """Texts are cut at the project's own length, also those stored before it was set."""
    send(mock_mixpanel, "/track", event(mock_mixpanel, a="123456789"))
    assert mock_mixpanel.events()[0]["properties"]["a"] == "123456789"
    mock_mixpanel.project(limits={"string_characters": 4})
    assert mock_mixpanel.events()[0]["properties"]["a"] == "1234"


def test_own_profile_size(mock_mixpanel: MockMixpanel) -> None:
    """How many properties a profile may have is an option."""
    mock_mixpanel.project(limits={"profile_properties": 1})
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"a": 1}))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"b": 1}))
    assert mock_mixpanel.profiles() == {"u-1": {"a": 1}}
    assert reasons(mock_mixpanel) == [["properties: the profile would have more than 1"]]


RECORDS: dict[str, Callable[[MockMixpanel], Any]] = {
    "/track": event,
    "/import": event,
    "/engage": lambda mock: update(mock, set={}),
    "/groups": lambda mock: group_update(mock, set={}),
}


@pytest.mark.parametrize("path", RECORDS)
def test_own_number_of_records(mock_mixpanel: MockMixpanel, path: str) -> None:
    """A request with more records than its project allows is a 413, and nothing is stored."""
    mock_mixpanel.project(limits={"records": 2})
    record = RECORDS[path](mock_mixpanel)
    assert send(mock_mixpanel, path, [record] * 2).status_code == 200
    assert send(mock_mixpanel, path, [record] * 3).status_code == 413
    assert reasons(mock_mixpanel) == [["request: more than 2 records"]] * 3


@pytest.mark.parametrize("packed", [False, True])
def test_own_body_size(mock_mixpanel: MockMixpanel, packed: bool) -> None:
    """A body larger than its project allows, before or after unpacking, is a 413."""
    mock_mixpanel.project(limits={"body_bytes": 1000})
    for size, status in ((1000, 200), (1001, 413)):
        body = json.dumps([event(mock_mixpanel)]).encode()
        body += b" " * (size - len(body))
        headers = {"Content-Type": "application/json"}
        if packed:
            body, headers = gzip.compress(body), headers | {"Content-Encoding": "gzip"}
        answer = http("POST", f"{mock_mixpanel.url}/import", data=body, headers=headers)
        assert status == answer.status_code
    assert reasons(mock_mixpanel) == [["body: larger than 1000 bytes"]]


@pytest.mark.parametrize("path", RECORDS)
def test_rate_of_records(mock_mixpanel: MockMixpanel, path: str) -> None:
    """More records in a minute than the project may send are a 429; a minute later they pass."""
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(limits={"rate_records": 3})
    record = RECORDS[path](mock_mixpanel)
    sent = [send(mock_mixpanel, path, [record] * count).status_code for count in (2, 2, 1, 1)]
    assert sent == [200, 429, 200, 429]
    assert reasons(mock_mixpanel) == [["rate: more than 3 records in 60 seconds"]] * 3
    mock_mixpanel.advance(60)
    assert send(mock_mixpanel, path, [record] * 3).status_code == 200


def test_rate_rolls(mock_mixpanel: MockMixpanel) -> None:
    """The minute is a rolling one: what was sent leaves it piece by piece."""
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(limits={"rate_records": 2})
    found = []
    for seconds in (0, 30, 29, 1, 29, 1):
        mock_mixpanel.advance(seconds)
        found.append(send(mock_mixpanel, "/track", event(mock_mixpanel)).status_code)
    assert found == [200, 200, 429, 200, 429, 200]


def test_rate_of_bytes(mock_mixpanel: MockMixpanel) -> None:
    """Bytes are counted uncompressed."""
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(limits={"rate_bytes": 1500, "rate_seconds": 10})
    body = json.dumps([event(mock_mixpanel)]).encode()
    data = gzip.compress(body + b" " * (1000 - len(body)))
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    found = [
        http("POST", f"{mock_mixpanel.url}/track", data=data, headers=headers).status_code
        for _ in range(2)
    ]
    assert found == [200, 429]
    assert reasons(mock_mixpanel) == [["rate: more than 1500 bytes in 10 seconds"]]


def test_rate_is_the_projects(mock_mixpanel: MockMixpanel) -> None:
    """Another project goes on, and after a reset this one does too."""
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(limits={"rate_records": 1})
    theirs = event(mock_mixpanel)
    theirs["properties"]["token"] = f"{mock_mixpanel.token}-other"
    ours = event(mock_mixpanel)
    assert [
        send(mock_mixpanel, "/track", record).status_code for record in (ours, ours, theirs)
    ] == [200, 429, 200]
    mock_mixpanel.reset()
    mock_mixpanel.project(limits={"rate_records": 1})
    assert send(mock_mixpanel, "/track", ours).status_code == 200


def test_rate_off_again(mock_mixpanel: MockMixpanel) -> None:
    """Null takes the limit away."""
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(limits={"rate_records": 0})
    assert send(mock_mixpanel, "/track", event(mock_mixpanel)).status_code == 429
    mock_mixpanel.project(limits={"rate_records": None})
    assert send(mock_mixpanel, "/track", event(mock_mixpanel)).status_code == 200


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ([], "project.limits: expected an object"),
        ({"record": 1}, "project.limits.record: unknown option; did you mean 'records'?"),
        ({"json_depth": 1}, "project.limits.json_depth: unknown option"),
        ({"records": -1}, "project.limits.records: expected a count, 0 to 10^12"),
        ({"records": True}, "project.limits.records: expected a count, 0 to 10^12"),
        ({"records": None}, "project.limits.records: expected a count, 0 to 10^12, got null"),
        ({"records": 1.5}, "project.limits.records: expected a count, 0 to 10^12"),
    ],
)
def test_wrong_limits(mock_mixpanel: MockMixpanel, limits: Any, error: str) -> None:
    """A limit that cannot be is refused by name."""
    with pytest.raises(ControlCallError) as refused:
        mock_mixpanel.project(limits=limits)
    assert error in str(refused.value)
