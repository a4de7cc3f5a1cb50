"""Connections that are slow, cut or do not speak HTTP: journaled, and the server continues."""

import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from mock_mixpanel import Server
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.ingest.http_request import INCOMPLETE_BODY
from mock_mixpanel.serving import http_server
from tests.mock_mixpanel.wire import event, http
from tests.thorough import times

JSON = b"Content-Type: application/json\r\n"
SECONDS = 30


@pytest.fixture
def server(capfd: pytest.CaptureFixture[str]) -> Iterator[Server]:
    """A server of this test, which prints nothing to the error stream."""
    with Server() as running:
        yield running
    assert capfd.readouterr() == ("", "")


def connect(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=SECONDS)


def said(connection: socket.socket) -> bytes:
    """What a server sends until it closes the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def answer(server: Server, sent: bytes) -> bytes:
    """What the server sends to a client that sends something and then no more."""
    with connect(server) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return said(connection)


def body(server: Server) -> bytes:
    """The body of a request that would be stored."""
    return json.dumps([event(MockMixpanel(server.url, "T"))]).encode()


def journal(server: Server | MockMixpanel) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http("GET", f"{server.url}/_mock/requests").json()
    return found


@retry(
    retry=retry_if_result(lambda found: not found),
    stop=stop_after_delay(SECONDS),
    wait=wait_fixed(0.02),
)
def awaited(server: Server | MockMixpanel) -> list[dict[str, Any]]:
    """The journal, once there is something in it."""
    return journal(server)


def continues(server: Server) -> bool:
    """Whether the server still accepts events."""
    sent = http("POST", f"{server.url}/track", data=body(server), headers={"Content-Type": "a/b"})
    return sent.content == b"1"


CUT = {
    "in the body": b"Content-Length: 500\r\n\r\n[{",
    "after whole JSON": b"Content-Length: 500\r\n\r\n[{}]",
    "before the body": b"Content-Length: 500\r\n\r\n",
    "in a chunk": b"Transfer-Encoding: chunked\r\n\r\n10\r\n[{",
    "between chunks": b"Transfer-Encoding: chunked\r\n\r\n4\r\n[{}]\r\n",
    "in a huge chunk": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n[{",
    "in a trailer": b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\nDigest: x",
    "a chunk without its size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
    "a negative size": b"Transfer-Encoding: chunked\r\n\r\n-5\r\n[]\r\n0\r\n\r\n",
    "a size of no use": b"Transfer-Encoding: chunked\r\n\r\n%s\r\n[]" % (b"f" * 20),
    "a chunk that is too long": b"Transfer-Encoding: chunked\r\n\r\n2\r\n[{}]\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("path", ["/track", "/import?strict=1", "/engage", "/groups"])
@pytest.mark.parametrize("cut", CUT)
def test_cut_body(server: Server, cut: str, path: str) -> None:
    """A body that is not complete is a 400; nothing of it is stored, and it is journaled."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode() + JSON
    received = answer(server, head + CUT[cut])
    assert received[:26] == b"HTTP/1.1 400 Bad Request\r\n"
    assert b"\r\nconnection: close\r\n" in received
    [request] = journal(server)
    assert request["response"]["status"] == 400
    assert request["verdicts"] == [{"index": 0, "accepted": False, "reasons": [INCOMPLETE_BODY]}]
    assert continues(server)


def test_cut_reset(server: Server) -> None:
    """A reset of one project whose body is cut does not reset everything."""
    assert continues(server)
    for head in (b"Content-Length: 500\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n2\r\n  \r\n"):
        answer(server, b"POST /_mock/reset HTTP/1.1\r\nHost: x\r\n" + head)
    assert len(journal(server)) == 1


@pytest.mark.parametrize("path", ["/api/2.0/engage", "/lookup-tables/t", "/nowhere", "/record"])
def test_cut_body_elsewhere(server: Server, path: str) -> None:
    """A body that is cut is journaled, whatever the path."""
    method = "PUT" if "tables" in path else "POST"
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
    assert answer(server, head.encode() + b"abc")[:9] == b"HTTP/1.1 "
    assert [each["path"] for each in journal(server)] == [path]
    assert continues(server)


def test_client_that_is_gone(server: Server) -> None:
    """A client that closes the connection in the middle of a body is journaled as well."""
    with connect(server) as connection:
        connection.sendall(
            b"POST /track HTTP/1.1\r\nHost: x\r\n" + JSON + b"Content-Length: 500\r\n\r\n[{"
        )
    [request] = awaited(server)
    assert request["verdicts"][0]["reasons"] == [INCOMPLETE_BODY]
    assert continues(server)


NO_REQUEST = {
    "binary": (b"\x00\x01\x02\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "an unknown version": (b"GET /track HTTP/9.9\r\n\r\n", 400),
    "a long target": (b"GET /track?data=" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    "a long header": (b"GET /track HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "many headers": (b"GET /track HTTP/1.1\r\n" + b"X: a\r\n" * 40_000 + b"\r\n", 431),
    "no header": (b"GET /track HTTP/1.1\r\nnonsense\r\nContent-Length: 2\r\n\r\n{}", 400),
    "a header with a bare return": (b"GET /track HTTP/1.1\r\nOrigin: a\rb\r\n\r\n", 400),
    "a header with a null": (b"GET /track HTTP/1.1\r\nOrigin: a\0b\r\n\r\n", 400),
    "a cut head": (b"GET /track?data={} HTTP/1.1\r\nHost: x\r\nX-", 400),
    "a head without its end": (b"GET /track?data={} HTTP/1.1\r\nHost: x\r\n", 400),
    "a malformed target": (b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a negative length": (b"POST /track HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
    "a length that is text": (b"POST /track HTTP/1.1\r\nContent-Length: abc\r\n\r\n", 400),
    "a list of lengths": (b"POST /track HTTP/1.1\r\nContent-Length: 5,5\r\n\r\n", 400),
    "a length and chunks": (
        b"POST /track HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
    ),
}


@pytest.mark.parametrize("name", NO_REQUEST)
def test_what_is_not_a_request(server: Server, name: str) -> None:
    """What is not an HTTP request is answered with a page, and journaled without its query."""
    sent, status = NO_REQUEST[name]
    received = answer(server, sent)
    assert f"<!DOCTYPE html><title>{status}</title>".encode() in received
    [request] = journal(server)
    assert (request["response"]["status"], request["payload"]) == (status, [])
    assert "data" not in request["path"]
    assert continues(server)


def test_a_head_without_end(server: Server) -> None:
    """A head that gets too long is refused while it arrives."""
    with connect(server) as connection:
        connection.sendall(b"GET /track?data=1 HTTP/1.1\r\nX: ")
        with suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"a" * 100_000)
    [request] = awaited(server)
    assert (request["path"], request["response"]["status"]) == ("/track", 431)


def test_old_http(server: Server) -> None:
    """HTTP 0.9 and 1.0 get an answer and the end of the connection."""
    assert answer(server, b"GET /track\r\n\r\n")[-5:] == b"\r\n\r\n0"
    head = b"POST /track HTTP/1.0\r\n" + JSON
    length = f"Content-Length: {len(body(server))}\r\n\r\n".encode()
    received = answer(server, head + length + body(server))
    assert (received[:15], received[-5:]) == (b"HTTP/1.1 200 OK", b"\r\n\r\n1")


def track(more: bytes = b"") -> bytes:
    """A whole request that stores an event."""
    body = b'[{"event":"E","properties":{"token":"T"}}]'
    head = b"POST /track HTTP/1.1\r\nHost: x\r\n" + JSON + more
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("count", [1, 3, 3000])
def test_requests_at_once(server: Server, count: int) -> None:
    """A client that sends requests without waiting, and then no more, gets all the answers."""
    assert answer(server, count * track()).count(b"HTTP/1.1 200 OK\r\n") == count
    assert len(journal(server)) == count


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (b"garbage\r\n\r\n", b"Not a valid HTTP request"),
        (b"POST /tra", b"The head of the request is cut"),
    ],
)
def test_valid_requests_are_answered_first(server: Server, after: bytes, told: bytes) -> None:
    """Malformed input takes nothing from the requests before it, and closes the connection."""
    [first, second, refusal] = answer(server, 2 * track() + after).split(b"HTTP/")[1:]
    assert [first[:10], second[:10]] == [b"1.1 200 OK", b"1.1 200 OK"]
    assert (refusal[:7], told in refusal) == (b"1.1 400", True)
    assert [each["response"]["status"] for each in journal(server)] == [200, 200, 400]


def test_headers_of_the_journal(server: Server) -> None:
    """Headers are journaled as they came, except those that WSGI servers leave out."""
    answer(server, b"GET /nowhere HTTP/1.1\r\nHost: x\r\nX_Forwarded_For: 1.2.3.4\r\n\r\n")
    assert [each["headers"] for each in journal(server)] == [{"Host": "x"}]


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_another_protocol(server: Server, protocol: str) -> None:
    """A client that asks for another protocol is answered in HTTP/1.1, and its data is kept."""
    more = b"Connection: Upgrade\r\nUpgrade: %s\r\n" % protocol.encode()
    received = answer(server, track(more) + track())
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 1
    assert b"connection: close\r\n" in received
    assert [len(each["payload"]) for each in journal(server)] == [1]
    answer(server, b"GET /track?ip=1 HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n")
    assert journal(server)[-1]["query"] == {"ip": "1"}


@pytest.mark.parametrize("sizes", [[1], [7, 3], [1000]])
@pytest.mark.parametrize(
    ("more", "end"), [(b"", b"\r\n"), (b"Trailer: Digest\r\n", b"Digest: x\r\n\r\n")]
)
def test_chunks_and_trailers(server: Server, sizes: list[int], more: bytes, end: bytes) -> None:
    """A body in chunks of any size arrives; trailers after it are not taken for headers."""
    head = b"POST /track HTTP/1.1\r\nHost: x\r\n" + JSON + more
    data, chunks = body(server), b""
    for size in cycle(sizes):
        piece, data = data[:size], data[size:]
        chunks += b"%x;name=value\r\n%s\r\n" % (len(piece), piece) if piece else b"0\r\n" + end
        if not piece:
            break
    received = answer(server, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert received[-1:] == b"1"
    [request] = journal(server)
    assert request["payload"] == json.loads(body(server))
    assert "Digest" not in request["headers"]


def test_slow_clients(server: Server) -> None:
    """Many clients that send nothing, or a little, delay no other client."""
    head = b"POST /track HTTP/1.1\r\nHost: x\r\n" + JSON + b"Content-Length: 500\r\n\r\n["
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(server)) for _ in range(60)]
        for number, connection in enumerate(slow):
            connection.sendall(head[: number * 2])
        assert continues(server)
    assert continues(server)


def test_many_connections_closed_at_once(server: Server) -> None:
    """Thousands of idle connections that all close at once do not delay the next request."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = 10_000
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * count + 1000), hard))
    count = min(count, (min(hard, 2 * count + 1000) - 1000) // 2)
    try:
        with ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(connect(server))
            assert continues(server)
        start = time.monotonic()
        assert continues(server)
        assert time.monotonic() - start < SECONDS / 2
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("sent", "received"), [(b"", b""), (b"POST /tra", b""), (track(), b"HTTP/1.1 200 OK")]
)
def test_silent_connection(monkeypatch: pytest.MonkeyPatch, sent: bytes, received: bytes) -> None:
    """A connection whose client stays silent is closed, before, in and after a request."""
    monkeypatch.setattr(http_server, "KEEP_ALIVE_SECONDS", 0.2)
    with Server() as running, connect(running) as connection:
        connection.sendall(sent)
        assert said(connection)[:15] == received


def test_silence_in_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that stays silent in the middle of a body is answered, journaled and closed."""
    monkeypatch.setattr(http_server, "KEEP_ALIVE_SECONDS", 0.2)
    head = b"POST /track HTTP/1.1\r\nHost: x\r\n" + JSON + b"Content-Length: 500\r\n\r\n["
    with Server() as running:
        with connect(running) as connection:
            connection.sendall(head)
            assert said(connection)[:26] == b"HTTP/1.1 400 Bad Request\r\n"
        [request] = journal(running)
    assert [each["reasons"] for each in request["verdicts"]] == [[INCOMPLETE_BODY]]


def test_response_that_is_not_read(server: Server) -> None:
    """Clients that leave before a large answer is sent delay no other client."""
    big = event(MockMixpanel(server.url, "T"), text="x" * 200_000)
    for _ in range(20):
        assert http("POST", f"{server.url}/track", json=[big]).content == b"1"
    for _ in range(5):
        with connect(server) as connection:
            connection.sendall(b"GET /_mock/requests HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.recv(10)
    assert continues(server)


WHOLE = (
    b"POST /import?strict=1&data=%7B%7D HTTP/1.1\r\nHost: api.mixpanel.com\r\n"
    b"Authorization: Basic VDo=\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"Content-Encoding: identity\r\nX-Forwarded-For: 192.0.2.1, x\r\nOrigin: http://a.test\r\n"
    b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    b'8\r\n[{"a":1}\r\n1\r\n]\r\n0\r\n\r\n'
)
PIECES = st.one_of(
    st.binary(max_size=3),
    st.sampled_from([b"\r\n", b"\0", b"\xff", b" ", b":", b"%", b"/", b"?", b"-1", b"9" * 400]),
)
DAMAGE = st.lists(
    st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 20), PIECES), min_size=1, max_size=4
)


@settings(max_examples=times(40, 500), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=DAMAGE)
def test_damaged_requests(server: Server, damage: list[tuple[int, int, bytes]]) -> None:
    """However a request is damaged, it is answered or its connection is closed; never a 500."""
    sent = WHOLE
    for place, length, piece in damage:
        sent = sent[:place] + piece + sent[place + length :]
    received = answer(server, sent)
    assert b" 500 " not in received
    assert continues(server)
