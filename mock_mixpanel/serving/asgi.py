"""The application as uvicorn calls it.

Ingestion is answered in the event loop: it is short, and nearly all requests are of this kind. It
is the same function that the Flask application calls. Everything else is answered by the Flask
application in a thread.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache, partial
from typing import Any

from mock_mixpanel.app import create_app, merge_slashes
from mock_mixpanel.backend import Backend
from mock_mixpanel.control.calls import WATCH_KEY, WATCH_RESULT_KEY
from mock_mixpanel.ingest.endpoints import ingest, no_request
from mock_mixpanel.ingest.flask_requests import ConnectionCut
from mock_mixpanel.ingest.http_request import INCOMPLETE_BODY, Envelope, Incoming
from mock_mixpanel.ingest.redaction import redacted_text
from mock_mixpanel.ingest.regions import DEFAULT
from mock_mixpanel.ingest.replies import Reply, store_unavailable
from mock_mixpanel.inspector.site import MessageReader
from mock_mixpanel.log.change_watch import KnownPosition, WatchResult
from mock_mixpanel.log.stores import StoreError
from mock_mixpanel.readback.management.lookup_tables import MAX_BYTES, PATH
from mock_mixpanel.serving import cors
from mock_mixpanel.serving.connections.request_heads import INGESTION_PATHS, kept_envelope
from mock_mixpanel.serving.connections.whole_requests import PlainHead
from mock_mixpanel.serving.guard import PAGES, Access
from mock_mixpanel.serving.idle_reader import IdleReader
from mock_mixpanel.serving.wsgi_calls import ServerResponse, call, environ
from mock_mixpanel.simulation.fault_actions import WITHOUT_BODY

THREADS = 100
"""Maximum number of requests that the Flask application answers at the same time."""

LARGEST_BODY = 10 * 1024 * 1024
"""Bytes of a body that the Flask application may read; more for lookup tables."""

DRAIN_BYTES = 1024 * 1024
"""Maximum bytes of a too large body that are read before the response."""

SERVER_ERROR = ServerResponse(
    500,
    (
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", "21"),
        ("connection", "close"),
    ),
    b"Internal Server Error",
)
"""The response of uvicorn if an application raises an error."""

_LOGGER = logging.getLogger("mock_mixpanel")
_ACCESS_LOGGER = logging.getLogger("mock_mixpanel.access")


class Application:
    """A backend as an ASGI application.

    `regions` names the region of each port; for `access` and `messages`, see `create_app`. With
    `reads_when_idle`, the log is read into the state while no requests arrive, so that the first
    reader does not wait. Without it, this begins when a client first asks for a page or waits for
    changes; so of several workers only those that show pages do this work. Unless `quiet`, each
    request is a line in the log `mock_mixpanel.access`, which goes to the error stream if no
    handler is configured.
    """

    def __init__(
        self,
        backend: Backend,
        regions: Mapping[int, str],
        access: Access | None = None,
        *,
        messages: MessageReader | None = None,
        reads_when_idle: bool = False,
        quiet: bool = True,
    ) -> None:
        self._backend, self._regions, self._quiet = backend, regions, quiet
        if not quiet:
            _ACCESS_LOGGER.setLevel(logging.INFO)
            if not _ACCESS_LOGGER.hasHandlers():
                _ACCESS_LOGGER.addHandler(logging.StreamHandler())
        # Ingestion does not need it, and compiling its routes takes a third of a second.
        self._flask = cache(
            partial(create_app, backend=backend, regions=regions, access=access, messages=messages)
        )
        self._idle_reader = IdleReader(backend.projections.catch_up, backend.changes.watched)
        self._idle_reader.start()
        self._reads_arrivals = reads_when_idle
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mock-mixpanel")

    async def __call__(
        self, scope: Any, receive: Any, send: Any, response: ServerResponse | None = None
    ) -> None:
        """Answer one request. Raises ConnectionCut where the connection is to be closed.

        `response` is what `answer_whole` has answered, if that is still to be sent.
        """
        try:
            response = response or await self._response(scope, receive)
            await self._send(response, receive, send)
        except ConnectionCut:
            raise
        except Exception:
            # uvicorn answers it with a 500, or closes the connection, but logs nothing.
            _LOGGER.exception("Exception on %s [%s]", scope["path"], scope["method"])
            raise

    def region(self, port: int) -> str:
        """The region of a port."""
        return self._regions.get(port, DEFAULT)

    def answer_whole(self, head: PlainHead, body: bytes) -> ServerResponse:
        """Answer a request to ingestion that has arrived whole; the caller sends the response."""
        try:
            response = self._ingest(head.endpoint, head.envelope, body, complete=True)
        except Exception:
            _LOGGER.exception("Exception on %s [POST]", head.envelope.path)
            return SERVER_ERROR
        self._log(head.peer, f"POST {head.envelope.path}", response.status)
        return response

    def no_request(self, port: int, method: str, path: str, reply: Reply) -> None:
        """Write a malformed request and its response to the journal."""
        no_request(self._backend, self.region(port), method, path, reply)
        target = path.partition("?")[0].encode("unicode_escape").decode()
        self._log("malformed request", f"{method} {target}".strip(), reply.status)

    def close(self) -> None:
        """Accept no new work in threads; running calls finish."""
        self._backend.changes.wake()
        self._idle_reader.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _response(self, scope: Any, receive: Any) -> ServerResponse:
        method, path = scope["method"], merge_slashes(scope["path"])
        region, host = self.region(scope["server"][1]), scope["client"][0]
        query, headers = scope["query_string"], tuple(scope["headers"])
        envelope = kept_envelope(region, method, path, query, headers, host)
        endpoint = INGESTION_PATHS.get(path) if method in ("POST", "GET") else None
        if endpoint:
            body, complete = await _read(receive, self._backend.config.limits.body_bytes)
            response = self._ingest(endpoint, envelope, body, complete=complete)
        else:
            response = await self._by_flask(envelope, scope, receive)
        self._log(host, f"{method} {scope['raw_path'].decode('latin-1')}", response.status)
        return response

    def _ingest(
        self, endpoint: str, envelope: Envelope, body: bytes, *, complete: bool
    ) -> ServerResponse:
        most = self._backend.config.limits.body_bytes
        known = body if complete and len(body) <= most else None
        broken = "" if complete else INCOMPLETE_BODY
        try:
            reply = ingest(self._backend, endpoint, Incoming(envelope, known, broken))
        except StoreError:
            reply = store_unavailable()
        if self._reads_arrivals:
            self._idle_reader.arrived()
        headers = tuple(reply.headers.items())
        if reply.content_type:
            headers = (("content-type", reply.content_type), *headers)
        origin = envelope.headers.get("Origin")
        if origin:
            headers += tuple(cors.response_headers(origin).items())
        return ServerResponse(reply.status, headers, reply.body, reply.delay, reply.cut)

    async def _by_flask(self, envelope: Envelope, scope: Any, receive: Any) -> ServerResponse:
        most = MAX_BYTES if envelope.path.startswith(PATH) else LARGEST_BODY
        body, complete = await _read(receive, most)
        asked = environ(scope, envelope.headers, body, complete=complete)
        watches: list[KnownPosition] = []
        response: ServerResponse
        with self._idle_reader.paused():
            response = await self._in_thread(
                call, self._flask(), asked | {WATCH_KEY: watches.append}
            )
        # Another worker, or another mock on the same store, does not report what it receives.
        if envelope.path.startswith(PAGES):
            self._reads_arrivals = True
            self._idle_reader.page_shown()
        if watches:
            self._reads_arrivals = True
            self._idle_reader.arrived()
            result = await self._watch(watches[0], receive)
            if result.changed:
                self._idle_reader.arrived()
            asked = environ(scope, envelope.headers, body, complete=complete)
            with self._idle_reader.paused():
                response = await self._in_thread(
                    call, self._flask(), asked | {WATCH_RESULT_KEY: result}
                )
        return response

    async def _watch(self, known: KnownPosition, receive: Any) -> WatchResult:
        """Wait for a change, until the client closes the connection."""
        gone = asyncio.create_task(receive())
        try:
            return await self._backend.changes.wait_async(known, self._in_thread, gone)
        finally:
            gone.cancel()

    async def _send(self, response: ServerResponse, receive: Any, send: Any) -> None:
        if response.delay:
            await self._backend.sleep(response.delay)
        if response.cut == "before":
            raise ConnectionCut
        await send(_start(response.status, response.headers, _length(response)))
        if response.cut == "during":
            half = response.body[: len(response.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            raise ConnectionCut
        if response.chunks:
            await self._send_chunks(response.chunks, receive, send)
        else:
            await send({"type": "http.response.body", "body": response.body})
        if response.cut:
            raise ConnectionCut

    async def _send_chunks(self, chunks: Iterator[bytes], receive: Any, send: Any) -> None:
        """Send a long body piece by piece, until the client closes the connection."""
        gone = asyncio.create_task(receive())
        try:
            while (chunk := await self._in_thread(next, chunks, None)) is not None:
                if gone.done():
                    return
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    def _log(self, sender: str, asked: str, status: int) -> None:
        if not self._quiet:
            _ACCESS_LOGGER.info("%s", redacted_text(f'{sender} "{asked}" {status}'))

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)


async def _read(receive: Any, most: int) -> tuple[bytes, bool]:
    """Read the body; returns it and whether it is complete.

    Of a body that is larger than `most` bytes, one byte more than that is returned.
    """
    found, size, more = bytearray(), 0, True
    while more and size <= most + DRAIN_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(found), False
        size += len(message["body"])
        found += message["body"][: most + 1 - len(found)]
        more = message["more_body"]
    return bytes(found), True


def _length(response: ServerResponse) -> int | None:
    """The length of the body; None if it is unknown or the status has no body."""
    return None if response.chunks or response.status in WITHOUT_BODY else len(response.body)


@lru_cache(1000)
def _start(status: int, headers: tuple[tuple[str, str], ...], length: int | None) -> dict[str, Any]:
    """The ASGI message that begins a response."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if length is not None and "content-length" not in (name.lower() for name, _ in headers):
        raw.append((b"content-length", b"%d" % length))
    return {"type": "http.response.start", "status": status, "headers": raw}
