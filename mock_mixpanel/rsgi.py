"""The application for granian, in its own interface, RSGI.

Ingestion is answered right here, in the event loop: it is short, and nearly all that is asked.
Everything else is the Flask application's, in a thread.
"""

import asyncio
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from http import HTTPStatus
from itertools import chain, islice
from typing import Any, NamedTuple

from werkzeug.datastructures import Headers
from werkzeug.sansio.request import Request
from werkzeug.test import run_wsgi_app

from mock_mixpanel.app import create_app
from mock_mixpanel.connections import end
from mock_mixpanel.fault_actions import WITHOUT_BODY
from mock_mixpanel.http import CUT_KEY, REGION_KEY
from mock_mixpanel.ingest import ENDPOINTS, Incoming, ingest
from mock_mixpanel.redact import redacted_text
from mock_mixpanel.regions import DEFAULT, region_of
from mock_mixpanel.world import World

THREADS = 100
"""How many requests that are not for ingestion are answered at once; late answers count too."""

LARGEST_BODY = 100 * 1024 * 1024
"""Bytes: what is larger than any request may be is not read."""

DRAIN_BYTES = 1024 * 1024
"""How much of a body that is too large is read away, so that its sender reads the answer."""

ENDED = "the connection ended, or a chunk is none"

TLS_SECONDS = 0.2
"""How long an encrypted answer gets to be sent before its connection is cut."""

_ROUTES = {path: endpoint for endpoint in ENDPOINTS for path in (endpoint, f"{endpoint}/")}


class Answer(NamedTuple):
    """What to send: a body, or `chunks` if there is more of it than one piece."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    cut: str = ""
    """As in a `Reply`."""
    chunks: Iterator[bytes] | None = None


class Application:
    """A world as an RSGI application. `regions` names the region of each port."""

    def __init__(self, world: World, regions: Mapping[int, str], *, quiet: bool = True) -> None:
        self._world, self._regions, self._quiet = world, regions, quiet
        self._flask = create_app(world=world)
        self._threads = ThreadPoolExecutor(THREADS)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Answer one request."""
        endpoint = _ROUTES.get(scope.path) if scope.method in ("POST", "GET") else None
        headers = _headers(scope.headers.items())
        try:
            if endpoint and "Origin" not in headers:
                answer = await self._ingest(endpoint, headers, scope, proto)
            else:
                answer = await self._other(headers, scope, proto)
            if answer.cut:
                await _cut(answer, scope, proto)
            elif answer.chunks:
                await self._stream(answer, answer.chunks, proto)
            else:
                proto.response_bytes(answer.status, answer.headers, answer.body)
        except Exception:
            # Granian answers 500 and says nothing.
            self._flask.logger.exception("%s %s", scope.method, scope.path)
            raise
        if not self._quiet:
            line = f'{scope.client} "{scope.method} {scope.path}" {answer.status}\n'
            sys.stderr.write(redacted_text(line))

    async def _ingest(
        self, endpoint: str, headers: Mapping[str, str], scope: Any, proto: Any
    ) -> Answer:
        most = self._world.config.limits.body_bytes
        body, broken = await _read(proto, headers, most)
        sender = headers.get("X-Forwarded-For", "").partition(",")[0].strip()
        incoming = Incoming(
            region_of(self._region(scope), headers.get("Host", "")),
            scope.method,
            scope.path,
            _query(scope.query_string),
            headers,
            body if len(body) <= most and not broken else None,
            sender or _address(scope.client)[0],
            broken,
        )
        reply = ingest(self._world, endpoint, incoming)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        names = [("content-type", reply.content_type)] if reply.content_type else []
        return Answer(reply.status, [*names, *reply.headers.items()], reply.body, reply.cut)

    async def _other(self, headers: Mapping[str, str], scope: Any, proto: Any) -> Answer:
        body, broken = await _read(proto, headers, LARGEST_BODY)
        environ = _environ(scope, headers, body, whole=not broken)
        environ[REGION_KEY] = self._region(scope)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._by_flask, environ)

    def _by_flask(self, environ: dict[str, Any]) -> Answer:
        cuts: list[str] = []
        environ[CUT_KEY] = cuts.append
        found, status, headers = run_wsgi_app(self._flask, environ)
        chunks = iter(found)
        first = list(chunks if cuts else islice(chunks, 2))
        rest = chain(first, chunks) if len(first) > 1 and not cuts else None
        return Answer(
            int(status.partition(" ")[0]), list(headers), b"".join(first), "".join(cuts), rest
        )

    async def _stream(self, answer: Answer, chunks: Iterator[bytes], proto: Any) -> None:
        loop = asyncio.get_running_loop()
        transport = proto.response_stream(answer.status, answer.headers)
        while chunk := await loop.run_in_executor(self._threads, next, chunks, b""):
            await transport.send_bytes(chunk)

    def _region(self, scope: Any) -> str:
        return self._regions.get(_address(scope.server)[1], DEFAULT)


@lru_cache(1000)
def _address(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:8080` or `[::1]:8080`."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


@lru_cache(1000)
def _name(raw: str) -> str:
    """A header's name as WSGI servers write it."""
    return raw.title()


def _headers(raw: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in raw:
        key = _name(name)
        found[key] = f"{found[key]},{value}" if key in found else value
    return found


def _query(text: str) -> dict[str, str]:
    """The parameters as werkzeug reads them, so that every server gives the same."""
    if not text:
        return {}
    raw = text.encode(errors="replace")
    return Request("GET", "http", None, "", "/", raw, Headers(), None).args.to_dict()


async def _read(proto: Any, headers: Mapping[str, str], most: int) -> tuple[bytes, str]:
    """The body, and why it did not arrive whole, if so.

    Of a body that is larger than `most` bytes, it is one byte more than that. Chunks that are cut
    or none end for granian as others do, but with one empty piece more, as do trailers.
    """
    length = headers.get("Content-Length", "0" if "Transfer-Encoding" not in headers else "")
    found, size, empty = bytearray(), 0, 0
    try:
        if length.isdecimal() and int(length) <= most:
            return await proto(), ""
        async for chunk in proto:
            empty += not chunk
            size += len(chunk)
            found += chunk[: most + 1 - len(found)]
            if size > most + DRAIN_BYTES:
                return bytes(found), ""
    except RuntimeError as error:  # what granian says of a client that went away
        return bytes(found), f"body: {error or ENDED}"
    broken = empty > 1 and "Trailer" not in headers
    return bytes(found), f"body: {ENDED}" if broken else ""


def _environ(scope: Any, headers: Mapping[str, str], body: bytes, *, whole: bool) -> dict[str, Any]:
    """The request as WSGI has it (PEP 3333)."""
    server, port = _address(scope.server)
    sent = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    sent.pop("HTTP_TRANSFER_ENCODING", None)
    sent.pop("HTTP_CONTENT_LENGTH", None)
    return {
        **sent,
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode(errors="replace").decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode(errors="replace").decode("latin-1"),
        "CONTENT_TYPE": sent.pop("HTTP_CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(len(body) + (not whole)),
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": _address(scope.client)[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


async def _cut(answer: Answer, scope: Any, proto: Any) -> None:
    """Close the connection before, during or after an answer.

    What comes before the end is written past the server: only so it is sure to be sent. Under TLS
    that cannot be; there the server gets some time to send it.
    """
    status, headers, body, cut, _ = answer
    sent = {"before": b"", "during": body[: len(body) // 2], "after": body}[cut]
    names = {name.lower() for name, _ in headers}
    if status not in WITHOUT_BODY and "content-length" not in names:
        headers = [*headers, ("content-length", str(len(body)))]
    client, (_, port) = _address(scope.client), _address(scope.server)
    if cut == "before":
        end(client, port)
    elif scope.scheme == "https":
        transport = proto.response_stream(status, headers)
        await transport.send_bytes(sent)
        await asyncio.sleep(TLS_SECONDS)
        end(client, port)
        return
    else:
        known = status in HTTPStatus._value2member_map_
        first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase if known else ''}"
        lines = [first, *(f"{name}: {value}" for name, value in headers), "", ""]
        end(client, port, "\r\n".join(lines).encode("latin-1") + sent)
    proto.response_empty(status, [])
