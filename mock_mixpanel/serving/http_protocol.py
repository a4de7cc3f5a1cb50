"""HTTP as uvicorn speaks it, and what it does not do by itself.

What is no request goes into the journal; a head has a limit; a client that sends no more, or that
would like to speak another protocol, is still answered; and the application can end a connection.
"""

import asyncio
from collections import deque
from html import escape
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_mixpanel.ingest.replies import NO_REQUEST_PAGE, Reply, words

CLOSE = "mock_mixpanel.close"
"""In the scope: what ends the connection once everything that was answered is sent."""

GONE = "mock_mixpanel.gone"
"""In the scope: whether there is nobody to answer any more."""

CUT = "mock_mixpanel.cut"
"""In the scope, true: the body ends here, but it is not whole."""

LARGEST_HEAD = 64 * 1024
"""Bytes of a request line with its headers; what came with its beginning or end is not counted."""


class Gathering:
    """A transport that sends at once what is written in one turn of the loop.

    An answer is written in two pieces, and a client would be woken for each.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._pieces: list[bytes] = []
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send it soon."""
        if not self._pieces:
            self._loop.call_soon(self.flush)
        self._pieces.append(data)

    def close(self) -> None:
        """End the connection when everything is sent."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Send it now."""
        data, self._pieces = b"".join(self._pieces), []
        if data and not self.is_closing():
            self._transport.write(data)


class Rest:
    """What a parser tells of the body of one request, and of nothing that comes after it."""

    def __init__(self, connection: HttpToolsProtocol) -> None:
        self._connection: HttpToolsProtocol | None = connection

    def on_body(self, body: bytes) -> None:
        """Some of it."""
        if self._connection:
            self._connection.on_body(body)

    def on_message_complete(self) -> None:
        """All of it."""
        if self._connection:
            self._connection.on_message_complete()
        self._connection = None


class Protocol(HttpToolsProtocol):
    """One connection to an `Application`."""

    _head: int | None = None
    """Bytes of the head that is being read; None if none is."""

    _received = 0
    """Bytes that are being read, of which nobody knows how many are of the head that begins."""

    _refusal: tuple[int, str] | None = None
    """What to answer to what is no request, once all that came before it is answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        gathering: Any = Gathering(transport, self.loop)
        self.transport = gathering
        # uvicorn waits so long for the next request, but for ever for the first one.
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def data_received(self, data: bytes) -> None:
        """Read on, but no head for ever."""
        self._unset_keepalive_if_required()
        if self._refusal:
            return
        self._received = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            self._stay(data[stopped.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("This is no HTTP")
        if self._head is not None:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self._refuse(431, words(431))

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._head = -self._received
        scope: Any = self.scope
        scope[CLOSE], scope[GONE] = self.transport.close, self.transport.is_closing

    def on_headers_complete(self) -> None:
        """A head has ended."""
        self._head = None
        super().on_headers_complete()
        # What follows a body in chunks is no header, and is not kept.
        nothing: Any = deque(maxlen=0)
        self.headers = nothing

    def eof_received(self) -> bool | None:  # type: ignore[override]  # asyncio has it so
        """Answer what was sent, if anything was; True keeps the connection for that."""
        gathering: Any = self.transport
        gathering.flush()
        if self._head is not None:
            self._refuse(400, "The head of the request is cut")
            return self._refusal is not None and self.scheme == "http"
        if self.cycle and not self.cycle.response_complete and self.scheme == "http":
            self.cycle.keep_alive = False
            return not self.cycle.more_body or self._cut_body()
        return None

    def on_response_complete(self) -> None:
        """The next answer may begin."""
        super().on_response_complete()
        if self._refusal and self.cycle.response_complete:
            self._refuse(*self._refusal)

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be read: a body that is cut, or no request at all."""
        if self._head is None and self.cycle and self.cycle.more_body:
            self._cut_body()
        else:
            self._refuse(400, msg)

    def _stay(self, rest: bytes) -> None:
        """Answer in HTTP/1.1 a client that would like to speak something else, such as h2c.

        The parser has left the body unread: another one reads it, by what the head says of it.
        """
        self.cycle.keep_alive = False
        framing = [
            b"%s: %s\r\n" % header
            for header in self.cycle.scope["headers"]
            if header[0] in (b"content-length", b"transfer-encoding")
        ]
        if framing:
            self.cycle.more_body = True
            self.parser = httptools.HttpRequestParser(Rest(self))
            self.data_received(b"POST / HTTP/1.1\r\n%s\r\n%s" % (b"".join(framing), rest))

    def _cut_body(self) -> bool:
        """Let the application answer what has come of a body."""
        scope: Any = self.cycle.scope
        scope[CUT] = True
        self.cycle.more_body = False
        self.cycle.keep_alive = False
        self.cycle.message_event.set()
        return True

    def _refuse(self, status: int, why: str) -> None:
        """Answer what is no request, put it into the journal without its query, and close."""
        if self.transport.is_closing():
            return
        if self.cycle and not self.cycle.response_complete:
            self._refusal = self._refusal or (status, why)
            return
        body = (NO_REQUEST_PAGE % {"code": status, "message": escape(why)}).encode()
        reply = Reply(status, body, "text/html; charset=utf-8")
        head = f"HTTP/1.1 {status} {words(status)}\r\nContent-Type: {reply.content_type}\r\n"
        length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.transport.write((head + length).encode() + body)
        self.transport.close()
        known = self._head is not None and self.url
        path = self.url.decode("latin-1") if known else ""
        method = self.parser.get_method().decode() if known else ""
        application: Any = self.app
        assert self.server, "it came by a port"
        application.no_request(self.server[1], method, path, reply)
