"""Several workers take cut bodies for what they are, and go on whatever is sent."""

import socket
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.serving.test_hostile_connections import (
    CUT,
    NO_REQUEST,
    SECONDS,
    awaited,
    journal,
)
from tests.mock_mixpanel.wire import event, http, names, send


def say(mock: MockMixpanel, sent: bytes) -> bytes:
    """Send something and then no more; what is said to that until the connection ends."""
    received = b""
    address = urlsplit(mock.url)
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while some := connection.recv(4096):
                received += some
    return received


@pytest.fixture(autouse=True)
def empty(mock_mixpanel: MockMixpanel) -> None:
    """Nothing in the journal: what cannot be read belongs to no project."""
    http("POST", f"{mock_mixpanel.url}/_mock/reset").raise_for_status()


@pytest.mark.parametrize("path", ["/track", "/import", "/engage", "/api/2.0/engage"])
@pytest.mark.parametrize("cut", CUT)
def test_cut_body(mock_mixpanel: MockMixpanel, cut: str, path: str) -> None:
    """A body that does not arrive whole is a 400, recorded, and nothing of it is stored."""
    head, _ = CUT[cut]
    kind = b"Content-Type: application/json\r\n"
    received = say(mock_mixpanel, f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode() + kind + head)
    assert received[:26] == b"HTTP/1.1 400 Bad Request\r\n"
    [request] = awaited(mock_mixpanel)
    assert request["response"]["status"] == 400
    assert [verdict for verdict in request["verdicts"] if verdict["accepted"]] == []
    told = [reason for verdict in request["verdicts"] for reason in verdict["reasons"]]
    assert all(reason.startswith("body: ") for reason in told), told
    assert path.startswith("/api") or told


def test_cut_reset(mock_mixpanel: MockMixpanel) -> None:
    """A reset of one project that is cut is not taken for one of everything."""
    assert send(mock_mixpanel, "/track", event(mock_mixpanel, "Kept")).content == b"1"
    for head in (b"Content-Length: 500\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n2\r\n  \r\n"):
        say(mock_mixpanel, b"POST /_mock/reset HTTP/1.1\r\nHost: x\r\n" + head)
    send(mock_mixpanel, "/track", event(mock_mixpanel, "Later"))
    assert names(mock_mixpanel) == ["Kept", "Later"]


READ_ALL_THE_SAME = {"a long header", "many headers"}
"""What comes at once is not too long for this server."""


@pytest.mark.parametrize("name", sorted(set(NO_REQUEST) - READ_ALL_THE_SAME))
def test_what_is_no_request(mock_mixpanel: MockMixpanel, name: str) -> None:
    """What is no request of HTTP is answered with a page, and recorded without its query."""
    sent, _ = NO_REQUEST[name]
    assert b"<!DOCTYPE html><title>400</title>" in say(mock_mixpanel, sent)
    [request] = journal(mock_mixpanel)
    assert (request["response"]["status"], request["payload"]) == (400, [])
    assert "data" not in request["path"]
    assert send(mock_mixpanel, "/track", event(mock_mixpanel)).content == b"1"


def test_a_head_without_end(mock_mixpanel: MockMixpanel) -> None:
    """A head that gets too long is refused while it arrives."""
    address = urlsplit(mock_mixpanel.url)
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as connection:
        connection.sendall(b"GET /track?data=1 HTTP/1.1\r\nX: ")
        with suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"a" * 100_000)
    [request] = journal(mock_mixpanel)
    assert (request["path"], request["response"]["status"]) == ("/track", 431)


def track(mock: MockMixpanel, more: bytes = b"") -> bytes:
    """A whole request that stores an event."""
    body = b'[{"event":"E","properties":{"token":"%s"}}]' % mock.token.encode()
    head = b"POST /track HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + more
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_requests_at_once(mock_mixpanel: MockMixpanel) -> None:
    """Who sends several requests without waiting, and then no more, gets all the answers."""
    received = say(mock_mixpanel, 3 * track(mock_mixpanel))
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert len(mock_mixpanel.events()) == 3


def test_many_requests_at_once(mock_mixpanel: MockMixpanel) -> None:
    """However many come at once, wherever what is read at once ends: none is too long."""
    received = say(mock_mixpanel, 3000 * track(mock_mixpanel))
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 3000
    assert len(mock_mixpanel.events()) == 3000


@pytest.mark.parametrize("attempt", range(10))
def test_no_more_to_come(mock_mixpanel: MockMixpanel, attempt: int) -> None:
    """Who sends a request and closes that half of the connection at once is answered."""
    assert say(mock_mixpanel, track(mock_mixpanel))[:17] == b"HTTP/1.1 200 OK\r\n", attempt


@pytest.mark.parametrize(
    ("after", "told"),
    [(b"garbage\r\n\r\n", b"This is no HTTP"), (b"POST /tra", b"The head of the request is cut")],
)
def test_true_answers_come_first(mock_mixpanel: MockMixpanel, after: bytes, told: bytes) -> None:
    """What is no request takes nothing from the requests before it, and closes the connection."""
    first, second, refusal = say(mock_mixpanel, 2 * track(mock_mixpanel) + after).split(b"HTTP/")[
        1:
    ]
    assert [first[:10], second[:10]] == [b"1.1 200 OK", b"1.1 200 OK"]
    assert (refusal[:7], told in refusal) == (b"1.1 400", True)
    assert [each["response"]["status"] for each in journal(mock_mixpanel)] == [200, 200, 400]


def test_headers_of_the_journal(mock_mixpanel: MockMixpanel) -> None:
    """Headers are journaled as they came, but for those that WSGI servers leave out."""
    say(mock_mixpanel, b"GET /nowhere HTTP/1.1\r\nHost: x\r\nX_Forwarded_For: 1.2.3.4\r\n\r\n")
    assert [each["headers"] for each in journal(mock_mixpanel)] == [{"Host": "x"}]


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_another_protocol(mock_mixpanel: MockMixpanel, protocol: str) -> None:
    """Who would like another protocol is answered in HTTP/1.1, and what it sent is kept."""
    more = b"Connection: Upgrade\r\nUpgrade: %s\r\n" % protocol.encode()
    received = say(mock_mixpanel, track(mock_mixpanel, more) + track(mock_mixpanel))
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 1
    assert b"connection: close\r\n" in received
    assert len(mock_mixpanel.events()) == 1
    say(mock_mixpanel, b"GET /track?ip=1 HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n")
    assert journal(mock_mixpanel)[-1]["query"] == {"ip": "1"}


def test_chunks_and_trailers(mock_mixpanel: MockMixpanel) -> None:
    """A body in chunks arrives, and so does one with trailers that were announced."""
    body = b'[{"event":"E","properties":{"token":"%s"}}]' % mock_mixpanel.token.encode()
    chunk = b"%x\r\n%s\r\n0\r\n" % (len(body), body)
    for more, end in ((b"", b"\r\n"), (b"Trailer: Digest\r\n", b"Digest: x\r\n\r\n")):
        head = b"POST /track HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + more
        say(mock_mixpanel, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + end)

    @retry(
        retry=retry_if_result(lambda found: len(found) < 2),
        stop=stop_after_delay(SECONDS),
        wait=wait_fixed(0.05),
    )
    def events() -> list[dict[str, Any]]:
        return mock_mixpanel.events()

    assert len(events()) == 2
    assert [
        name
        for each in journal(mock_mixpanel)
        for name in each["headers"]
        if name in ("Trailer", "Digest")
    ] == ["Trailer"]
