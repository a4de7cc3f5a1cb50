"""Writes lists as JSON text in pieces, in bounded memory.

The text of a stored event never changes, except for the id of its person. So the texts
of events are kept, packed, by these ids: what did not change is not made again.
"""

import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from mock_mixpanel.garbage_collection import uncollected
from mock_mixpanel.json_values import to_json
from mock_mixpanel.log.index import Index
from mock_mixpanel.state.lists.items import Seen, with_entries

PIECE = 256 * 1024
"""Bytes of one piece."""
LARGEST = 4 * 1024 * 1024
"""Bytes of a block of events that is cached."""
MOST = 128 * 1024 * 1024
"""Compressed bytes of all cached blocks."""


def array(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A JSON array from its pieces."""
    before = b"["
    for piece in pieces:
        yield before + piece
        before = b","
    yield b"[]" if before == b"[" else b"]"


def pieces(values: Iterable[Any]) -> Iterator[bytes]:
    """The members of an array as text, several in a piece, with commas between them."""
    left, more = iter(values), True
    while more:
        piece, more = bytearray(), False
        with uncollected():
            for value in left:
                if piece:
                    piece += b","
                piece += _text(value)
                if len(piece) > PIECE:
                    more = True
                    break
        if piece:
            yield bytes(piece)


def _text(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # Lone surrogates, and integers beyond 64 bits.
        return to_json(value)


class Texts:
    """A cache of the texts of events, valid while the events belong to the same people."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._kept: dict[int, bytes] = {}
        """Compressed blocks, the least recently read first."""
        self._size = 0

    def pieces(self, seen: Sequence[Seen], *, keep: bool) -> Iterator[bytes]:
        """The texts of these events, in order. `keep`: cache them for the next read."""
        start = 0
        for end in self._index.blocks([each.event.id for each in seen]):
            # The last block still grows.
            yield from self._block(seen[start:end], keep=keep and end < len(seen))
            start = end

    def _block(self, seen: Sequence[Seen], *, keep: bool) -> Iterator[bytes]:
        key = hash((tuple(e.event.id for e in seen), tuple(e.distinct_id for e in seen)))
        with self._lock:
            packed = self._kept.pop(key, None)
            if packed is not None:
                self._kept[key] = packed
        if packed is not None:
            yield zlib.decompress(packed)
            return
        made, size = [], 0
        found = with_entries(seen, self._index.entries)
        for piece in pieces(each.value(entry) for each, entry in found):
            yield piece
            size += len(piece)
            if keep and size <= LARGEST:
                made.append(piece)
        if made and size <= LARGEST:
            self._keep(key, zlib.compress(b",".join(made), 1))

    def _keep(self, key: int, packed: bytes) -> None:
        with self._lock:
            self._size += len(packed) - len(self._kept.pop(key, b""))
            self._kept[key] = packed
            while self._size > MOST:
                self._size -= len(self._kept.pop(next(iter(self._kept))))
