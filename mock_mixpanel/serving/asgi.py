"""The application for uvicorn, in ASGI.

Ingestion is answered right here, in the event loop: it is short, and nearly all that is asked.
Everything else is the Flask application's, in a thread.
"""

import asyncio
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import chain, islice
from typing import Any, NamedTuple

from werkzeug.datastructures import Headers
from werkzeug.sansio.request import Request
from werkzeug.test import run_wsgi_app

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import World
from mock_mixpanel.ingest.endpoints import ENDPOINTS, ingest, no_request
from mock_mixpanel.ingest.flask_requests import CUT_KEY, REGION_KEY
from mock_mixpanel.ingest.http_request import Envelope, Incoming
from mock_mixpanel.ingest.redaction import redacted_text
from mock_mixpanel.ingest.regions import DEFAULT
from mock_mixpanel.ingest.replies import Reply
from mock_mixpanel.serving.http_protocol import CLOSE, CUT, GONE
from mock_mixpanel.simulation.fault_actions import WITHOUT_BODY

THREADS = 100
"""How many requests that are not for ingestion are answered at once; late answers count too."""

LARGEST_BODY = 100 * 1024 * 1024
"""Bytes: what is larger than any request may be is not read."""

DRAIN_BYTES = 1024 * 1024
"""How much of a body that is too large is read before it is answered."""

ENDED = "body: the connection ended, or a chunk is none"

_ROUTES = {path: endpoint for endpoint in ENDPOINTS for path in (endpoint, f"{endpoint}/")}

RawHeaders = tuple[tuple[bytes, bytes], ...]


class Answer(NamedTuple):
    """What to send: a body, or `chunks` if there is more of it than one piece."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: str = ""
    """As in a `Reply`."""
    chunks: Iterator[bytes] | None = None


class Application:
    """A world as an ASGI application. `regions` names the region of each port."""

    def __init__(self, world: World, regions: Mapping[int, str], *, quiet: bool = True) -> None:
        self._world, self._regions, self._quiet = world, regions, quiet
        self._flask = create_app(world=world)
        self._threads = ThreadPoolExecutor(THREADS)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        try:
            await self._answer(scope, receive, send)
        except Exception:
            # uvicorn answers it with a 500, or ends the connection, but says nothing of it.
            self._flask.logger.exception("Exception on %s [%s]", scope["path"], scope["method"])
            raise

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        method, path = scope["method"], scope["path"]
        region = self._regions.get(scope["server"][1], DEFAULT)
        query, raw, host = scope["query_string"], tuple(scope["headers"]), scope["client"][0]
        envelope = _envelope(region, method, path, query, raw, host)
        endpoint = _ROUTES.get(path) if method in ("POST", "GET") else None
        if endpoint and "Origin" not in envelope.headers:
            answer = await self._ingest(endpoint, envelope, scope, receive)
        else:
            answer = await self._other(envelope, scope, receive)
        if answer.cut:
            await _cut(answer, scope, receive, send)
        else:
            await self._send(answer, scope, send)
        if not self._quiet:
            asked = scope["raw_path"].decode("latin-1")
            sys.stderr.write(redacted_text(f'{host} "{method} {asked}" {answer.status}\n'))

    def no_request(self, port: int, method: str, path: str, reply: Reply) -> None:
        """Put what is no request of HTTP, and its answer, into the journal."""
        no_request(self._world, self._regions.get(port, DEFAULT), method, path, reply)

    async def _ingest(self, endpoint: str, envelope: Envelope, scope: Any, receive: Any) -> Answer:
        most = self._world.config.limits.body_bytes
        body, whole = await _read(scope, receive, most)
        known = body if whole and len(body) <= most else None
        reply = ingest(self._world, endpoint, Incoming(envelope, known, "" if whole else ENDED))
        if reply.delay:
            await asyncio.sleep(reply.delay)
        names = [("content-type", reply.content_type)] if reply.content_type else []
        headers = (*names, *reply.headers.items())
        return Answer(reply.status, headers, reply.body, reply.cut)

    async def _other(self, envelope: Envelope, scope: Any, receive: Any) -> Answer:
        body, whole = await _read(scope, receive, LARGEST_BODY)
        environ = _environ(scope, envelope.headers, body, whole=whole)
        environ[REGION_KEY] = self._regions.get(scope["server"][1], DEFAULT)
        answer: Answer = await self._in_thread(self._by_flask, environ)
        return answer

    def _by_flask(self, environ: dict[str, Any]) -> Answer:
        cuts: list[str] = []
        environ[CUT_KEY] = cuts.append
        found, status, headers = run_wsgi_app(self._flask, environ)
        chunks = iter(found)
        first = list(chunks if cuts else islice(chunks, 2))
        rest = chain(first, chunks) if len(first) > 1 and not cuts else None
        return Answer(
            int(status.partition(" ")[0]), tuple(headers), b"".join(first), "".join(cuts), rest
        )

    async def _send(self, answer: Answer, scope: Any, send: Any) -> None:
        await send(_start(answer.status, answer.headers, _length(answer)))
        if answer.chunks:
            while (chunk := await self._in_thread(next, answer.chunks, None)) is not None:
                if scope[GONE]():
                    return
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"" if answer.chunks else answer.body})

    async def _in_thread(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


@lru_cache(1000)
def _envelope(
    region: str, method: str, path: str, query: bytes, raw: RawHeaders, host: str
) -> Envelope:
    """What clients write on their requests, which is often the same."""
    return Envelope.of(region, method, path, _query(query), _headers(raw), host)


@lru_cache(1000)
def _name(raw: bytes) -> str:
    """A header's name as WSGI servers write it."""
    return raw.decode("latin-1").title()


def _headers(raw: RawHeaders) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in raw:
        if b"_" in name:  # WSGI servers leave it out: it could be taken for one with a dash.
            continue
        key, text = _name(name), value.decode("latin-1")
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def _query(raw: bytes) -> dict[str, str]:
    """The parameters as werkzeug reads them, so that every server gives the same."""
    if not raw:
        return {}
    return Request("GET", "http", None, "", "/", raw, Headers(), None).args.to_dict()


async def _read(scope: Any, receive: Any, most: int) -> tuple[bytes, bool]:
    """The body, and whether it arrived whole.

    Of a body that is larger than `most` bytes, it is one byte more than that.
    """
    found, size, more = bytearray(), 0, True
    while more and size <= most + DRAIN_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(found), False
        size += len(message["body"])
        found += message["body"][: most + 1 - len(found)]
        more = message["more_body"]
    return bytes(found), CUT not in scope


def _environ(scope: Any, headers: Mapping[str, str], body: bytes, *, whole: bool) -> dict[str, Any]:
    """The request as WSGI has it (PEP 3333)."""
    server, port = scope["server"]
    sent = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    chunked = sent.pop("HTTP_TRANSFER_ENCODING", "")
    length = sent.pop("HTTP_CONTENT_LENGTH", chunked) and str(len(body) + (not whole))
    return {
        **sent,
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode(errors="surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "CONTENT_TYPE": sent.pop("HTTP_CONTENT_TYPE", ""),
        "CONTENT_LENGTH": length,
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def _length(answer: Answer) -> int | None:
    """Of its body, as far as it is known and there can be any."""
    return None if answer.chunks or answer.status in WITHOUT_BODY else len(answer.body)


@lru_cache(1000)
def _start(status: int, headers: tuple[tuple[str, str], ...], length: int | None) -> dict[str, Any]:
    """How an answer begins."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if length is not None and "content-length" not in (name.lower() for name, _ in headers):
        raw.append((b"content-length", b"%d" % length))
    return {"type": "http.response.start", "status": status, "headers": raw}


async def _cut(answer: Answer, scope: Any, receive: Any, send: Any) -> None:
    """Close the connection before, during or after an answer."""
    if answer.cut != "before":
        await send(_start(answer.status, answer.headers, _length(answer)))
        half = len(answer.body) // 2
        if answer.cut == "after":
            await send({"type": "http.response.body", "body": answer.body})
        else:
            part = answer.body[:half]
            await send({"type": "http.response.body", "body": part, "more_body": True})
    scope[CLOSE]()
    while (await receive())["type"] != "http.disconnect":
        pass
