"""Calls of SDKs at start-up get responses that no SDK treats as an error."""

import json
from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import http

CONTEXT = {"context": json.dumps({"distinct_id": "u-1"}), "mp_lib": "python"}


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/flags", {"code": 200, "flags": {}}),
        ("GET", "/flags/", {"code": 200, "flags": {}}),
        ("GET", "/flags/definitions", {"code": 200, "flags": []}),
        ("POST", "/flags/f-1/first-time-events", {"status": "ok"}),
        ("POST", "/record/", {"code": 200, "status": "OK"}),
        ("GET", "/settings/", {"sdk_config": {}}),
    ],
)
def test_answer(mock_mixpanel: MockMixpanel, method: str, path: str, expected: Any) -> None:
    """Each route answers JSON of the shape its clients need, with and without a slash."""
    answer = http(method, mock_mixpanel.url + path, params=CONTEXT, auth=(mock_mixpanel.token, ""))
    assert (answer.status_code, answer.json()) == (200, expected)
    assert answer.headers["Content-Type"] == "application/json"


def test_decide(mock_mixpanel: MockMixpanel) -> None:
    """Old mobile SDKs are told that there is nothing to show."""
    answer = http("GET", mock_mixpanel.url + "/decide", params={"token": mock_mixpanel.token})
    assert answer.json()["notifications"] == []


def test_replay_body(mock_mixpanel: MockMixpanel) -> None:
    """A piece of a replay is any bytes."""
    answer = http(
        "POST",
        mock_mixpanel.url + "/record/?replay_id=r&seq=0&format=gzip",
        data=b"\x1f\x8b\x00\xff{",
        headers={"Content-Type": "application/octet-stream"},
        auth=(mock_mixpanel.token, ""),
    )
    assert answer.status_code == 200


def test_flags_without_token(mock_mixpanel: MockMixpanel) -> None:
    """Flags without any token are refused in the envelope of their specification."""
    answer = http("GET", mock_mixpanel.url + "/flags")
    assert (answer.status_code, answer.json()["status"]) == (401, "error")


@pytest.mark.parametrize("path", ["/flags/", "/record/", "/settings/"])
def test_preflight(mock_mixpanel: MockMixpanel, path: str) -> None:
    """Browsers may send the headers that these routes are called with."""
    wanted = "authorization, traceparent, content-type"
    answer = http(
        "OPTIONS",
        mock_mixpanel.url + path,
        headers={"Origin": "https://a.example", "Access-Control-Request-Headers": wanted},
    )
    assert (
        answer.status_code,
        answer.headers["Access-Control-Allow-Headers"],
        answer.headers["Access-Control-Allow-Origin"],
    ) == (204, wanted, "https://a.example")
