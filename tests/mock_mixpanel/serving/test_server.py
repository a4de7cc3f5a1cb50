"""The server: connections, threads, ports."""

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from mock_mixpanel import Server, create_app
from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import event, send

JSON = {"Content-Type": "application/json"}


def connect(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)


@pytest.mark.parametrize("body", [b"", b"[]", b"{oops", b"x" * 70_000, b"x" * 12_000_000], ids=len)
def test_keep_alive(mock_mixpanel: MockMixpanel, body: bytes) -> None:
    """A connection serves request after request, also when a body was bad or not read."""
    connection = connect(mock_mixpanel.url)
    record = json.dumps(event(mock_mixpanel))
    addresses = set()
    for path in ("/track", "/no/such/path", "/track/"):
        connection.request("POST", path, body=body, headers=JSON)
        connection.getresponse().read()
        addresses.add(connection.sock.getsockname())
        connection.request("POST", "/track", body=record, headers=JSON)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"1")
        addresses.add(connection.sock.getsockname())
    assert len(addresses) == 1
    connection.close()


def test_pipelined_requests(mock_mixpanel: MockMixpanel) -> None:
    """Two requests sent at once on one connection are answered in their order."""
    body = json.dumps(event(mock_mixpanel)).encode()
    length = f"Content-Length: {len(body)}"
    head = f"POST /track%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n"
    address = urlsplit(mock_mixpanel.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        first = (head % "" + "\r\n").encode() + body
        second = (head % "?verbose=1" + "Connection: close\r\n\r\n").encode() + body
        connection.sendall(first + second)
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    parts = received.split(b"HTTP/1.1 200 OK")
    assert [part.partition(b"\r\n\r\n")[2] for part in parts] == [
        b"",
        b"1",
        b'{"error":null,"status":1}',
    ]


def test_threads(mock_mixpanel: MockMixpanel) -> None:
    """Requests at the same time are all stored, with ids of their own."""

    def post(number: int) -> bytes:
        return send(mock_mixpanel, "/track", [event(mock_mixpanel, n=number)] * 5).content

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(40)))
    assert answers == [b"1"] * 40
    events = mock_mixpanel.events()
    assert sorted(list(range(40)) * 5) == sorted(item["properties"]["n"] for item in events)
    assert len({item["id"] for item in events}) == 200
    assert len({request["id"] for request in mock_mixpanel.requests()}) == 40


def test_regions_that_are_asked_for() -> None:
    """Only the US has a port unless more are asked for."""
    with Server(in_port=0) as server:
        assert (server.eu_url, bool(server.in_url)) == (None, True)
        assert list(server.urls) == ["us", "in"]


def test_stop_ends_open_connections() -> None:
    """Stopping does not wait for clients that keep their connection."""
    server = Server().start()
    connection = connect(server.url)
    connection.request("GET", "/_mock/health")
    assert b'"ok"' in connection.getresponse().read()
    server.stop()
    assert connection.sock.recv(1) == b""
    connection.close()


def test_port_in_use() -> None:
    """A port that is taken is an OSError, and nothing stays open."""
    with Server() as server:
        port = urlsplit(server.url).port
        assert port is not None
        with pytest.raises(OSError, match="in use"):
            Server(port=0, eu_port=port).start()


def test_app_alone() -> None:
    """The application works without the server, as any Flask application."""
    client = create_app().test_client()
    record = {"event": "A", "properties": {"token": "T"}}
    assert client.post("/track", json=record).data == b"1"
    assert [item["event"] for item in client.get("/_mock/events").json or []] == ["A"]


def test_no_route_is_compiled_to_build_its_url() -> None:
    """A mock starts without compiling the functions of its routes that no page asks for."""
    adapter = create_app().url_map.bind("127.0.0.1")
    assert adapter.match("/track") == ("track", {})
    with pytest.raises(NotImplementedError, match="/track: url_for is not available"):
        adapter.build("track")
