"""Receiving the body of a request: it is limited while it arrives."""

import asyncio
from typing import Any

from translator.gateway.messages.bodies import BadRequestError, TooLargeError

ARRIVING_BYTES = 128 * 1024 * 1024
"""Maximum total size, in bytes, of the bodies that are arriving."""


class DisconnectedError(Exception):
    """The client closed the connection before its body was complete."""


class BodyMemory:
    """Bounds the memory of the bodies that are arriving, all together.

    When they exceed `most` bytes, the request that has been arriving for longest is given up: so
    many slow clients cannot fill the memory, and fast ones are served meanwhile.
    """

    def __init__(self, most: int = ARRIVING_BYTES) -> None:
        self._most = most
        self._held = 0
        self._readers: dict[asyncio.Task[Any], int] = {}
        """The bytes that each reader holds, in the order in which the readers began."""
        self._given_up: set[asyncio.Task[Any]] = set()

    def hold(self, reader: asyncio.Task[Any], size: int) -> None:
        """Add bytes that a reader holds."""
        self._readers[reader] = self._readers.get(reader, 0) + size
        self._held += size
        while self._held > self._most:
            oldest = next(iter(self._readers))
            if oldest is reader:
                break
            self._given_up.add(oldest)
            oldest.cancel()
            self._held -= self._readers.pop(oldest)

    def release(self, reader: asyncio.Task[Any]) -> None:
        """Remove a reader and its bytes."""
        self._held -= self._readers.pop(reader, 0)

    def is_given_up(self, reader: asyncio.Task[Any]) -> bool:
        """Whether a reader was cancelled because it had read for longest; true only once."""
        found = reader in self._given_up
        self._given_up.discard(reader)
        return found


async def receive_body(
    receive: Any, headers: Any, limit: int, status: int, memory: BodyMemory
) -> bytes:
    """The body of an ASGI request, of `limit` bytes at most.

    `headers` are its raw headers. Raises TooLargeError, with `status`, as soon as the body is known
    to be larger: nothing more of it is kept then. Raises DisconnectedError, and BadRequestError if
    `memory` gives it up.
    """
    for name, value in headers:
        if name == b"content-length" and value.isdigit() and int(value[:20]) > limit:
            raise TooLargeError(status, limit)
    event = await receive()
    if event["type"] == "http.request" and not event["more_body"]:
        body: bytes = event["body"]
        if len(body) > limit:
            raise TooLargeError(status, limit)
        return body
    reader = asyncio.current_task()
    assert reader is not None, "it runs in a task"
    pieces = bytearray()
    try:
        while True:
            if event["type"] == "http.disconnect":
                raise DisconnectedError
            pieces += event["body"]
            if len(pieces) > limit:
                raise TooLargeError(status, limit)
            if not event["more_body"]:
                return bytes(pieces)
            memory.hold(reader, len(event["body"]))
            event = await receive()
    except asyncio.CancelledError:
        if not memory.is_given_up(reader):
            raise
        reader.uncancel()
        raise BadRequestError(408, "the body took too long to arrive; send it again") from None
    finally:
        memory.release(reader)
