"""Several workers over TLS, and faults that close an encrypted connection."""

import http.client
import json
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.clients.needs import python_client
from tests.mock_mixpanel.serving.test_serve_command import serving, urls
from tests.mock_mixpanel.wire import event

python_client("trustme")

VERBOSE = b'{"error":null,"status":1}'


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, str]]:
    """The base URL, and the file of the authority to trust."""
    with serving("--port", "0", "--workers", "2", "--tls") as process:
        found = urls(process, 2)
        yield found["us"], found["ca"]


@pytest.fixture
def mock(served: tuple[str, str]) -> Iterator[MockMixpanel]:
    url, authority = served
    made = MockMixpanel(url, "T", ca_file=authority)
    yield made
    made.reset()
    made.close()


@pytest.fixture
def connection(served: tuple[str, str]) -> Iterator[http.client.HTTPSConnection]:
    """One connection, which is kept until someone closes it."""
    url, authority = served
    trusting = ssl.create_default_context(cafile=authority)
    kept = http.client.HTTPSConnection(urlsplit(url).netloc, timeout=30, context=trusting)
    kept.connect()
    kept.auto_open = 0
    yield kept
    kept.close()


def ask(connection: http.client.HTTPSConnection, record: Any) -> http.client.HTTPResponse:
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/track?verbose=1", json.dumps(record), headers)
    return connection.getresponse()


def test_true_answers(mock: MockMixpanel, connection: http.client.HTTPSConnection) -> None:
    """Events arrive, and the connection is kept."""
    for name in "AB":
        assert ask(connection, event(mock, name)).read() == VERBOSE
    assert [each["event"] for each in mock.events()] == ["A", "B"]


def test_closed_before(mock: MockMixpanel, connection: http.client.HTTPSConnection) -> None:
    """Not a byte of an answer arrives, and nothing is stored."""
    mock.faults({"match": {"times": 1}, "action": {"close": "before"}})
    with pytest.raises((ConnectionError, ssl.SSLError)):
        ask(connection, event(mock))
    assert mock.events() == []


def test_closed_during(mock: MockMixpanel, connection: http.client.HTTPSConnection) -> None:
    """The length is announced, and half of it comes."""
    mock.faults({"match": {"times": 1}, "action": {"store_then": {"close": "during"}}})
    answer = ask(connection, event(mock))
    assert (200, str(len(VERBOSE))) == (answer.status, answer.headers["Content-Length"])
    assert VERBOSE[: len(VERBOSE) // 2] == answer.read(len(VERBOSE) // 2)
    with pytest.raises((http.client.IncompleteRead, ConnectionError, ssl.SSLError)):
        answer.read()
    assert len(mock.events()) == 1


def test_closed_after(mock: MockMixpanel, connection: http.client.HTTPSConnection) -> None:
    """The answer is whole, but the next request finds no server."""
    mock.faults({"match": {"times": 1}, "action": {"close": "after"}})
    assert ask(connection, event(mock)).read() == VERBOSE
    assert connection.sock.recv(1) == b""
    assert len(mock.events()) == 1
