"""Faults as a client meets them on its connection: late, cut, shortened and garbled answers."""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from mock_mixpanel import Server
from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import event, good_import, names, reasons, send, update

VERBOSE = b'{"error":null,"status":1}'
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def connection(mock_mixpanel: MockMixpanel) -> Iterator[http.client.HTTPConnection]:
    """One connection, kept open until the server or the test closes it."""
    address = urlsplit(mock_mixpanel.url)
    kept = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    kept.auto_open = 0
    kept.connect()
    yield kept
    kept.close()


def ask(connection: http.client.HTTPConnection, record: Any) -> http.client.HTTPResponse:
    connection.request("POST", "/track?verbose=1", json.dumps(record), JSON)
    return connection.getresponse()


def act(mock: MockMixpanel, action: dict[str, Any]) -> None:
    """Let the next request, and no other, meet a fault."""
    mock.faults({"match": {"times": 1}, "action": action})


@pytest.mark.parametrize("action", [{"close": True}, {"close": "before"}])
def test_closed_before(
    mock_mixpanel: MockMixpanel, connection: http.client.HTTPConnection, action: dict[str, Any]
) -> None:
    """Closed before the answer: not a byte arrives, and nothing is stored."""
    act(mock_mixpanel, action)
    with pytest.raises(http.client.RemoteDisconnected):
        ask(connection, event(mock_mixpanel))
    assert names(mock_mixpanel) == []


def test_closed_during(mock_mixpanel: MockMixpanel, connection: http.client.HTTPConnection) -> None:
    """Closed during the answer: its length is announced, half of it comes, nothing is stored."""
    act(mock_mixpanel, {"close": "during"})
    answer = ask(connection, event(mock_mixpanel))
    assert (200, str(len(VERBOSE))) == (answer.status, answer.headers["Content-Length"])
    with pytest.raises(http.client.IncompleteRead) as cut:
        answer.read()
    half = VERBOSE[: len(VERBOSE) // 2]
    assert half == cut.value.partial
    assert [request["response"] for request in mock_mixpanel.requests()] == [
        {"status": 200, "body": half.decode()}
    ]
    assert names(mock_mixpanel) == []


def test_closed_after(mock_mixpanel: MockMixpanel, connection: http.client.HTTPConnection) -> None:
    """Closed after the answer: it is true and complete, but the next request finds no server."""
    act(mock_mixpanel, {"close": "after"})
    answer = ask(connection, event(mock_mixpanel))
    assert (answer.read(), answer.headers["Connection"]) == (VERBOSE, None)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        ask(connection, event(mock_mixpanel, "Never"))
    assert names(mock_mixpanel) == ["Signed Up"]


ANSWERS: dict[str, tuple[dict[str, Any], bytes]] = {
    "truncate": ({"truncate": 9}, VERBOSE[:9]),
    "truncate to nothing": ({"truncate": 0}, b""),
    "truncate nothing": ({"truncate": 1000}, VERBOSE),
    "garbage": ({"garbage": 6}, b"\xff\xfe\x00\xc1\xff\xfe"),
}


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("name", ANSWERS)
def test_damaged_bodies(
    mock_mixpanel: MockMixpanel,
    connection: http.client.HTTPConnection,
    name: str,
    stored: bool,
) -> None:
    """A damaged body is a well-formed HTTP answer; the records are stored only if asked for."""
    action, body = ANSWERS[name]
    act(mock_mixpanel, {"store_then": action} if stored else action)
    answer = ask(connection, event(mock_mixpanel))
    assert (
        answer.status,
        answer.headers["Content-Type"],
        answer.read(),
    ) == (200, "application/json", body)
    assert ask(connection, event(mock_mixpanel, "Next")).read() == VERBOSE
    assert ["Signed Up", "Next"][not stored :] == names(mock_mixpanel)


@pytest.mark.parametrize("how", ["before", "during"])
def test_stored_then_closed(
    mock_mixpanel: MockMixpanel, connection: http.client.HTTPConnection, how: str
) -> None:
    """The records are stored, and the client gets no answer."""
    act(mock_mixpanel, {"store_then": {"close": how}})
    with pytest.raises(http.client.HTTPException):
        ask(connection, event(mock_mixpanel)).read()
    assert names(mock_mixpanel) == ["Signed Up"]
    assert mock_mixpanel.rejected() == []


@pytest.fixture
def slept(mock_mixpanel_server: Server, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the server would have slept, in seconds; it does not sleep."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(mock_mixpanel_server.backend, "sleep", sleep)
    return slept


def test_delay(mock_mixpanel: MockMixpanel, slept: list[float]) -> None:
    """A delay alone gives the true answer late, and the records are stored."""
    act(mock_mixpanel, {"delay": 2.5})
    assert send(mock_mixpanel, "/track", event(mock_mixpanel)).content == b"1"
    assert send(mock_mixpanel, "/track", event(mock_mixpanel, "Next")).content == b"1"
    assert slept == [2.5]
    assert names(mock_mixpanel) == ["Signed Up", "Next"]


@pytest.mark.parametrize("stored", [False, True])
def test_delayed_fault(mock_mixpanel: MockMixpanel, slept: list[float], stored: bool) -> None:
    """A delay goes with other actions too."""
    action = {"status": 503, "delay": 30}
    act(mock_mixpanel, {"store_then": action} if stored else action)
    assert send(mock_mixpanel, "/track", event(mock_mixpanel)).status_code == 503
    assert slept == [30]
    assert names(mock_mixpanel) == ["Signed Up"] * stored


def test_client_gives_up(
    mock_mixpanel: MockMixpanel,
    mock_mixpanel_server: Server,
    monkeypatch: pytest.MonkeyPatch,
    connection: http.client.HTTPConnection,
) -> None:
    """The records of a client that does not wait for a late answer are stored."""
    waiting, enough = threading.Event(), threading.Event()

    async def wait(_seconds: float) -> None:
        waiting.set()
        await asyncio.to_thread(enough.wait, 30)

    monkeypatch.setattr(mock_mixpanel_server.backend, "sleep", wait)
    act(mock_mixpanel, {"delay": 60})
    connection.request("POST", "/track", json.dumps(event(mock_mixpanel)), JSON)
    assert waiting.wait(30)
    connection.close()
    assert names(mock_mixpanel) == ["Signed Up"]
    enough.set()
    assert send(mock_mixpanel, "/track", event(mock_mixpanel, "Next")).content == b"1"


LIMITED = "Project exceeded rate limits. Please retry the request with exponential backoff."
OWN_WORDS: dict[str, tuple[str, int, str, Any]] = {
    "track 429": ("/track", 429, "application/json", {"error": LIMITED, "status": "error"}),
    "import 429": (
        "/import?strict=1",
        429,
        "application/json",
        {"code": 429, "error": LIMITED, "status": "Too Many Requests"},
    ),
    "import 401": (
        "/import",
        401,
        "application/json",
        {"code": 401, "error": "Invalid credentials", "status": "Unauthorized"},
    ),
    "engage 401": (
        "/engage",
        401,
        "application/json",
        {"error": "Invalid credentials", "status": "error"},
    ),
    "import 599": (
        "/import",
        599,
        "application/json",
        {"code": 599, "error": "Status 599", "status": "Status 599"},
    ),
}


def record_for(mock: MockMixpanel, path: str) -> Any:
    return update(mock, set={}) if path == "/engage" else good_import(mock)


@pytest.mark.parametrize("name", OWN_WORDS)
def test_own_words(mock_mixpanel: MockMixpanel, name: str) -> None:
    """A status without a body gets the body that the endpoint documents."""
    path, status, content_type, body = OWN_WORDS[name]
    act(mock_mixpanel, {"status": status})
    answer = send(mock_mixpanel, path, record_for(mock_mixpanel, path))
    assert (
        answer.status_code,
        answer.headers["Content-Type"],
        answer.json(),
    ) == (status, content_type, body)


def test_page_of_413(mock_mixpanel: MockMixpanel) -> None:
    """413 is a page of HTML on a token route."""
    act(mock_mixpanel, {"status": 413})
    answer = send(mock_mixpanel, "/track", event(mock_mixpanel))
    assert (
        answer.status_code,
        answer.headers["Content-Type"],
        answer.text[:15],
    ) == (413, "text/html; charset=utf-8", "<!DOCTYPE html>")


@pytest.mark.parametrize("status", [502, 503])
def test_gateway(mock_mixpanel: MockMixpanel, status: int) -> None:
    """502 and 503 are the gateway's line of text, on every route."""
    act(mock_mixpanel, {"status": status})
    answer = send(mock_mixpanel, "/import", good_import(mock_mixpanel))
    assert (
        answer.status_code,
        answer.content,
    ) == (status, b"upstream connect error or disconnect/reset before headers")


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "7"}])
def test_retry_after(mock_mixpanel: MockMixpanel, headers: dict[str, str]) -> None:
    """429 has a Retry-After header if the fault gives one."""
    act(mock_mixpanel, {"status": 429, "headers": headers})
    answer = send(mock_mixpanel, "/track", event(mock_mixpanel))
    assert (429, headers.get("Retry-After")) == (
        answer.status_code,
        answer.headers.get("Retry-After"),
    )
    ((reason,),) = reasons(mock_mixpanel)
    assert reason.endswith(": not stored")


@pytest.mark.parametrize("status", [204, 304])
def test_no_body(
    mock_mixpanel: MockMixpanel, connection: http.client.HTTPConnection, status: int
) -> None:
    """A status that has no body leaves the connection in order."""
    act(mock_mixpanel, {"status": status, "body": "never seen"})
    answer = ask(connection, event(mock_mixpanel))
    assert (answer.status, answer.read()) == (status, b"")
    assert ask(connection, event(mock_mixpanel)).read() == VERBOSE
