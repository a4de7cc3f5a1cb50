"""Connections that are slow, cut or do not speak HTTP: recorded, and the server goes on."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from mock_mixpanel import Server
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.serving.server import _Handler
from tests.mock_mixpanel.wire import event, http

JSON = b"Content-Type: application/json\r\n"
SECONDS = 30


@pytest.fixture
def server(capfd: pytest.CaptureFixture[str]) -> Iterator[Server]:
    """A server of the test's own, which has nothing to say on the error stream."""
    with Server() as running:
        yield running
    assert capfd.readouterr() == ("", "")


def connect(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=SECONDS)


def said(connection: socket.socket) -> bytes:
    """What a server says until it closes the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def answer(server: Server, sent: bytes) -> bytes:
    """What is said to one who sends something and then no more."""
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


def goes_on(server: Server) -> bool:
    """Whether the server still takes events."""
    sent = http("POST", f"{server.url}/track", data=body(server), headers={"Content-Type": "a/b"})
    return sent.content == b"1"


CUT = {
    "in the body": (b"Content-Length: 500\r\n\r\n[{", "after 2 of 500 bytes"),
    "after whole JSON": (b"Content-Length: 500\r\n\r\n[{}]", "after 4 of 500 bytes"),
    "before the body": (b"Content-Length: 500\r\n\r\n", "after 0 of 500 bytes"),
    "in a chunk": (b"Transfer-Encoding: chunked\r\n\r\n10\r\n[{", "after 2 bytes"),
    "between chunks": (b"Transfer-Encoding: chunked\r\n\r\n4\r\n[{}]\r\n", "after 4 bytes"),
    "in a huge chunk": (b"Transfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n[{", "after 2 bytes"),
}


@pytest.mark.parametrize("path", ["/track", "/import?strict=1", "/engage", "/groups"])
@pytest.mark.parametrize("cut", CUT)
def test_cut_body(server: Server, cut: str, path: str) -> None:
    """A body that does not arrive whole is a 400; nothing of it is stored, and it is recorded."""
    head, told = CUT[cut]
    received = answer(server, f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode() + JSON + head)
    assert received[:26] == b"HTTP/1.1 400 BAD REQUEST\r\n"
    [request] = journal(server)
    assert request["response"]["status"] == 400
    assert request["verdicts"] == [
        {"index": 0, "accepted": False, "reasons": [f"body: the connection ended {told}"]}
    ]
    assert goes_on(server)


@pytest.mark.parametrize("path", ["/api/2.0/engage", "/lookup-tables/t", "/nowhere", "/record"])
def test_cut_body_elsewhere(server: Server, path: str) -> None:
    """A body that is cut is recorded, whatever was asked."""
    method = "PUT" if "tables" in path else "POST"
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
    assert answer(server, head.encode() + b"abc")[:9] == b"HTTP/1.1 "
    assert [each["path"] for each in journal(server)] == [path]
    assert goes_on(server)


def test_client_that_is_gone(server: Server) -> None:
    """Who closes the connection in the middle of a body is recorded as well."""
    with connect(server) as connection:
        connection.sendall(
            b"POST /track HTTP/1.1\r\nHost: x\r\n" + JSON + b"Content-Length: 500\r\n\r\n[{"
        )
    [request] = awaited(server)
    reasons = request["verdicts"][0]["reasons"]
    assert reasons == ["body: the connection ended after 2 of 500 bytes"]
    assert goes_on(server)


NO_REQUEST = {
    "binary": (b"\x00\x01\x02\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "a version to come": (b"GET /track HTTP/9.9\r\n\r\n", 505),
    "a long address": (b"GET /track?data=" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    "a long header": (b"GET /track HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "many headers": (b"GET /track HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431),
    "no header": (b"GET /track HTTP/1.1\r\nnonsense\r\nContent-Length: 2\r\n\r\n{}", 400),
    "a header with a bare return": (b"GET /track HTTP/1.1\r\nOrigin: a\rb\r\n\r\n", 400),
    "a header with a null": (b"GET /track HTTP/1.1\r\nOrigin: a\0b\r\n\r\n", 400),
    "a head that is cut": (b"GET /track?data={} HTTP/1.1\r\nHost: x\r\nX-", 400),
    "a head without its end": (b"GET /track?data={} HTTP/1.1\r\nHost: x\r\n", 400),
    "no address": (b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", NO_REQUEST)
def test_what_is_no_request(server: Server, name: str) -> None:
    """What is no request of HTTP is answered with a page, and recorded without its query."""
    sent, status = NO_REQUEST[name]
    received = answer(server, sent)
    assert f"<!DOCTYPE html><title>{status}</title>".encode() in received
    [request] = journal(server)
    assert (request["response"]["status"], request["payload"]) == (status, [])
    assert "data" not in request["path"]
    assert goes_on(server)


def test_old_http(server: Server) -> None:
    """HTTP 0.9 gets a body without headers, 1.0 an answer and the end of the connection."""
    assert answer(server, b"GET /track\r\n\r\n") == b"0"
    head = b"POST /track HTTP/1.0\r\n" + JSON
    length = f"Content-Length: {len(body(server))}\r\n\r\n".encode()
    received = answer(server, head + length + body(server))
    assert (received[:15], received[-5:]) == (b"HTTP/1.1 200 OK", b"\r\n\r\n1")


def test_slow_clients(server: Server) -> None:
    """Many clients that say nothing, or a little, hold up nobody."""
    head = b"POST /track HTTP/1.1\r\nHost: x\r\n" + JSON + b"Content-Length: 500\r\n\r\n["
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(server)) for _ in range(60)]
        for number, connection in enumerate(slow):
            connection.sendall(head[: number * 2])
        assert goes_on(server)
    assert goes_on(server)


def test_silence(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who says nothing in the middle of a body for too long is answered, recorded and let go."""
    monkeypatch.setattr(_Handler, "timeout", 0.05)
    head = b"POST /track HTTP/1.1\r\nHost: x\r\n" + JSON + b"Content-Length: 500\r\n\r\n["
    with connect(server) as connection:
        connection.sendall(head)
        assert said(connection)[:26] == b"HTTP/1.1 400 BAD REQUEST\r\n"
    [request] = journal(server)
    assert [each["reasons"] for each in request["verdicts"]] == [["body: timed out"]]


def test_answer_that_nobody_reads(server: Server) -> None:
    """Clients that go away before a large answer hold up nobody."""
    big = event(MockMixpanel(server.url, "T"), text="x" * 200_000)
    for _ in range(20):
        assert http("POST", f"{server.url}/track", json=[big]).content == b"1"
    for _ in range(5):
        with connect(server) as connection:
            connection.sendall(b"GET /_mock/requests HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.recv(10)
    assert goes_on(server)


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


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=DAMAGE)
def test_damaged_requests(server: Server, damage: list[tuple[int, int, bytes]]) -> None:
    """However a request is damaged, it is answered or let go, and never a failure."""
    sent = WHOLE
    for place, length, piece in damage:
        sent = sent[:place] + piece + sent[place + length :]
    received = answer(server, sent)
    assert b" 500 " not in received
    assert goes_on(server)
