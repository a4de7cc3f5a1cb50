"""A server with Segment's Tracking API in front of our own translator, in this process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.conformance.drivers.ours import Driver
from tests.thread_server import in_thread
from translator import Settings
from translator.sender import BatchLimits, RetryPolicy, Sender

CALLS = {"track", "identify", "page", "screen", "group", "alias"}


class Server(ThreadingHTTPServer):
    """`told`: takes /_conformance. `status`: what it answers to every call, if not the truth."""

    daemon_threads = True

    def __init__(self, *, told: bool, status: int | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told, self.status = told, status
        self.driver = Driver("deliver", [])
        self.clock: datetime | None = None
        self.calls: list[tuple[str, str | None]] = []
        """Path and Authorization of every call."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def send_to(self, base_urls: dict[str, str], **settings: Any) -> None:
        """Configure the server at its start."""
        self.driver.settings = Settings.from_json(settings)
        self.driver.start = {"rules": "documented", "mode": "cloud"}
        policy = RetryPolicy(sleep=lambda seconds: None, jitter=lambda: 0)
        self.driver.sender = Sender(base_urls, limits=BatchLimits(records=1), retry=policy)

    def command(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["command"] == "deliver":
            assert asked["messages"] == []
            self.clock = datetime.fromisoformat(asked["now"])
        return self.driver.answer(asked)

    def take(self, message: Any) -> None:
        self.driver.one(message, self.clock or datetime.now(UTC))


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"  # keeps connections
    wbufsize = -1  # one packet for head and body

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/_conformance":
            if self.server.told:
                self._answer(200, self.server.command(body))
            else:
                self._answer(404, {})
            return
        self.server.calls.append((self.path, self.headers["Authorization"]))
        if self.server.status:
            self._answer(self.server.status, {"message": "no"})
            return
        messages = body["batch"] if self.path == "/v1/batch" else [body]
        for message in messages:
            assert self.path == "/v1/batch" or self.path == f"/v1/{message['type']}"
            self.server.take(message)
        self._answer(200, {"success": True})

    def _answer(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def serving(*, told: bool, status: int | None = None) -> Iterator[Server]:
    """A running server."""
    server = Server(told=told, status=status)
    try:
        with in_thread(server):
            yield server
    finally:
        if server.driver.sender:
            server.driver.sender.close()
