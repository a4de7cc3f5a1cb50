"""Requests that arrive whole are answered at once, exactly as uvicorn answers all others."""

import asyncio
import base64
import gzip
import json
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.server import ServerState

from mock_mixpanel import Server
from mock_mixpanel.backend import Backend
from mock_mixpanel.log.stores import StoreUnavailableError
from mock_mixpanel.projects.config import Config, MixpanelLimits
from mock_mixpanel.serving.asgi import Application
from mock_mixpanel.serving.http_protocol import HttpProtocol
from mock_mixpanel.serving.whole_requests import LONGEST_HEAD, WholeRequest
from tests.mock_mixpanel.wire import NOW_SECONDS, http
from tests.thorough import times

RECORDS = b'[{"event":"E","properties":{"token":"T","distinct_id":"u"}}]'
CREDENTIAL = b"Authorization: Basic " + base64.b64encode(b"T:") + b"\r\n"
NEXT = b"GET /_mock/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""The next request on a connection, answered if the connection is kept."""
MOST_BYTES = 5000


def post(
    target: str = "/track", body: bytes = RECORDS, more: bytes = b"", version: str = "1.1"
) -> bytes:
    """A whole request; `more` are lines of its head."""
    head = f"POST {target} HTTP/{version}\r\nHost: api.mixpanel.com\r\n".encode()
    kind = b"Content-Type: application/json\r\n"
    return head + kind + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(more: bytes = b"") -> bytes:
    head = b"POST /track HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    return head + more + b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(RECORDS), RECORDS)


FORM = b"data=" + base64.b64encode(RECORDS)
AS_FORM = post(body=FORM).replace(b"application/json", b"application/x-www-form-urlencoded")
STRICT = json.dumps(
    [
        {
            "event": "E",
            "properties": {"time": NOW_SECONDS, "distinct_id": "u", "$insert_id": "i"},
        }
    ]
).encode()
UPDATE = b'{"$token":"T","$distinct_id":"u","$set":{"plan":"pro"}}'

WHOLE = {
    "an event": post(),
    "a path with a slash": post("/track/"),
    "a query": post("/track?verbose=1&ip=1&callback=f"),
    "a long query": post("/track?verbose=1&x=" + "a" * 1500),
    "a fragment": post("/track?verbose=1#f"),
    "a pixel": post("/track?img=1"),
    "a form": AS_FORM,
    "gzip": post(body=gzip.compress(RECORDS, mtime=0), more=b"Content-Encoding: gzip\r\n"),
    "an origin": post(more=b"Origin: https://shop.test\r\n"),
    "an origin that is not usable": post(more=b"Origin: \xff\r\n"),
    "a sender": post(more=b"X-Forwarded-For: 192.0.2.1, x\r\nX-Forwarded_For: 192.0.2.2\r\n"),
    "a header twice": post(more=b"X-A: 1\r\nx-a: 2\r\n"),
    "a secret": post("/track?api_key=1", more=CREDENTIAL + b"Cookie: a=b\r\n"),
    "the connection kept": post(more=b"Connection: Keep-Alive\r\n"),
    "an update of a person": post("/engage?verbose=1", UPDATE),
    "an update of a group": post("/groups", UPDATE),
    "a strict import": post("/import?strict=1", STRICT, CREDENTIAL),
    "a strict import that fails": post("/import?strict=1", RECORDS, CREDENTIAL),
    "an import without a credential": post("/import", RECORDS.replace(b"token", b"other")),
    "no records": post(body=b"[]"),
    "not JSON": post("/track?verbose=1", b"{"),
    "a record that is refused": post("/track?verbose=1", b"[{}]"),
    "a body that is too large": post(body=b" " * MOST_BYTES + b"{}"),
    "another region": post().replace(b"api.mixpanel.com", b"api-eu.mixpanel.com"),
}

OTHER = {
    "GET": b"GET /track?data=[] HTTP/1.1\r\nHost: x\r\n\r\n",
    "HEAD": b"HEAD /track HTTP/1.1\r\nHost: x\r\n\r\n",
    "OPTIONS": b"OPTIONS /track HTTP/1.1\r\nHost: x\r\nOrigin: https://shop.test\r\n\r\n",
    "an empty body": post(body=b""),
    "no length": b"POST /track HTTP/1.1\r\nHost: x\r\n\r\n",
    "chunks": chunked(),
    "chunks and a length": chunked(b"Content-Length: 5\r\n"),
    "two lengths": post(more=b"Content-Length: %d\r\n" % len(RECORDS)),
    "a length that is not a number": post(more=b"Content-Length: x\r\n"),
    "a negative length": post().replace(b"Content-Length: ", b"Content-Length: -"),
    "HTTP/1.0": post(version="1.0"),
    "HTTP/1.0 and the connection kept": post(version="1.0", more=b"Connection: keep-alive\r\n"),
    "another version": post(version="1.9"),
    "the connection closed": post(more=b"Connection: close\r\n"),
    "an expectation": post(more=b"Expect: 100-continue\r\n"),
    "an upgrade": post(more=b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
    "an upgrade that is not asked for": post(more=b"Upgrade: h2c\r\n"),
    "two requests": 2 * post(),
    "a request and a part": post() + b"POST /track HTTP/1.1\r\nX",
    "a request and garbage": post() + b"\0\r\n\r\n",
    "an empty line first": b"\r\n" + post(),
    "a path that begins the same": post("/tracked"),
    "a path with two slashes": post("//track"),
    "a path that is encoded": post("/tr%61ck"),
    "a target with a host": post("http://api.mixpanel.com/track"),
    "a target that is not ASCII": post("/track\u00e9"),
    "a long head": post(more=b"X: " + b"a" * LONGEST_HEAD + b"\r\n"),
    "a bare line feed": post().replace(b"\r\n", b"\n"),
    "a header in two lines": post(more=b"X: a\r\n b\r\n"),
    "a header with a null": post(more=b"X: a\0b\r\n"),
}

FAULTS: dict[str, dict[str, Any]] = {
    "a status": {"status": 503, "headers": {"Retry-After": "2"}},
    "a status without a body": {"status": 204},
    "a success of its own": {"status": 200, "body": "\u00e9", "headers": {"X-Own": "\u00e9"}},
    "status 0": {"status0": "later"},
    "a delay": {"delay": 2.5},
    "no response": {"close": "before"},
    "half of a response": {"close": "during"},
    "a response and the end": {"close": "after"},
    "stored, then no response": {"store_then": {"close": "before"}},
    "a short response": {"truncate": 0},
    "garbage": {"garbage": 64},
}


class Ways:
    """Two servers: one answers whole requests at once, the other one lets uvicorn do it."""

    def __init__(self, at_once: Server, by_uvicorn: Server, patch: pytest.MonkeyPatch) -> None:
        self.at_once, self.by_uvicorn, self._patch = at_once, by_uvicorn, patch
        self.whole: list[bool] = []
        """For each piece of data that the first server received, whether it was a whole request."""

    def answers(self, sent: bytes) -> tuple[bytes, bytes]:
        """The answers of the two servers to a client; see `exchange`."""
        find = WholeRequest.find

        def noted(*arguments: Any) -> WholeRequest | None:
            found = find(*arguments)
            self.whole.append(found is not None)
            return found

        with self._patch.context() as patch:
            patch.setattr(WholeRequest, "find", noted)
            first = exchange(self.at_once, sent)
        with self._patch.context() as patch:
            patch.setattr(WholeRequest, "find", lambda *arguments: None)
            return first, exchange(self.by_uvicorn, sent)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    config = Config(limits=MixpanelLimits(body_bytes=MOST_BYTES))
    with Server(config, quiet=False) as first, Server(config, quiet=False) as second:
        yield first, second


@pytest.fixture
def ways(servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch) -> Ways:
    """Two empty servers with the same frozen clock and the same options, which do not sleep."""

    async def sleep(seconds: float) -> None:
        pass

    for each in servers:
        each.backend.reset()
        each.backend.clock.change(now=NOW_SECONDS, freeze=True)
        monkeypatch.setattr(each.backend, "sleep", sleep)
    return Ways(*servers, monkeypatch)


def exchange(server: Server, sent: bytes) -> bytes:
    """What a client receives that sends something, and after the first response the next request.

    The value of each Date is replaced.
    """
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(sent)
        received = connection.recv(65536)
        with suppress(OSError):  # the server may have closed the connection
            connection.sendall(NEXT)
            while piece := connection.recv(65536):
                received += piece
    return re.sub(rb"\r\ndate: [^\r]+", b"\r\ndate: now", received)


def journal(server: Server) -> Any:
    return http("GET", f"{server.url}/_mock/requests").json()


def same_answers(ways: Ways, sent: bytes, caplog: pytest.LogCaptureFixture) -> bytes:
    """The answer to a request, which is the same whichever way it takes, as are the logs."""
    caplog.set_level(logging.INFO, "mock_mixpanel.access")
    at_once, by_uvicorn = ways.answers(sent)
    lines = [each.getMessage() for each in caplog.records]
    assert at_once == by_uvicorn
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]
    assert journal(ways.at_once) == journal(ways.by_uvicorn)
    return at_once


@pytest.mark.parametrize("name", WHOLE)
def test_whole_requests(ways: Ways, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """A whole request is answered at once, with the same bytes, journal, log and connection."""
    received = same_answers(ways, WHOLE[name], caplog)
    assert ways.whole == [True, False]
    assert received.count(b"HTTP/1.1 ") == 2
    assert len(journal(ways.at_once)) == 1


@pytest.mark.parametrize("name", OTHER)
def test_other_requests(ways: Ways, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """Any other request is left to uvicorn, with the same answer as before."""
    assert same_answers(ways, OTHER[name], caplog)
    assert True not in ways.whole


@pytest.mark.parametrize("name", FAULTS)
def test_faults(ways: Ways, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """A fault changes the answer to a whole request as it does to any other."""
    for each in (ways.at_once, ways.by_uvicorn):
        each.backend.faults.add({"match": {"times": 1}, "action": FAULTS[name]})
    same_answers(ways, post("/track?verbose=1"), caplog)
    assert ways.whole[0] is True
    assert len(journal(ways.at_once)) == 1


@pytest.mark.parametrize("error", [OSError("disk full"), StoreUnavailableError("gone")])
def test_errors(ways: Ways, caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    """An error of the mock is answered with the same 500 or 503, and logged."""

    def take(*arguments: Any) -> bool:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        for each in (ways.at_once, ways.by_uvicorn):
            patch.setattr(each.backend.log, "take", take)
        received = same_answers(ways, post(), caplog)
    assert received[:12] == (b"HTTP/1.1 500" if type(error) is OSError else b"HTTP/1.1 503")
    failures = [each for each in caplog.messages if each == "Exception on /track [POST]"]
    assert len(failures) == (2 if type(error) is OSError else 0)


class Connection(asyncio.Transport):
    """A connection that keeps what is sent on it."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)})
        self.sent, self.closed = b"", False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def connected(application: Application) -> tuple[HttpProtocol, Connection]:
    """A connection to an application in the running event loop."""
    config = uvicorn.Config(application, interface="asgi3", log_config=None, log_level=None)
    protocol, connection = HttpProtocol(config, ServerState(), {}), Connection()
    protocol.connection_made(connection)
    return protocol, connection


async def received(application: Application, sent: bytes) -> tuple[bytes, bytes]:
    """What a client receives that sends something: before and after it sends no more."""
    protocol, connection = connected(application)
    protocol.data_received(sent)
    if protocol.tasks and not protocol.cycle.more_body:
        await asyncio.wait(protocol.tasks)
    await asyncio.sleep(0)
    first = connection.sent
    protocol.eof_received()
    if protocol.tasks:
        await asyncio.wait(protocol.tasks)
    protocol.connection_lost(None)
    return first, connection.sent


@settings(max_examples=times(100, 1000))
@given(
    name=st.sampled_from(sorted(WHOLE)),
    place=st.integers(0, 200),
    cut=st.integers(0, 20),
    piece=st.sampled_from([b"", b"\r\n", b"\n", b" ", b":", b"\0", b"\xff", b"9", b"chunked"]),
)
def test_damaged_requests(name: str, place: int, cut: int, piece: bytes) -> None:
    """However a whole request is damaged, both ways answer the same."""
    damaged = WHOLE[name][:place] + piece + WHOLE[name][place + cut :]
    config = Config(limits=MixpanelLimits(body_bytes=MOST_BYTES))
    first, second = Application(Backend(config), {}), Application(Backend(config), {})
    at_once = asyncio.run(received(first, damaged))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WholeRequest, "find", lambda *arguments: None)
        assert at_once == asyncio.run(received(second, damaged))
    first.close()
    second.close()


def test_parts_of_uvicorn() -> None:
    """The parts of uvicorn that connections rely on, and that are not public, are still there.

    If this fails, a new version has changed them: compare `HttpProtocol` with uvicorn's protocol
    before the range of versions in pyproject.toml is widened.
    """

    async def attributes() -> tuple[set[str], set[str]]:
        protocol, _ = connected(Application(Backend(), {}))
        protocol.data_received(b"POST / HTTP/1.1\r\n\r\n")
        cycle = protocol.cycle
        assert isinstance(cycle, RequestResponseCycle)
        for task in protocol.tasks:
            task.cancel()
        protocol.connection_lost(None)
        return set(dir(protocol)), set(dir(cycle))

    protocol, cycle = asyncio.run(attributes())
    wanted = "app client config cycle flow headers loop parser scheme server server_state url"
    methods = "_unset_keepalive_if_required on_response_complete send_400_response"
    assert {*wanted.split(), *methods.split(), "timeout_keep_alive"} - protocol == set()
    wanted = "keep_alive message_event more_body response_complete scope"
    assert set(wanted.split()) - cycle == set()
    assert ServerState().default_headers == []
    assert STATUS_LINE[200] == b"HTTP/1.1 200 OK\r\n"
