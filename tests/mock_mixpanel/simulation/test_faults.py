"""Fault rules: responses that fail on purpose."""

from typing import Any

import pytest
import requests

from mock_mixpanel.client import ControlCallError, MockMixpanel
from tests.mock_mixpanel.wire import event, http, names, reasons, send, update

UNAVAILABLE = {"action": {"status": 503, "body": "later", "headers": {"Retry-After": "2"}}}


def statuses(mock: MockMixpanel, count: int) -> list[int]:
    return [send(mock, "/track", event(mock, f"E{number}")).status_code for number in range(count)]


def test_status(mock_mixpanel: MockMixpanel) -> None:
    """A status is answered with its body and headers, and nothing is stored."""
    mock_mixpanel.faults(UNAVAILABLE)
    answer = send(mock_mixpanel, "/track", event(mock_mixpanel))
    assert (
        answer.status_code,
        answer.content,
        answer.headers["Retry-After"],
    ) == (503, b"later", "2")
    assert mock_mixpanel.events() == []
    (request,) = mock_mixpanel.requests()
    assert request["response"] == {"status": 503, "body": "later"}
    (said,) = reasons(mock_mixpanel)
    assert said[0].endswith(": not stored")


def test_json_body(mock_mixpanel: MockMixpanel) -> None:
    """A fault's body that is not text is sent as JSON."""
    mock_mixpanel.faults({"action": {"status": 429, "body": {"code": 429}}})
    assert send(mock_mixpanel, "/track", event(mock_mixpanel)).json() == {"code": 429}


def test_status0(mock_mixpanel: MockMixpanel) -> None:
    """200 with status 0 and a text."""
    mock_mixpanel.faults({"action": {"status0": "a temporary failure occurred"}})
    answer = send(mock_mixpanel, "/track", event(mock_mixpanel))
    assert (
        answer.status_code,
        answer.content,
    ) == (200, b'{"error":"a temporary failure occurred","status":0}')
    assert mock_mixpanel.events() == []


def test_close(mock_mixpanel: MockMixpanel) -> None:
    """The connection ends without an answer; the journal has no status then."""
    mock_mixpanel.faults({"match": {"times": 1}, "action": {"close": True}})
    with pytest.raises(requests.ConnectionError):
        send(mock_mixpanel, "/track", event(mock_mixpanel))
    assert [r["response"] for r in mock_mixpanel.requests()] == [{"status": None, "body": None}]
    assert statuses(mock_mixpanel, 1) == [200]
    assert names(mock_mixpanel) == ["E0"]


@pytest.mark.parametrize("then", [{"close": True}, {"status": 500}, {"status0": "oops"}])
def test_store_then(mock_mixpanel: MockMixpanel, then: dict[str, Any]) -> None:
    """The records are stored though the answer is lost: sent again, they are there twice."""
    mock_mixpanel.faults({"match": {"times": 1}, "action": {"store_then": then}})
    try:
        answer = send(mock_mixpanel, "/track", event(mock_mixpanel)).status_code
    except requests.ConnectionError:
        answer = 0
    assert {"close": 0, "status": 500, "status0": 200}[next(iter(then))] == answer
    send(mock_mixpanel, "/track", event(mock_mixpanel))
    assert names(mock_mixpanel) == ["Signed Up", "Signed Up"]
    assert mock_mixpanel.rejected() == []


MATCHES: dict[str, tuple[dict[str, Any], list[int]]] = {
    "always": ({}, [503] * 5),
    "times": ({"times": 2}, [503, 503, 200, 200, 200]),
    "nth": ({"nth": 2}, [200, 503, 200, 200, 200]),
    "nth and times": ({"nth": 2, "times": 3}, [200, 503, 503, 503, 200]),
    "path": ({"path": "/track/"}, [503] * 5),
    "another path": ({"path": "/engage"}, [200] * 5),
    "another token": ({"token": "nobody"}, [200] * 5),
    "never": ({"probability": 0}, [200] * 5),
    "certainly": ({"probability": 1}, [503] * 5),
}


@pytest.mark.parametrize("name", MATCHES)
def test_match(mock_mixpanel: MockMixpanel, name: str) -> None:
    """A rule acts on the requests it is for."""
    match, expected = MATCHES[name]
    mock_mixpanel.faults({"match": match, **UNAVAILABLE})
    assert statuses(mock_mixpanel, 5) == expected


def test_chance_is_repeatable(mock_mixpanel: MockMixpanel) -> None:
    """The same seed gives the same faults."""
    rule = {"match": {"probability": 0.5, "seed": 7}, **UNAVAILABLE}
    mock_mixpanel.faults(rule)
    first = statuses(mock_mixpanel, 20)
    mock_mixpanel.reset()
    mock_mixpanel.faults(rule)
    assert first == statuses(mock_mixpanel, 20)
    assert set(first) == {200, 503}


def test_first_rule_decides(mock_mixpanel: MockMixpanel) -> None:
    """Of two rules that match, the older one acts; counts are shown."""
    mock_mixpanel.faults({"match": {"times": 1}, "action": {"status": 500}}, UNAVAILABLE)
    assert statuses(mock_mixpanel, 2) == [500, 503]
    ours = [
        (rule["seen"], rule["fired"])
        for rule in http("GET", f"{mock_mixpanel.url}/_mock/faults").json()
        if rule["match"]["token"] == mock_mixpanel.token
    ]
    assert ours == [(2, 1), (1, 1)]


def test_other_endpoints(mock_mixpanel: MockMixpanel) -> None:
    """A rule for a project acts on profile updates too."""
    mock_mixpanel.faults(UNAVAILABLE)
    assert send(mock_mixpanel, "/engage", update(mock_mixpanel, set={})).status_code == 503


def test_all_or_none(mock_mixpanel: MockMixpanel) -> None:
    """Of several rules, none is made if one cannot be."""
    with pytest.raises(ControlCallError):
        mock_mixpanel.faults(UNAVAILABLE, {"action": {}})
    assert statuses(mock_mixpanel, 1) == [200]


def test_delete(mock_mixpanel: MockMixpanel) -> None:
    """A rule can be taken back by its id; one that is not there is an error."""
    url = f"{mock_mixpanel.url}/_mock/faults"
    (rule,) = http(
        "POST", url, json={"match": {"token": mock_mixpanel.token}, **UNAVAILABLE}
    ).json()
    assert http("DELETE", url, params={"id": rule["id"]}).status_code == 200
    assert statuses(mock_mixpanel, 1) == [200]
    assert http("DELETE", url, params={"id": rule["id"]}).status_code == 404


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({}, "action: missing; give one of status, status0, close, store_then"),
        ({"action": {}}, "action: expected exactly one of status, status0, close, store_then"),
        ({"action": {"status": 9}}, "action.status: expected an HTTP status from 200 to 599"),
        ({"action": {"stats": 9}}, "action.stats: unknown; did you mean 'status'?"),
        ({"action": {"close": 1}}, "action.close: expected true or one of before, during, after"),
        ({"action": {"close": "x"}}, "action.close: expected true or one of before, during, after"),
        ({"action": {"truncate": -1}}, "action.truncate: expected how many bytes are left"),
        ({"action": {"garbage": 0}}, "action.garbage: expected how many bytes, 1 to 1048576"),
        ({"action": {"delay": 601}}, "action.delay: expected seconds, 0 to 600"),
        ({"action": {"status": True}}, "action.status: expected an HTTP status from 200 to 599"),
        ({"action": {"delay": 1, "body": ""}}, "action: body and headers go only with status"),
        ({"action": {"close": True, "truncate": 1}}, "action: expected exactly one of status"),
        (
            {"action": {"store_then": {"close": True}, "delay": 1}},
            "action: with store_then, everything else goes inside it",
        ),
        (
            {"action": {"status": 500, "headers": {"Content-Length": "9"}}},
            "action.headers.Content-Length: is the server's own; leave it out",
        ),
        (
            {"action": {"status": 500, "headers": {"a b": "c"}}},
            "action.headers: 'a b' is not a valid header name",
        ),
        (
            {"action": {"status": 500, "headers": {"a": "\u20ac"}}},
            "action.headers.a: expected a text of one line, in Latin-1",
        ),
        ({"action": {"store_then": {}}}, "action.store_then: expected exactly one of"),
        (
            {"action": {"status": 500, "headers": {"a": "b\r\nc: d"}}},
            "action.headers.a: expected a text of one line",
        ),
        ({"match": {"nth": 0}, **UNAVAILABLE}, "match.nth: expected a count from 1"),
        ({"match": {"pth": 0}, **UNAVAILABLE}, "match.pth: unknown; did you mean 'path'?"),
    ],
)
def test_bad_rule(mock_mixpanel: MockMixpanel, rule: dict[str, Any], error: str) -> None:
    """A rule that cannot be is refused, naming the member."""
    with pytest.raises(ControlCallError) as refused:
        mock_mixpanel.faults(rule)
    assert str(refused.value)[: len(error) + 20] == f"POST /_mock/faults: {error}"
