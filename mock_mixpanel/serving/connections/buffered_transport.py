"""A transport that joins the pieces of a response."""

import asyncio


class BufferedTransport:
    """A transport that sends all data of one turn of the event loop together.

    uvicorn writes a response in two pieces, and a client would be woken up for each.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._pieces: list[bytes] = []
        self.is_closing = transport.is_closing
        self.abort = transport.abort

    def write(self, data: bytes) -> None:
        """Send data in this turn of the loop."""
        if not self._pieces:
            self._loop.call_soon(self.flush)
        self._pieces.append(data)

    def write_now(self, data: bytes) -> None:
        """Send data at once, after what was written before."""
        self._pieces.append(data)
        self.flush()

    def close(self) -> None:
        """Close the connection after everything is sent."""
        self.flush()
        self._transport.close()

    def end(self) -> None:
        """Close the sending half of the connection; with TLS there is only the whole."""
        self.flush()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def flush(self) -> None:
        """Send now."""
        data, self._pieces = b"".join(self._pieces), []
        if data and not self.is_closing():
            self._transport.write(data)
