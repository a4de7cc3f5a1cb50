"""HTTP/1.1 connections: uvicorn's protocol, with stricter checks of requests.

In addition to uvicorn, it writes malformed requests to the journal, limits the size of a head,
limits how long a client may be silent, answers a request whose body was cut, and closes a
connection where the application raises ConnectionCut.
"""

import asyncio
import logging
from collections import deque
from html import escape
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_mixpanel.ingest.flask_requests import ConnectionCut
from mock_mixpanel.ingest.replies import NO_REQUEST_PAGE, Reply, words
from mock_mixpanel.serving.connections.buffered_transport import BufferedTransport
from mock_mixpanel.serving.wsgi_calls import ServerResponse

LARGEST_HEAD = 64 * 1024
"""Bytes of a request line with its headers."""

LINGER_SECONDS = 1
"""Seconds that a client may go on sending after it was refused."""

BAD_REQUEST, URI_TOO_LONG, HEADERS_TOO_LARGE = 400, 414, 431

_LOGGER = logging.getLogger("mock_mixpanel.serving.uvicorn")
_LOGGER.setLevel(logging.CRITICAL + 1)  # The application logs its own errors.


class HeadTooLargeError(Exception):
    """A request line or the headers are over the limit; `status` is the HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class BodyEvents:
    """Parser events of one request body, passed on to a connection.

    Events of anything that follows the body are dropped.
    """

    def __init__(self, connection: HttpToolsProtocol) -> None:
        self._connection: HttpToolsProtocol | None = connection

    def on_body(self, body: bytes) -> None:
        """Pass on a piece."""
        if self._connection:
            self._connection.on_body(body)

    def on_message_complete(self) -> None:
        """Pass on the end."""
        if self._connection:
            self._connection.on_message_complete()
        self._connection = None


class HttpProtocol(HttpToolsProtocol):
    """One connection to an `Application`."""

    _head: int | None = None
    """Bytes received since the head began that is being read; None between heads."""

    _head_parsed = 0
    """Bytes of the request line and of the complete headers of that head."""

    _received = 0
    """Bytes being parsed; when a head begins, it is not known how many of them belong to it."""

    _refusal: tuple[int, str] | None = None
    """The response to a malformed request, sent once all earlier requests are answered."""

    _refused = False
    """Whether that response is sent; what still arrives is read and dropped."""

    _body_cut = False
    """Whether the body of the last request ended too early or was malformed."""

    _answered: ServerResponse | None = None
    """The response to the next request, if it is known already but uvicorn has to send it."""

    _idle_check: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.logger, self.access_log = _LOGGER, False
        self._application: Any = self.config.app
        respond: Any = self._respond
        self.app = respond

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        buffered: Any = BufferedTransport(transport, self.loop)
        self.transport = buffered
        self._last_active = self.loop.time()
        self._check_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        super().connection_lost(exc)
        if self._idle_check:
            self._idle_check.cancel()

    def data_received(self, data: bytes) -> None:
        """Data have arrived; after a malformed request they are dropped."""
        self._unset_keepalive_if_required()
        self._last_active = self.loop.time()
        if not (self._refusal or self._refused):
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Parse data; reject a head over LARGEST_HEAD bytes."""
        self._received = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            self._stay_with_http_1(data[stopped.args[0] :])
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            status = cause.status if isinstance(cause, HeadTooLargeError) else BAD_REQUEST
            self._refuse_status(status)
        except httptools.HttpParserError:
            self.send_400_response("Not a valid HTTP request")
        if self._head is not None:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self._refuse_status(HEADERS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._head, self._head_parsed = -self._received, 0

    def on_url(self, url: bytes) -> None:
        """Keep a piece of the request target."""
        super().on_url(url)
        self._count(len(url), URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        super().on_header(name, value)
        if self._head is not None:
            self._count(len(name) + len(value), HEADERS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """A head has ended."""
        super().on_headers_complete()
        self._head = None
        # Trailers, which may follow a chunked body, are not headers and are not kept.
        nothing: Any = deque(maxlen=0)
        self.headers = nothing

    def eof_received(self) -> bool | None:  # type: ignore[override]  # as in asyncio
        """The client sends no more. True keeps the connection open for the responses."""
        buffered: Any = self.transport
        buffered.flush()
        if self._refused:
            return None
        if self._head is not None:
            self._refuse(BAD_REQUEST, "The head of the request is cut")
            return self._refusal is not None and self.scheme == "http"
        if self.cycle and not self.cycle.response_complete and self.scheme == "http":
            self.cycle.keep_alive = False
            if self.cycle.more_body:
                self._cut_body()
            return True
        return None

    def on_response_complete(self) -> None:
        """The next response may begin."""
        super().on_response_complete()
        self._last_active = self.loop.time()
        if self._refusal and self.cycle.response_complete:
            self._refuse(*self._refusal)

    def send_400_response(self, msg: str) -> None:
        """Respond to malformed input: a broken body, or something that is not a request."""
        if self._head is None and self.cycle and self.cycle.more_body:
            self._cut_body()
        else:
            self._refuse(BAD_REQUEST, msg)

    async def _respond(self, scope: Any, receive: Any, send: Any) -> None:
        """Let the application answer; a cut body reaches it as `http.disconnect`."""
        ended = False

        async def receive_body() -> Any:
            nonlocal ended
            message = {"type": "http.disconnect"} if ended else await receive()
            ended = self._body_cut and bool(message.get("more_body"))
            return message

        answered, self._answered = self._answered, None
        try:
            await self._application(scope, receive_body, send, answered)
        except ConnectionCut:
            self.transport.close()
            while (await receive())["type"] != "http.disconnect":
                pass

    def _check_idle(self) -> None:
        """Check at intervals whether the client has been silent for too long."""
        limit = self.timeout_keep_alive
        left = self._last_active + limit - self.loop.time()
        if left <= 0:
            self._stop_waiting()
            left = limit
        if not self.transport.is_closing():
            self._idle_check = self.loop.call_later(left, self._check_idle)

    def _stop_waiting(self) -> None:
        """Close the connection of a silent client; a request without its whole body is answered."""
        if self._head is not None or not self.cycle or self.cycle.response_complete:
            self.transport.close()
        elif self.cycle.more_body:
            self._cut_body()

    def _count(self, size: int, status: int) -> None:
        """Add to the size of the head. Raises HeadTooLargeError."""
        self._head_parsed += size
        if self._head_parsed > LARGEST_HEAD:
            raise HeadTooLargeError(status)

    def _stay_with_http_1(self, rest: bytes) -> None:
        """Respond in HTTP/1.1 to a client that asks for another protocol, such as h2c.

        The parser has left the body unread: another parser reads it, as the head describes it.
        """
        self.cycle.keep_alive = False
        framing = [
            b"%s: %s\r\n" % header
            for header in self.cycle.scope["headers"]
            if header[0] in (b"content-length", b"transfer-encoding")
        ]
        if framing:
            self.cycle.more_body = True
            self.parser = httptools.HttpRequestParser(BodyEvents(self))
            self.data_received(b"POST / HTTP/1.1\r\n%s\r\n%s" % (b"".join(framing), rest))

    def _cut_body(self) -> None:
        """End the body of the last request, so that the application answers it, and close."""
        self._body_cut = True
        self.cycle.keep_alive = False
        self.cycle.message_event.set()

    def _refuse_status(self, status: int) -> None:
        self._refuse(status, words(status))

    def _refuse(self, status: int, why: str) -> None:
        """Respond to what is not a request, journal it without its query, and close."""
        if self._refused or self.transport.is_closing():
            return
        if self.cycle and not self.cycle.response_complete:
            self._refusal = self._refusal or (status, why)
            return
        body = (NO_REQUEST_PAGE % {"code": status, "message": escape(why)}).encode()
        reply = Reply(status, body, "text/html; charset=utf-8")
        head = f"HTTP/1.1 {status} {words(status)}\r\nContent-Type: {reply.content_type}\r\n"
        length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.transport.write((head + length).encode() + body)
        # A connection that is closed while its client still sends is reset, and the client may not
        # see the response.
        buffered: Any = self.transport
        buffered.end()
        self._refused = True
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
        known = self._head is not None and self.url
        path = self.url.decode("latin-1") if known else ""
        method = self.parser.get_method().decode() if known else ""
        assert self.server, "a TCP connection has a local address"
        self._application.no_request(self.server[1], method, path, reply)
