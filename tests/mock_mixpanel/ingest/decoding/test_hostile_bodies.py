"""Malformed bodies and bombs: answered as Mixpanel would, journaled, and never a failure."""

import gzip
import json
import zlib
from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.ingest.endpoints import MOST_REFUSED
from tests.mock_mixpanel.wire import http, names, send

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
LINES = "application/x-ndjson"


def event(text: bytes) -> bytes:
    """An event with some JSON as the value of a property."""
    return b'{"event":"E","properties":{"token":"T","a":' + text + b"}}"


def nested(count: int) -> bytes:
    return event(b"[" * count + b"]" * count)


UNREADABLE: dict[str, tuple[bytes, str, str]] = {
    "not a number": (event(b"NaN"), JSON, "not JSON"),
    "infinity": (event(b"-Infinity"), JSON, "not JSON"),
    "a float beyond all": (event(b"1e400"), JSON, "not JSON"),
    "an integer beyond all": (event(b"9" * 1_000_000), JSON, "not JSON"),
    "nested too deep": (nested(51), JSON, "nested deeper than 50 levels"),
    "nested a million times": (nested(1_000_000), JSON, "not JSON"),
    "never closed": (b'{"a":' * 1_000_000, JSON, "not JSON"),
    "something after it": (event(b"1") + b" x", JSON, "not JSON"),
    "a malformed line": (event(b"1") + b"\n{oops\n", LINES, "line 2: not JSON"),
    "text": (b"hello", JSON, "not JSON"),
    "bad base64": (b"data=%%%", FORM, "neither JSON nor valid base64"),
    "base64 of no JSON": (b"data=aGVsbG8=", FORM, "not JSON"),
    "percents": (b"data=" + b"%" * 100_000, FORM, "neither JSON nor valid base64"),
    "many fields": (b"a=1&" * 100_000, FORM, "a form without data"),
    "JSON as a form": (event(b"1"), FORM, "bare JSON under a form content type"),
    "a form as JSON": (b"data=e30=", JSON, "not JSON"),
}


@pytest.mark.parametrize("path", ["/track", "/engage", "/groups", "/import"])
@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable(mock_mixpanel: MockMixpanel, name: str, path: str) -> None:
    """What cannot be read is `0`, and is recorded with the reason and how it began."""
    body, kind, reason = UNREADABLE[name]
    answer = http("POST", mock_mixpanel.url + path, data=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.content) == (200, b"0")
    last = http("GET", f"{mock_mixpanel.url}/_mock/requests", params={"limit": 1}).json()[0]
    [kept], [verdict] = last["payload"], last["verdicts"]
    assert verdict["reasons"][0].startswith(f"data: {reason}")
    sent = body.removeprefix(b"data=") if kind == FORM else body
    assert kept == sent.decode(errors="replace")[: len(kept)]
    assert 0 < len(kept) <= 1000


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_strict_import(mock_mixpanel: MockMixpanel, name: str) -> None:
    """A strict import says what cannot be read, in its own envelope."""
    body, kind, reason = UNREADABLE[name]
    url = f"{mock_mixpanel.url}/import?strict=1"
    answer = http("POST", url, data=body, headers={"Content-Type": kind})
    assert (
        answer.status_code,
        answer.json()["code"],
        answer.json()["status"],
    ) == (400, 400, "Bad Request")
    assert answer.json()["error"].startswith(f"data: {reason}")


GZIP = {
    "no gzip": (b"{}", "gzip", "Content-Encoding says gzip, but"),
    "cut": (gzip.compress(b"{}" * 1000)[:-9], "gzip", "the body ends too early"),
    "deflate": (zlib.compress(b"{}"), "deflate", "Content-Encoding 'deflate' is not known"),
    "twice": (gzip.compress(b"{}"), "gzip, gzip", "Content-Encoding 'gzip, gzip' is not known"),
    "members": (gzip.compress(b"") * 1001, "gzip", "a gzip body of more than 1000 members"),
}


@pytest.mark.parametrize("name", GZIP)
def test_bad_compression(mock_mixpanel: MockMixpanel, name: str) -> None:
    """A body that is not compressed as it says is `0`, and recorded."""
    body, encoding, reason = GZIP[name]
    headers = {"Content-Type": JSON, "Content-Encoding": encoding}
    answer = http("POST", f"{mock_mixpanel.url}/track", data=body, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"0")
    last = http("GET", f"{mock_mixpanel.url}/_mock/requests", params={"limit": 1}).json()[0]
    assert reason in last["verdicts"][0]["reasons"][0]


READ: dict[str, bytes] = {
    "an integer of 4000 digits": b"9" * 4000,
    "the largest float": b"1.7976931348623157e308",
    "many digits": b"0." + b"1" * 100_000,
    "fifty levels, less those around": b"[" * 47 + b"]" * 47,
    "a text with a null": b'"\\u0000"',
    "a byte order mark": b'"\\ufeff"',
}


@pytest.mark.parametrize("name", READ)
def test_readable(mock_mixpanel: MockMixpanel, name: str) -> None:
    """What is strange but right is stored and shown as it was sent."""
    body = event(READ[name]).replace(b'"T"', json.dumps(mock_mixpanel.token).encode())
    answer = http("POST", f"{mock_mixpanel.url}/track", data=body, headers={"Content-Type": JSON})
    assert answer.content == b"1"
    [stored] = mock_mixpanel.events()
    assert stored["properties"] == {"a": json.loads(READ[name])}


@pytest.mark.parametrize("path", ["/track", "/engage", "/groups", "/import", "/import?strict=1"])
@pytest.mark.parametrize("kind", [JSON, LINES])
def test_far_too_many_records(mock_mixpanel: MockMixpanel, path: str, kind: str) -> None:
    """Of far too many records the first are kept, and the others counted."""
    record: dict[str, Any] = {"$token": mock_mixpanel.token}
    record["properties"] = {"token": mock_mixpanel.token}
    text = json.dumps(record).encode()
    count = MOST_REFUSED + 2_000
    body = b"[" + b",".join([text] * count) + b"]" if kind == JSON else (text + b"\n") * count
    answer = http("POST", mock_mixpanel.url + path, data=body, headers={"Content-Type": kind})
    assert answer.status_code == 413
    [request] = mock_mixpanel.requests()
    assert request["payload"] == [record] * MOST_REFUSED + [f"{count - MOST_REFUSED} more records"]
    told = {tuple(verdict["reasons"]) for verdict in request["verdicts"]}
    assert told == {("request: more than 2000 records",)}
    assert send(mock_mixpanel, "/track", {"event": "E", **record}).content == b"1"
    assert names(mock_mixpanel) == ["E"]
