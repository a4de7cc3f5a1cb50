"""The mock over TLS: certificates, Mixpanel's host names, and clients that break the handshake."""

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from mock_mixpanel import Server
from mock_mixpanel.cli import main
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.serving.tls import Certificate, TlsError, make
from tests.clients.needs import python_client
from tests.command import run_here
from tests.forked_process import ForkedProcess
from tests.mock_mixpanel.wire import event

trustme = python_client("trustme")

JSON = {"Content-Type": "application/json"}
SERVE = ["-m", "mock_mixpanel", "serve", "--port", "0"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(certificate: Certificate) -> Iterator[Server]:
    with Server(certificate=certificate, eu_port=0) as running:
        yield running


@pytest.fixture
def mock(server: Server, certificate: Certificate) -> Iterator[MockMixpanel]:
    """A project in a mock that speaks https only."""
    made = MockMixpanel(server.url, "T", ca_file=str(certificate.authority))
    yield made
    made.reset()
    made.close()


def post(url: str, certificate: Certificate, record: Any, **more: Any) -> requests.Response:
    """POST a record to /track, trusting the authority alone."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(certificate.authority)
        return session.post(f"{url}/track", json=record, timeout=30, **more)


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    """A connection to the port, before any handshake."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        yield connection


def test_requests(mock: MockMixpanel, server: Server, certificate: Certificate) -> None:
    """Every port uses https, and a record has the region of its port."""
    assert server.eu_url
    for url in (server.url, server.eu_url):
        assert urlsplit(url).scheme == "https"
        assert post(url, certificate, event(mock)).content == b"1"
    assert [each["region"] for each in mock.events()] == ["us", "eu"]


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("api.mixpanel.com", "us"),
        ("mixpanel.com", "us"),
        ("api-eu.mixpanel.com", "eu"),
        ("data-in.mixpanel.com", "in"),
        ("localhost", "us"),
    ],
)
def test_names(
    mock: MockMixpanel, server: Server, certificate: Certificate, host: str, region: str
) -> None:
    """The certificate holds for Mixpanel's hosts, and the name asked for gives the region."""
    context = ssl.create_default_context(cafile=certificate.authority)
    body = b'[{"event":"E","properties":{"token":"T"}}]'
    head = (
        f"POST /track HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with connected(server) as plain, context.wrap_socket(plain, server_hostname=host) as connection:
        connection.sendall(head.encode() + body)
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert (received[:15], received[-1:]) == (b"HTTP/1.1 200 OK", b"1")
    assert [each["region"] for each in mock.events()] == [region]


def test_keep_alive(mock: MockMixpanel, certificate: Certificate) -> None:
    """A connection serves request after request."""
    address = urlsplit(mock.url)
    assert address.hostname
    context = ssl.create_default_context(cafile=certificate.authority)
    connection = HTTPSConnection(address.hostname, address.port, context=context, timeout=30)
    ports = set()
    for _ in range(3):
        connection.request("POST", "/track", json.dumps(event(mock)), JSON)
        assert connection.getresponse().read() == b"1"
        ports.add(connection.sock.getsockname())
    connection.close()
    assert (len(ports), len(mock.events())) == (1, 3)


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 5000])
def test_no_handshake(
    mock: MockMixpanel,
    server: Server,
    certificate: Certificate,
    capfd: pytest.CaptureFixture[str],
    said: bytes,
) -> None:
    """A client without a handshake delays no other client and causes no error output."""
    with connected(server) as silent:
        silent.sendall(said)
        assert post(server.url, certificate, event(mock)).content == b"1"
    assert post(server.url, certificate, event(mock)).content == b"1"
    assert capfd.readouterr() == ("", "")


def test_client_without_trust(
    mock: MockMixpanel, server: Server, certificate: Certificate, capfd: pytest.CaptureFixture[str]
) -> None:
    """A client that does not trust the authority disconnects; the server continues."""
    with pytest.raises(requests.exceptions.SSLError):
        requests.post(f"{server.url}/track", json=event(mock), timeout=30)
    assert post(server.url, certificate, event(mock)).content == b"1"
    assert len(mock.events()) == 1
    assert capfd.readouterr() == ("", "")


def test_cut_connection(mock: MockMixpanel, server: Server, certificate: Certificate) -> None:
    """A fault closes a TLS connection too."""
    mock.faults({"match": {"nth": 1}, "action": {"close": True}})
    with pytest.raises(requests.exceptions.ConnectionError):
        post(server.url, certificate, event(mock))
    assert post(server.url, certificate, event(mock)).content == b"1"


def test_stop_ends_open_connections(
    certificate: Certificate, capfd: pytest.CaptureFixture[str]
) -> None:
    """Stopping does not wait for clients that keep their connection, and is quiet."""
    context = ssl.create_default_context(cafile=str(certificate.authority))
    running = Server(certificate=certificate).start()
    with (
        connected(running) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as open_one,
    ):
        open_one.sendall(b"GET /_mock/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert open_one.recv(4096)[:15] == b"HTTP/1.1 200 OK"
        running.stop()
        assert open_one.recv(1) == b""
    assert capfd.readouterr() == ("", "")


def test_key_is_private(certificate: Certificate) -> None:
    """Only its owner can read the key of a certificate that was made."""
    assert certificate.key.stat().st_mode & 0o777 == 0o600


def test_without_trustme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where trustme is missing the error says how to install it."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(TlsError, match=r"pip install 'mockpanel\[tls\]'"):
        make(tmp_path)


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[dict[str, str], subprocess.Popen[str]]]:
    """What `serve` prints when it is ready, and its process."""
    process = ForkedProcess([*SERVE, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        count = 1 if "--tls-cert" in arguments else 2
        pairs = [process.stdout.readline().strip().partition(" ") for _ in range(count)]
        yield {name: value for name, _, value in pairs}, process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def healthy(url: str, authority: str) -> str:
    with requests.Session() as session:
        session.trust_env, session.verify = False, authority
        return str(session.get(f"{url}/_mock/health", timeout=30).json()["status"])


def test_serve_tls() -> None:
    """`--tls` prints the address and the authority to trust; its files are gone afterwards."""
    with serving("--tls") as (told, process):
        assert list(told) == ["us", "ca"]
        authority = Path(told["ca"])
        assert healthy(told["us"], str(authority)) == "ok"
        assert sorted(each.name for each in authority.parent.iterdir()) == [
            "ca.pem",
            "server.key",
            "server.pem",
        ]
    assert process.returncode == 0
    assert not authority.parent.exists()


def test_serve_with_a_place_for_the_authority(tmp_path: Path) -> None:
    """`--tls-ca` says where the authority is to be, so that clients can be told beforehand."""
    place = tmp_path / "authority.pem"
    with serving("--tls", "--tls-ca", str(place)) as (told, _):
        assert str(place) == told["ca"]
        assert healthy(told["us"], str(place)) == "ok"


def test_serve_with_given_files(certificate: Certificate) -> None:
    """A given certificate is used unchanged."""
    given = ("--tls-cert", str(certificate.chain), "--tls-key", str(certificate.key))
    with serving(*given) as (told, _):
        assert list(told) == ["us"]
        assert healthy(told["us"], str(certificate.authority)) == "ok"


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["--tls-cert", "CHAIN"], 2, "--tls-cert and --tls-key go together"),
        (["--tls", "--tls-key", "KEY"], 2, "--tls-cert and --tls-key go together"),
        (
            ["--tls-cert", "CHAIN", "--tls-key", "KEY", "--tls-ca", "x"],
            2,
            "--tls-ca goes with --tls only",
        ),
        (["--tls-cert", "KEY", "--tls-key", "CHAIN"], 2, "expected a certificate and its key"),
        (["--tls-cert", "CHAIN", "--tls-key", "nowhere"], 2, "'nowhere' does not exist"),
        (["--tls", "--tls-ca", "nowhere/ca.pem"], 1, "--tls: [Errno 2]"),
    ],
)
def test_wrong_usage(certificate: Certificate, arguments: list[str], code: int, error: str) -> None:
    """Wrong options are reported before the server listens."""
    files = {"CHAIN": str(certificate.chain), "KEY": str(certificate.key)}
    given = [files.get(each, each) for each in arguments]
    done = run_here(main, "serve", "--port", "0", *given)
    assert (done.returncode, done.stdout) == (code, "")
    assert error in " ".join(done.stderr.split())
