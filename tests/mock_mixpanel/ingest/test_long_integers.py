"""Integers of more than 64 bits keep all their digits wherever the mock shows or compares them."""

import base64
from typing import Any

import pytest
from flask.testing import FlaskClient

from mock_mixpanel.app import create_app
from mock_mixpanel.json_values import has_long_integer

LONG = [2**64, -(2**63) - 1, 123456789012345678901234567890, 10**400]


@pytest.fixture
def client() -> FlaskClient:
    return create_app().test_client()


def event(number: object) -> bytes:
    text = '{"event": "A", "properties": {"token": "T", "distinct_id": %s, "n": {"l": [%s]}}}'
    return (text % (number, number)).encode()


def json_of(client: FlaskClient, path: str) -> Any:
    return client.get(path).json


def sent(client: FlaskClient, way: str, body: bytes) -> None:
    """Send one event in one of the encodings."""
    if way == "form":
        answer = client.post("/track", data={"data": base64.b64encode(body).decode()})
    else:
        answer = client.post("/track", data=b"[%s]" % body, content_type="application/json")
    assert answer.status_code == 200


@pytest.mark.parametrize("number", LONG)
@pytest.mark.parametrize("way", ["array", "form"])
def test_all_digits_are_kept(client: FlaskClient, way: str, number: int) -> None:
    """The request, the record and the stored event have the number as it was sent."""
    sent(client, way, event(number))
    paths = ("requests", "records/1", "events")
    request, record, stored = (json_of(client, f"/_mock/{path}") for path in paths)
    shown = request[0]["payload"][0], record["record"], stored[0]
    assert [each["properties"]["n"]["l"] for each in shown] == [[number]] * 3
    assert stored[0]["distinct_id"] == str(number)


def test_ids_that_differ_in_the_last_digit_are_two(client: FlaskClient) -> None:
    """They would be the same float."""
    for number in (2**64, 2**64 + 1):
        text = b'[{"$token": "T", "$distinct_id": %d, "$set": {"a": %d}}]' % (number, number)
        assert client.post("/engage", data=text, content_type="application/json").data == b"1"
    profiles = json_of(client, "/_mock/profiles")
    assert [(each["distinct_id"], each["properties"]["a"]) for each in profiles] == [
        ("18446744073709551616", 2**64),
        ("18446744073709551617", 2**64 + 1),
    ]


def test_an_integer_of_too_many_digits(client: FlaskClient) -> None:
    """Python reads 4,300 digits; more make the body unreadable."""
    body = b"[%s]" % event("1" * 4301)
    answer = client.post("/track?verbose=1", data=body, content_type="application/json")
    assert answer.json == {"error": "data, missing or empty", "status": 0}
    [refused] = json_of(client, "/_mock/rejected")
    assert refused["reasons"][0].startswith("data: not JSON: Exceeds the limit (4300 digits)")


@pytest.mark.parametrize(
    ("text", "long"),
    [
        (b"[18446744073709551616]", True),
        (b"-9223372036854775809", True),
        (b'{"a":\n 10000000000000000000}', True),
        (b'{"a": "10000000000000000000"}', False),
        (b'{"a": 1.10000000000000000000}', False),
        (b"[999999999999999999]", False),
    ],
)
def test_which_texts_have_one(text: bytes, long: bool) -> None:
    """Digits in a string, or behind a point, are not an integer."""
    assert has_long_integer(text) is long


def test_a_result_that_no_float_holds(client: FlaskClient) -> None:
    """A report over it is an error that says so."""
    text = b'[{"event": "A", "properties": {"token": "T", "n": %d}}]' % (10**307)
    client.post("/track", data=text, content_type="application/json")
    clock = json_of(client, "/_mock/clock")
    on, day = 'properties["n"] * properties["n"]', clock["now"][:10]
    query = {"from_date": day, "to_date": day, "event": "A", "on": on, "project_token": "T"}
    auth = {"Authorization": "Basic " + base64.b64encode(b"T:").decode()}
    answer = client.get("/api/2.0/segmentation/average", query_string=query, headers=auth)
    error: Any = answer.json
    assert (answer.status_code, error["error"]) == (
        400,
        "on: a result is larger than a number can be",
    )
