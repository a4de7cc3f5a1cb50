"""HTTP/1.1 connections that answer plain requests without uvicorn; see `whole_requests`."""

import asyncio
from typing import Any

from mock_mixpanel.serving.connections.http_protocol import HttpProtocol
from mock_mixpanel.serving.connections.whole_requests import (
    LARGEST_KEPT,
    PlainRequest,
    response_bytes,
)


class FastHttpProtocol(HttpProtocol):
    """One connection to an `Application`.

    Pieces of a plain request that is not whole yet are kept from the parser. If it cannot become
    whole, the parser gets them, so that the client is answered as for any other request.
    """

    _kept: bytearray
    """The pieces of a plain request; not set before the first piece."""

    _awaited = 0
    """The size of that request in bytes; 0 if no pieces are kept."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        assert self.server, "a TCP connection has a local address"
        assert self.client, "a TCP connection has an address of the client"
        self._region, self._peer = self._application.region(self.server[1]), self.client[0]

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._parse_kept()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Answer a whole plain request, keep a part of one, and parse all other data."""
        if self._awaited:
            self._kept += data
            if len(self._kept) < self._awaited:
                self._last_active = self.loop.time()
                return
            data = self._take_kept()
        if not (self._is_between_requests() and self._answer(data)):
            super().data_received(data)

    def eof_received(self) -> bool | None:  # type: ignore[override]  # as in asyncio
        """The client sends no more. True keeps the connection open for the responses."""
        self._parse_kept()
        return super().eof_received()

    def shutdown(self) -> None:
        """The server stops: a request that has begun is answered, an idle connection is closed."""
        self._parse_kept()
        super().shutdown()

    def _stop_waiting(self) -> None:
        self._parse_kept()
        super()._stop_waiting()

    def _parse_kept(self) -> None:
        """Parse the pieces, since the request will not become whole in time."""
        if self._awaited:
            self._parse(self._take_kept())

    def _take_kept(self) -> bytes:
        data, self._kept, self._awaited = bytes(self._kept), bytearray(), 0
        return data

    def _is_between_requests(self) -> bool:
        """Whether the next data begin a request and its response may be sent at once."""
        cycle = self.cycle
        answered = not cycle or (cycle.response_complete and not cycle.more_body)
        stopped = self._refusal or self._refused
        waits = self.flow.write_paused or self.transport.is_closing()
        return self._head is None and answered and not stopped and not waits

    def _answer(self, data: bytes) -> bool:
        """Answer a whole plain request, or keep a part of one.

        False if data are something else, or if uvicorn has to send the response: with a delay, a
        cut or a status other than 200.
        """
        request = PlainRequest.find(data, self._region, self._peer)
        if not request or request.size < len(data) or request.size > LARGEST_KEPT:
            return False
        self._last_active = self.loop.time()
        self._unset_keepalive_if_required()
        if request.size > len(data):
            self._kept, self._awaited = bytearray(data), request.size
            return True
        response = self._application.answer_whole(request.head, data[request.start :])
        if response.status != 200 or response.delay or response.cut:
            self._answered = response
            return False
        common = self.server_state.default_headers
        buffered: Any = self.transport
        buffered.write_now(response_bytes(200, common, response.headers, response.body))
        return True
