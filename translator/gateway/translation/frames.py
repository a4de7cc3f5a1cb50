"""The frames that the gateway and its translation processes send each other over a socket.

A frame is its length in 4 bytes, and a pickled tuple. Both ends are processes of one gateway, and
no other process can write to the socket.

To a process: `Configure` and `TranslationJob`. From it: `Ready` and `Piece`.
"""

import pickle
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from translator.gateway.translation.request_translation import Call
from translator.gateway.translation.source_translation import SourceTranslation, TranslatedMessage

_LENGTH = struct.Struct("!I")


class Configure(NamedTuple):
    """From now on jobs of the source with this name are translated so."""

    name: str
    source: SourceTranslation


class TranslationJob(NamedTuple):
    """A request to translate. While one is `large`, other jobs come in between."""

    number: int
    name: str
    call: Call
    large: bool


class Ready(NamedTuple):
    """The process takes jobs."""


class Piece(NamedTuple):
    """The next messages of a job. With `last` the job is done.

    `refusal` is the status and the text of the answer if the request is refused; with `failed` the
    process could not do the job.
    """

    number: int
    messages: list[TranslatedMessage]
    last: bool
    refusal: tuple[int, str] | None = None
    failed: bool = False


def frame(content: Any) -> bytes:
    """The frame of a tuple. Raises what pickle raises."""
    text = pickle.dumps(content, 5)
    return _LENGTH.pack(len(text)) + text


class Frames:
    """Puts together frames from the bytes that arrive."""

    def __init__(self) -> None:
        self._arrived = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """The contents of the frames that are complete with these bytes."""
        self._arrived += data
        start = 0
        with memoryview(self._arrived) as view:
            while len(view) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(view, start)
                end = start + _LENGTH.size + length
                if len(view) < end:
                    break
                # It comes from a process that this one has started, over its own socket.
                yield pickle.loads(view[start + _LENGTH.size : end])  # noqa: S301
                start = end
        del self._arrived[:start]
