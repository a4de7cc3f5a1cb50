"""The application for production servers, which speak ASGI.

Ingestion is answered right here, in the event loop: it is short, and what is asked most. Everything
else is the Flask application's, in a thread.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from a2wsgi import WSGIMiddleware
from werkzeug.datastructures import Headers
from werkzeug.sansio.request import Request

from mock_mixpanel.app import create_app
from mock_mixpanel.connections import end
from mock_mixpanel.fault_actions import WITHOUT_BODY
from mock_mixpanel.http import CUT_KEY, REGION_KEY
from mock_mixpanel.ingest import ENDPOINTS, Incoming, ingest
from mock_mixpanel.regions import DEFAULT, region_of
from mock_mixpanel.replies import Reply
from mock_mixpanel.world import World

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

THREADS = 100
"""How many requests that are not for ingestion are answered at once; delays count as well."""

DRAIN_BYTES = 1024 * 1024
"""How much of a body that is too large is read away, so that its sender reads the answer."""

TLS_SECONDS = 0.2
"""How long an encrypted answer gets to be sent before its connection is cut."""

CUTS = "mock_mixpanel.cuts"
_ROUTES = {path: endpoint for endpoint in ENDPOINTS for path in (endpoint, f"{endpoint}/")}


class Application:
    """A world as an ASGI application. `regions` names the region of each port."""

    def __init__(self, world: World, regions: Mapping[int, str], *, quiet: bool = True) -> None:
        self._world, self._regions, self._quiet = world, regions, quiet
        self._flask = create_app(world=world)
        wsgi: Any = self._wsgi
        self._rest: Any = WSGIMiddleware(wsgi, workers=THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        endpoint = _ROUTES.get(scope["path"]) if scope["method"] in ("POST", "GET") else None
        headers = _headers(scope["headers"])
        try:
            if endpoint and "Origin" not in headers:
                await self._ingest(endpoint, headers, scope, receive, send)
            else:
                await self._other(scope, receive, send)
        except Exception:
            # Granian answers 500 and says nothing.
            self._flask.logger.exception("%s %s", scope["method"], scope["path"])
            raise
        if not self._quiet:
            print(scope["client"][0], scope["method"], scope["path"], file=sys.stderr, flush=True)

    async def _ingest(
        self,
        endpoint: str,
        headers: Mapping[str, str],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        body = await _body(receive, self._world.config.limits.body_bytes)
        sender = headers.get("X-Forwarded-For", "").partition(",")[0].strip()
        incoming = Incoming(
            region_of(self._region(scope), headers.get("Host", "")),
            scope["method"],
            scope["path"],
            _query(scope["query_string"]),
            headers,
            body,
            sender or scope["client"][0],
        )
        reply = ingest(self._world, endpoint, incoming)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        answer = _answer(reply)
        if reply.cut:
            await _cut(scope, reply.cut, answer, send)
        for message in answer:
            await send(message)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        cuts: list[str] = []
        held: list[Message] = []

        async def send_or_cut(message: Message) -> None:
            if not cuts:
                await send(message)
                return
            held.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                await _cut(scope, cuts[0], held, send)
                for each in held:
                    await send(each)

        async def take() -> Message:
            """A coroutine, which granian's own is not."""
            return await receive()

        await self._rest({**scope, CUTS: cuts}, take, send_or_cut)

    def _wsgi(self, environ: dict[str, Any], start_response: Any) -> Any:
        scope = environ["asgi.scope"]
        environ[REGION_KEY] = self._region(scope)
        environ[CUT_KEY] = scope[CUTS].append
        environ["wsgi.input_terminated"] = True
        return self._flask(environ, start_response)

    def _region(self, scope: Scope) -> str:
        return self._regions.get(int(scope["server"][1]), DEFAULT)


@lru_cache(1000)
def _name(raw: bytes) -> str:
    """A header's name as WSGI servers write it."""
    return raw.decode("latin-1").title()


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in raw:
        key, text = _name(name), value.decode("latin-1")
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def _query(raw: bytes) -> dict[str, str]:
    """The parameters as werkzeug reads them, so that every server gives the same."""
    if not raw:
        return {}
    return Request("GET", "http", None, "", "/", raw, Headers(), None).args.to_dict()


async def _body(receive: Receive, most: int) -> bytes | None:
    """The body; None if it is larger than `most` bytes, of which some more are read away."""
    chunks, size, more = [], 0, True
    while more and size <= most + DRAIN_BYTES:
        message = await receive()
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size <= most:
            chunks.append(chunk)
    return b"".join(chunks) if size <= most else None


def _answer(reply: Reply) -> list[Message]:
    """A reply as ASGI messages."""
    headers = {"Content-Type": reply.content_type, "Content-Length": str(len(reply.body))}
    if reply.status in WITHOUT_BODY:
        del headers["Content-Length"]
    lines = [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items() if v]
    lines += [(k.lower().encode(), v.encode("latin-1")) for k, v in reply.headers.items()]
    return [
        {"type": "http.response.start", "status": reply.status, "headers": lines},
        {"type": "http.response.body", "body": reply.body},
    ]


async def _cut(scope: Scope, cut: str, answer: Sequence[Message], send: Send) -> None:
    """Close the connection before, during or after an answer.

    What comes before the end is written past the server: only so it is sure to be sent. Under TLS
    that cannot be; there the server gets some time to send it.
    """
    start, *rest = answer
    body = b"".join(each.get("body", b"") for each in rest)
    sent = {"before": b"", "during": body[: len(body) // 2], "after": body}[cut]
    client, port = (scope["client"][0], int(scope["client"][1])), int(scope["server"][1])
    if cut == "before":
        end(client, port)
    elif scope["scheme"] == "https":
        await send(start)
        await send({"type": "http.response.body", "body": sent, "more_body": True})
        await asyncio.sleep(TLS_SECONDS)
        end(client, port)
    else:
        names = {name.lower() for name, _ in start["headers"]}
        length = [] if b"content-length" in names else [(b"content-length", b"%d" % len(body))]
        lines = [b"%s: %s\r\n" % each for each in [*start["headers"], *length]]
        end(client, port, b"".join([_status_line(start["status"]), *lines, b"\r\n", sent]))


def _status_line(status: int) -> bytes:
    known = status in HTTPStatus._value2member_map_
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase if known else ''}\r\n".encode()
