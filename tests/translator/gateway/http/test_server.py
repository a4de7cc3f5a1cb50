"""The server on real sockets: clients that are idle, slow, hostile or speak https."""

import json
import os
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.command import run_here
from tests.forked_process import ForkedProcess
from translator.cli import main
from translator.gateway.http.connections import (
    DRAINED_BYTES,
    IDLE_SECONDS,
    LARGEST_HEAD,
    REQUEST_SECONDS,
    Connection,
    Connections,
)

NOWHERE = "http://127.0.0.1:9"
TRACK = {"event": "E", "userId": "u"}
WAIT_SECONDS = 20


class Running:
    """A gateway that delivers to nowhere, as a process."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.process: subprocess.Popen[str] = ForkedProcess(
            [
                *("-m", "translator", "gateway", "--port", "0"),
                *("--base-url", NOWHERE, "--drain", "0", *options),
            ],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.url.rpartition(":")[2])

    def post(self, path: str = "/v1/track", **options: Any) -> int:
        """The status of a call by another client, which waits for a limited time."""
        options.setdefault("json", TRACK)
        return requests.post(f"{self.url}{path}", timeout=WAIT_SECONDS, **options).status_code

    def raw(self, data: bytes) -> bytes:
        """What is answered to bytes, until the server closes the connection."""
        with socket.create_connection(self.address, timeout=WAIT_SECONDS) as connection:
            connection.sendall(data)
            return read_to_end(connection)

    def stop(self) -> str:
        """End it; gives its error stream."""
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=60)
        return err


def read_to_end(connection: socket.socket) -> bytes:
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Running]:
    (folder / "settings.json").write_text('{"token": "T"}')
    gateway = Running(folder, *options)
    try:
        yield gateway
    finally:
        gateway.process.kill()
        gateway.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway that the tests of this module share."""
    with running(tmp_path_factory.mktemp("gateway"), "--settings", "settings.json") as found:
        yield found


def test_idle_and_slow_clients_do_not_block_others(gateway: Running) -> None:
    """Beside clients that are silent, or stop within a head or body, others are served."""
    beginnings = [
        b"",
        b"POST /v1/tra",
        b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
        b'POST /v1/b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"ba',
    ]
    with ExitStack() as stack:
        for number in range(500):
            idle = stack.enter_context(socket.create_connection(gateway.address, WAIT_SECONDS))
            idle.sendall(beginnings[number % len(beginnings)])
        assert [gateway.post() for _ in range(5)] == [200] * 5


def test_a_client_that_reads_no_answer(gateway: Running) -> None:
    """A client that sends requests and reads no answer does not block others."""
    with socket.create_connection(gateway.address, WAIT_SECONDS) as deaf:
        deaf.setblocking(False)
        request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000
        with suppress(BlockingIOError):
            for _ in range(1000):
                deaf.send(request)
            pytest.fail("it has read a thousand requests of a client that reads no answer")
        assert gateway.post() == 200


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 600000000\r\n",
        b"Content-Length: 600000000\r\nExpect: 100-continue\r\n",
        b"Content-Length: 99999999999999999999\r\n",
    ],
)
def test_a_large_body_is_refused_before_it_comes(gateway: Running, head: bytes) -> None:
    """A body that says it is too large is answered at once."""
    with socket.create_connection(gateway.address, timeout=WAIT_SECONDS) as connection:
        connection.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_body_without_end_is_refused(gateway: Running) -> None:
    """A body in chunks is refused when it exceeds the limit; nothing more of it is kept."""
    with socket.create_connection(gateway.address, timeout=WAIT_SECONDS) as connection:
        head = b"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head)
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        for _ in range(20):
            connection.sendall(chunk)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
        sent = 0
        with suppress(ConnectionError):
            while sent < 2 * DRAINED_BYTES:
                connection.sendall(chunk)
                sent += len(chunk)
    assert DRAINED_BYTES / 2 < sent < 2 * DRAINED_BYTES


def test_what_is_not_http(gateway: Running) -> None:
    """Bytes that are not HTTP are answered 400, and the connection is closed."""
    assert gateway.raw(b"\x16\x03\x01\x02\x00\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_head_without_end(gateway: Running) -> None:
    """A head has a largest size."""
    head = b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * LARGEST_HEAD
    assert gateway.raw(head).startswith(b"HTTP/1.1 400 ")


def test_an_offer_of_http_2(gateway: Running) -> None:
    """A client that offers HTTP/2 with its request, as Java's does, is answered in HTTP/1.1."""
    body = json.dumps(TRACK).encode()
    head = (
        "POST /v1/track HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        f"Upgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    answer = gateway.raw(head + body)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b'{"success":true}')


def test_requests_one_after_the_other(gateway: Running) -> None:
    """Several requests on one connection, sent at once, are answered in order."""
    body = json.dumps(TRACK).encode()
    one = b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    answer = gateway.raw((one + body) * 3 + last + body)
    assert answer.count(b"HTTP/1.1 200 ") == 4


def test_tls(tmp_path: Path) -> None:
    """With --tls it speaks https, with a certificate of an authority that it prints."""
    options = ("--settings", "settings.json", "--tls", "--tls-ca", "ca.pem")
    with running(tmp_path, *options) as gateway:
        assert gateway.url.startswith("https://127.0.0.1:")
        assert gateway.process.stdout is not None
        assert gateway.process.stdout.readline() == "ca ca.pem\n"
        ca = str(tmp_path / "ca.pem")
        assert gateway.post(verify=ca) == 200
        settings = requests.get(f"{gateway.url}/v1/projects/k/settings", verify=ca, timeout=30)
        assert settings.json()["integrations"]["Segment.io"]["protocol"] == "https"


def test_tls_handshakes_that_stop(tmp_path: Path) -> None:
    """Clients that stop within the TLS handshake do not block others."""
    options = ("--settings", "settings.json", "--tls", "--tls-ca", "ca.pem")
    with running(tmp_path, *options) as gateway, ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(socket.create_connection(gateway.address, WAIT_SECONDS))
        assert gateway.post(verify=str(tmp_path / "ca.pem")) == 200


def test_a_given_certificate(tmp_path: Path) -> None:
    """A certificate and its key may be given as files; a wrong pair is wrong usage."""
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    (tmp_path / "chain.pem").write_bytes(issued.cert_chain_pems[0].bytes())
    (tmp_path / "key.pem").write_bytes(issued.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    files = ("--tls-cert", "chain.pem", "--tls-key", "key.pem", "--settings", "settings.json")
    with running(tmp_path, *files) as gateway:
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        with (
            socket.create_connection(gateway.address, WAIT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            assert secure.version()
    (tmp_path / "key.pem").write_text("no key")
    with running(tmp_path, *files) as gateway:
        assert gateway.process.wait(30) == 2


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "--settings, --sources"),
        (["--sources", "bad.json"], "bad.json"),
        (["--settings", "settings.json", "--trusted-proxy", "nowhere"], "--trusted-proxy"),
        (["--settings", "settings.json", "--tls-key", "settings.json"], "go together"),
    ],
)
def test_wrong_usage(tmp_path: Path, options: list[str], problem: str) -> None:
    """Wrong options end it with status 2 and a text that names them."""
    (tmp_path / "bad.json").write_text("[]")
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    done = run_here(main, "gateway", "--port", "0", "--base-url", NOWHERE, *options, cwd=tmp_path)
    assert (done.returncode, problem in done.stderr) == (2, True)


def test_sources_are_read_again(tmp_path: Path) -> None:
    """SIGHUP reads the file of sources again, without a restart."""
    sources = tmp_path / "sources.json"
    sources.write_text(json.dumps({"old": {"token": "T"}}))
    with running(tmp_path, "--sources", "sources.json") as gateway:
        settings = f"{gateway.url}/v1/projects/new/settings"
        assert requests.get(settings, timeout=WAIT_SECONDS).status_code == 404
        sources.write_text(json.dumps({"new": {"token": "T"}}))
        gateway.process.send_signal(signal.SIGHUP)
        assert gateway.process.stderr is not None
        assert json.loads(gateway.process.stderr.readline())["event"] == "sources_reloaded"
        assert requests.get(settings, timeout=WAIT_SECONDS).status_code == 200


def test_files_are_private(tmp_path: Path) -> None:
    """The files of all sources can be read by their owner alone."""
    (tmp_path / "sources.json").write_text(json.dumps({"key": {"token": "T"}}))
    old = os.umask(0)
    try:
        with running(tmp_path, "--sources", "sources.json", "--spool", "spool") as gateway:
            bad = {"batch": [{"type": "no", "userId": "u"}], "writeKey": "key"}
            assert gateway.post("/v1/batch", json=bad) == 200
            modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.glob("spool*")}
    finally:
        os.umask(old)
    assert {".dead" in name for name in modes} == {True, False}
    assert set(modes.values()) == {0o600}


class Fake(Connection):
    """A connection without a socket."""

    def __init__(self, *, arriving: bool = False) -> None:
        self.ended = False
        self._message_complete = not arriving

    def end(self) -> None:
        self.ended = True


def test_the_oldest_idle_connection_makes_room() -> None:
    """With too many connections the one that was idle for longest is closed for a new one."""
    connections = Connections(3)
    first, second, third, fourth = (Fake() for _ in range(4))
    for number, each in enumerate((first, second, third)):
        connections.opened(each, float(number))
    connections.began(first, 5.0)
    connections.ended(first, 6.0)
    connections.opened(fourth, 7.0)
    assert [each.ended for each in (first, second, third, fourth)] == [False, True, False, False]


def test_no_room_at_all() -> None:
    """If all connections are busy, the new one is closed."""
    connections = Connections(1)
    busy, new = Fake(), Fake()
    connections.opened(busy, 0.0)
    connections.began(busy, 1.0)
    connections.opened(new, 2.0)
    assert [busy.ended, new.ended] == [False, True]


def test_the_sweep() -> None:
    """What is idle or arriving for too long is closed; what waits for its answer is not."""
    connections = Connections(100)
    idle, slow, waiting = Fake(), Fake(arriving=True), Fake()
    for each in (idle, slow, waiting):
        connections.opened(each, 0.0)
    connections.began(slow, 0.0)
    connections.began(waiting, 0.0)
    connections.sweep(REQUEST_SECONDS)
    assert [idle.ended, slow.ended, waiting.ended] == [False, False, False]
    connections.sweep(REQUEST_SECONDS + 1)
    assert [idle.ended, slow.ended, waiting.ended] == [False, True, False]
    connections.sweep(IDLE_SECONDS)
    assert [idle.ended, slow.ended, waiting.ended] == [True, True, False]


def test_many_clients_at_once(gateway: Running) -> None:
    """Each of many clients at the same time gets its own answer."""
    statuses: list[int] = []

    def call() -> None:
        statuses.append(gateway.post())

    threads = [threading.Thread(target=call) for _ in range(30)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert statuses == [200] * 30
