"""A tiny HTTP server that answers by script and remembers every byte it was sent."""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, NamedTuple

from tests.thread_server import in_thread


class Reply(NamedTuple):
    """One scripted answer; with `drop` the connection is closed instead."""

    status: int = 200
    body: bytes = b'{"error": null, "status": 1}'
    headers: Mapping[str, str] = {}
    drop: bool = False


class Received(NamedTuple):
    """One request as it came."""

    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def endpoint(self) -> str:
        return self.target.partition("?")[0]

    @property
    def records(self) -> list[Any]:
        body = self.body
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        records = json.loads(body)
        assert isinstance(records, list)
        return records


class Stub(HTTPServer):
    """Gives the replies of `script` in turn, then always success."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Reply] = []
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def names(self) -> list[list[Any]]:
        """The records of each request by a short name: event name or distinct_id."""
        return [
            [record.get("event", record.get("$distinct_id")) for record in request.records]
            for request in self.received
        ]


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(Received(self.path, dict(self.headers.items()), body))
        reply = self.server.script.pop(0) if self.server.script else Reply()
        if reply.drop:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@contextmanager
def running_stub() -> Iterator[Stub]:
    """A stub that serves until the block ends."""
    stub = Stub()
    with in_thread(stub):
        yield stub
