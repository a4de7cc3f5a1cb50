"""Requests that arrive whole are answered at once, exactly as uvicorn answers all others."""

import asyncio
import base64
import gzip
import json
import logging
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
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
from mock_mixpanel.serving.connections.fast_protocol import FastHttpProtocol
from mock_mixpanel.serving.connections.whole_requests import (
    LARGEST_KEPT,
    LONGEST_HEAD,
    PlainRequest,
)
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
        find = PlainRequest.find

        def noted(data: bytes, *arguments: Any) -> PlainRequest | None:
            found = find(data, *arguments)
            self.whole.append(found is not None and found.size == len(data))
            return found

        with self._patch.context() as patch:
            patch.setattr(PlainRequest, "find", noted)
            first = exchange(self.at_once, sent)
        with self._patch.context() as patch:
            patch.setattr(PlainRequest, "find", lambda *arguments: None)
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

    def append_packed(*arguments: Any) -> bool:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        for each in (ways.at_once, ways.by_uvicorn):
            patch.setattr(each.backend.log, "append_packed", append_packed)
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
        return True

    def write_eof(self) -> None:
        self.sent += b"(end)"

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def connected(application: Application) -> tuple[FastHttpProtocol, Connection]:
    """A connection to an application in the running event loop."""
    config = uvicorn.Config(application, interface="asgi3", log_config=None, log_level=None)
    protocol, connection = FastHttpProtocol(config, ServerState(), {}), Connection()
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
        patch.setattr(PlainRequest, "find", lambda *arguments: None)
        assert at_once == asyncio.run(received(second, damaged))
    first.close()
    second.close()


def pieces_of(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Data cut at some places."""
    ends = sorted({place for place in places if 0 < place < len(data)})
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


async def talk(
    application: Application, pieces: Sequence[bytes], end: str, *, waits: bool = True
) -> tuple[Any, ...]:
    """What a client receives that sends some pieces: before and after the end.

    `end` names what happens then. The last value says whether the connection was closed by it.
    Unless it `waits` for responses, the client sends all pieces at once.
    """
    protocol, connection = connected(application)

    async def settle() -> None:
        while protocol.tasks and not protocol.cycle.more_body:
            await asyncio.wait(protocol.tasks)
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    for piece in pieces:
        if not connection.closed:
            protocol.data_received(piece)
            if waits:
                await settle()
    await settle()
    before = connection.sent
    if end == "no more data":
        protocol.eof_received()
    elif end == "a silent client":
        protocol._last_active -= 2 * protocol.timeout_keep_alive
        protocol._check_idle()
    elif end == "a stop, then the rest":
        protocol.shutdown()
        if not connection.closed:
            protocol.data_received(b"]" * 10)
            await settle()
            protocol.eof_received()
    elif end == "a stop":
        protocol.shutdown()
        protocol.eof_received()
    closed = connection.closed
    protocol.connection_lost(None)
    if protocol.tasks:
        await asyncio.wait(protocol.tasks)
    return before, connection.sent, closed


ENDS = ["no more data", "a silent client", "a stop", "a stop, then the rest", "a lost connection"]


def both_ways(pieces: Sequence[bytes], end: str, *, waits: bool = True) -> tuple[Any, Any]:
    """What a client receives, and the journal: at once, and by uvicorn alone."""
    found = []
    for at_once in (True, False):
        backend = Backend(Config(limits=MixpanelLimits(body_bytes=MOST_BYTES)))
        backend.clock.change(now=NOW_SECONDS, freeze=True)
        application = Application(backend, {})
        with pytest.MonkeyPatch.context() as patch:
            if not at_once:
                patch.setattr(PlainRequest, "find", lambda *arguments: None)
            received = asyncio.run(talk(application, pieces, end, waits=waits))
        found.append((received, backend.log.journal()))
        application.close()
    return found[0], found[1]


@settings(max_examples=times(100, 2000))
@given(
    names=st.lists(st.sampled_from(sorted(WHOLE)), max_size=2),
    others=st.lists(st.sampled_from(sorted(OTHER)), max_size=1),
    last=st.sampled_from(sorted(WHOLE)),
    places=st.lists(st.integers(0, 900), max_size=4),
    missing=st.integers(0, 40) | st.just(0),
    end=st.sampled_from(ENDS),
    waits=st.booleans(),
)
def test_pieces(
    names: list[str],
    others: list[str],
    last: str,
    places: list[int],
    missing: int,
    end: str,
    waits: bool,
) -> None:
    """In whatever pieces requests arrive, and however they end, both ways do the same."""
    requests = [*(WHOLE[name] for name in names), *(OTHER[name] for name in others), WHOLE[last]]
    sent = b"".join(requests)
    pieces = pieces_of(sent[: len(sent) - missing], places)
    at_once, by_uvicorn = both_ways(pieces, end, waits=waits)
    assert at_once == by_uvicorn


EARLIER = {
    "a request that uvicorn answers": OTHER["GET"],
    "a request without its body": post()[:-5],
    "a request and a part": OTHER["a request and a part"],
    "garbage": b"\0\r\n\r\n",
    "a request and garbage": OTHER["a request and garbage"],
    "a request that closes the connection": OTHER["the connection closed"],
}


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("earlier", EARLIER)
def test_a_whole_request_after_something_else(earlier: str, waits: bool) -> None:
    """A whole request that arrives before a connection is ready for it is not answered at once."""
    pieces = [EARLIER[earlier], post("/track?verbose=1")]
    at_once, by_uvicorn = both_ways(pieces, "no more data", waits=waits)
    assert at_once == by_uvicorn


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", ["an event", "a form", "a body that is too large"])
def test_a_body_without_its_end(name: str, end: str) -> None:
    """A request whose body never ends is answered and journaled as uvicorn lets it be."""
    head, body = WHOLE[name].split(b"\r\n\r\n")
    at_once, by_uvicorn = both_ways([head + b"\r\n\r\n", body[:5], body[5:-3]], end)
    assert at_once == by_uvicorn
    assert len(at_once[1]) == 1


@pytest.mark.parametrize("name", WHOLE)
def test_head_and_body_apart(ways: Ways, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A client that sends the body after the head is answered at once as well."""
    start = WHOLE[name].index(b"\r\n\r\n") + 4
    parsed: list[bytes] = []
    with monkeypatch.context() as patch:
        patch.setattr(FastHttpProtocol, "_parse", lambda self, data: parsed.append(data))
        backend = Backend(Config(limits=MixpanelLimits(body_bytes=MOST_BYTES)))
        application = Application(backend, {})
        asyncio.run(talk(application, pieces_of(WHOLE[name], [start, start + 1]), "a stop"))
        application.close()
    assert len(backend.log.journal()) == 1
    status = exchange(ways.at_once, WHOLE[name])[9:12]
    assert parsed == ([] if status == b"200" else [WHOLE[name]])


def test_a_large_body_is_left_to_uvicorn() -> None:
    """Only so many bytes are kept; of a larger body uvicorn reads what it has room for."""
    body = b" " * (LARGEST_KEPT + 1) + RECORDS
    protocols: list[FastHttpProtocol] = []

    async def kept() -> int:
        application = Application(Backend(), {})
        protocol, _ = connected(application)
        protocols.append(protocol)
        protocol.data_received(post(body=body)[:5000])
        found = protocol._awaited
        for task in protocol.tasks:
            task.cancel()
        protocol.connection_lost(None)
        application.close()
        return found

    assert asyncio.run(kept()) == 0
    assert protocols[0].cycle.more_body is True


def test_parts_of_uvicorn() -> None:
    """The parts of uvicorn that connections rely on, and that are not public, are still there.

    If this fails, a new version has changed them: compare `HttpProtocol` and `FastHttpProtocol`
    with uvicorn's protocol before the range of versions in pyproject.toml is widened.
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
