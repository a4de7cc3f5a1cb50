"""Connections of the server, with the limits that uvicorn itself does not have.

A head has a largest size. A connection that is idle, or whose request does not arrive, is closed
after a time; and when too many are open, the one that was idle for longest is closed for a new one.
So neither idle nor slow clients block others.
"""

import asyncio
from collections import OrderedDict, deque
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_resource: Any = import_module("resource") if find_spec("resource") else None
"""The module of system limits; it does not exist on Windows."""

LARGEST_HEAD = 64 * 1024
"""Bytes of a request line with its headers."""

IDLE_SECONDS = 120.0
"""Seconds that a connection may stay open without a request."""

REQUEST_SECONDS = 60.0
"""Seconds that a request may take to arrive, head and body."""

SWEEP_SECONDS = 5.0

RESERVED_FILES = 300
"""Open files that are kept for everything else: spools, connections to Mixpanel, the log."""

CONNECTIONS_ELSEWHERE = 10_000
"""Maximum number of open connections if the system has no limit."""

DRAINED_BYTES = 64 * 1024 * 1024
"""Maximum bytes of a body that are read and discarded after its request was refused."""


def raise_file_limit() -> int:
    """Raise the limit of open files; returns the number of connections that this allows."""
    if _resource is None:
        return CONNECTIONS_ELSEWHERE
    soft, hard = _resource.getrlimit(_resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        _resource.setrlimit(_resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return max(int(soft) - RESERVED_FILES, 100)


class Connections:
    """All connections of one server. `most` is the maximum number of open connections."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._idle: OrderedDict[Connection, float] = OrderedDict()
        self._busy: dict[Connection, float] = {}
        """The connections with a request that is arriving or in work, and since when."""

    def opened(self, connection: "Connection", now: float) -> None:
        """A client has connected. If there are too many, one that is idle is closed for it."""
        if len(self._idle) + len(self._busy) >= self._most:
            if not self._idle:
                connection.end()
                return
            oldest, _ = self._idle.popitem(last=False)
            oldest.end()
        self._idle[connection] = now

    def closed(self, connection: "Connection") -> None:
        """A connection has ended."""
        self._idle.pop(connection, None)
        self._busy.pop(connection, None)

    def began(self, connection: "Connection", now: float) -> None:
        """A request begins to arrive."""
        if self._idle.pop(connection, None) is not None:
            self._busy[connection] = now

    def ended(self, connection: "Connection", now: float) -> None:
        """A request is answered, and has arrived whole."""
        if self._busy.pop(connection, None) is not None:
            self._idle[connection] = now

    def sweep(self, now: float) -> None:
        """Close what has been idle, or is arriving, for too long."""
        while self._idle:
            connection, since = next(iter(self._idle.items()))
            if now - since < IDLE_SECONDS:
                break
            del self._idle[connection]
            connection.end()
        for connection, since in list(self._busy.items()):
            if now - since > REQUEST_SECONDS and connection.is_arriving:
                connection.end()

    async def keep_sweeping(self) -> None:
        """Sweep until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweep(clock())


class _Writer:
    """A transport that sends what is written in one turn of the event loop with one system call.

    uvicorn writes the head and the body of a response one after the other.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info

    def write(self, data: bytes) -> None:
        """Send data soon."""
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(data)

    def close(self) -> None:
        """Close the connection when everything is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        data, self._pieces = b"".join(self._pieces), []
        if data and not self._transport.is_closing():
            self._transport.write(data)


class _RestOfBody:
    """The callbacks of a second parser, which reads the body after the first stopped at the
    head."""

    def __init__(self, connection: "Connection") -> None:
        self._connection: Connection | None = connection

    def on_body(self, body: bytes) -> None:
        if self._connection:
            self._connection.on_body(body)

    def on_message_complete(self) -> None:
        if self._connection:
            self._connection.on_message_complete()
        self._connection = None


def connection_class(connections: Connections) -> type[HttpToolsProtocol]:
    """The class of the connections of one server, for uvicorn."""
    return type("GatewayConnection", (Connection,), {"registry": connections})


class Connection(HttpToolsProtocol):
    """One connection. Subclasses name the `registry` of their server."""

    registry: Connections

    _head: int | None = None
    """Bytes of the head that is arriving; None between heads."""

    _drained = 0
    """Bytes of a body that arrived after its request had been answered."""

    _message_complete = True
    """Whether the request has arrived whole."""

    @property
    def is_arriving(self) -> bool:
        """Whether a request is still arriving."""
        return not self._message_complete

    def end(self) -> None:
        """Close the connection."""
        if not self.transport.is_closing():
            self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        writer: Any = _Writer(transport, self.loop)
        self.transport = writer
        self.registry.opened(self, self.loop.time())

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self.registry.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data, within the limits."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            self._stay_with_http(data[stopped.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Not a valid HTTP request")
        if self._head is not None:
            self._head += len(data)
            if self._head > LARGEST_HEAD and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._head = 0
        self._drained = 0
        self._message_complete = False
        self.registry.began(self, self.loop.time())

    def on_headers_complete(self) -> None:
        """The head of a request has arrived."""
        self._head = None
        super().on_headers_complete()
        # Headers that follow a body in chunks are not kept.
        nothing: Any = deque(maxlen=0)
        self.headers = nothing

    def on_body(self, body: bytes) -> None:
        """A part of a body has arrived."""
        if self.cycle.response_complete:
            self._drained += len(body)
            if self._drained > DRAINED_BYTES:
                self.end()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has arrived whole."""
        self._message_complete = True
        super().on_message_complete()
        if self.cycle.response_complete:
            self.registry.ended(self, self.loop.time())

    def on_response_complete(self) -> None:
        """A response is sent."""
        if self._message_complete and not self.pipeline:
            self.registry.ended(self, self.loop.time())
        super().on_response_complete()
        self._unset_keepalive_if_required()  # the sweep closes idle connections

    def _stay_with_http(self, rest: bytes) -> None:
        """Answer a client that offers another protocol, such as h2c, in HTTP/1.1.

        The parser stops behind the head then: a second one reads the body, with the same framing.
        """
        self.cycle.keep_alive = False
        framing = [
            b"%s: %s\r\n" % header
            for header in self.scope["headers"]
            if header[0] in (b"content-length", b"transfer-encoding")
        ]
        if framing:
            self.cycle.more_body = True
            self._message_complete = False
            self.parser = httptools.HttpRequestParser(_RestOfBody(self))
            self.data_received(b"POST / HTTP/1.1\r\n%s\r\n%s" % (b"".join(framing), rest))
