"""Several workers take cut bodies for what they are, and go on whatever is sent."""

import socket
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from mock_mixpanel.client import MockMixpanel
from tests.mock.test_hostile_connections import CUT, NO_REQUEST
from tests.mock.wire import event, http, names, send

SECONDS = 30


def journal(mock: MockMixpanel) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http("GET", f"{mock.url}/_mock/requests").json()
    return found


@retry(
    retry=retry_if_result(lambda found: not found),
    stop=stop_after_delay(SECONDS),
    wait=wait_fixed(0.05),
)
def awaited(mock: MockMixpanel) -> list[dict[str, Any]]:
    """The journal, once there is something in it."""
    return journal(mock)


def say(mock: MockMixpanel, sent: bytes) -> None:
    """Send something, and wait until the server has done with it."""
    address = urlsplit(mock.url)
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while connection.recv(4096):
                pass


@pytest.fixture(autouse=True)
def empty(mock_mixpanel: MockMixpanel) -> None:
    """Nothing in the journal: what cannot be read belongs to no project."""
    http("POST", f"{mock_mixpanel.url}/_mock/reset").raise_for_status()


@pytest.mark.parametrize("path", ["/track", "/import", "/engage", "/api/2.0/engage"])
@pytest.mark.parametrize("cut", CUT)
def test_cut_body(mock_mixpanel: MockMixpanel, cut: str, path: str) -> None:
    """A body that does not arrive whole is recorded as a 400, and nothing of it is stored."""
    head, _ = CUT[cut]
    kind = b"Content-Type: application/json\r\n"
    say(mock_mixpanel, f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode() + kind + head)
    [request] = awaited(mock_mixpanel)
    assert 400 == request["response"]["status"]
    assert [] == [verdict for verdict in request["verdicts"] if verdict["accepted"]]
    told = [reason for verdict in request["verdicts"] for reason in verdict["reasons"]]
    assert all(reason.startswith("body: ") for reason in told), told
    assert path.startswith("/api") or told


def test_cut_reset(mock_mixpanel: MockMixpanel) -> None:
    """A reset of one project that is cut is not taken for one of everything."""
    assert b"1" == send(mock_mixpanel, "/track", event(mock_mixpanel, "Kept")).content
    for head in (b"Content-Length: 500\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n2\r\n  \r\n"):
        say(mock_mixpanel, b"POST /_mock/reset HTTP/1.1\r\nHost: x\r\n" + head)
    send(mock_mixpanel, "/track", event(mock_mixpanel, "Later"))
    assert ["Kept", "Later"] == names(mock_mixpanel)


@pytest.mark.parametrize("name", NO_REQUEST)
def test_what_is_no_request(mock_mixpanel: MockMixpanel, name: str) -> None:
    """What is no request stores nothing, and the server goes on."""
    sent, _ = NO_REQUEST[name]
    say(mock_mixpanel, sent)
    assert b"1" == send(mock_mixpanel, "/track", event(mock_mixpanel)).content
    assert 1 == len(mock_mixpanel.events())


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

    assert 2 == len(events())
