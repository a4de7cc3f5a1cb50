"""Rows in a file, one after the other.

Where the log ends is for its owner to say: what lies behind is not there, and is written over.
"""

import mmap
import os
import struct
import threading
import weakref
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path

from mock_mixpanel.log.row_codec import Row

_FRAME = struct.Struct("<QQiII")
"""Before each row: its id, that of its first entry, lengths of token (-1: none), head and body."""


class LogFile:
    """One file; it is made if it is not there. All of it may be called from several threads.

    It stays readable when it is removed.
    """

    def __init__(self, path: Path, generation: int) -> None:
        self.generation = generation
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        weakref.finalize(self, os.close, self._file)
        self._lock = threading.Lock()
        self._map: mmap.mmap | bytes = b""
        self._ids, self._places = array("Q"), array("Q")
        self._seen = 0

    def write(self, row: Row, end: int) -> int:
        """Write a row where the log ends, and say where it would end now. Raises OSError."""
        number, first, token, head, body = row
        name = b"" if token is None else token.encode()
        length = -1 if token is None else len(name)
        frame = _FRAME.pack(number, first, length, len(head), len(body)) + name + head + body
        if os.pwrite(self._file, frame, end) < len(frame):
            raise OSError("the disk is full")
        return end + len(frame)

    def rows_after(self, after: int, end: int, most: int) -> Sequence[Row]:
        """So many rows at most, with ids greater than `after`."""
        with self._lock:
            self._look(end)
            start = bisect_right(self._ids, after)
            return [self._row(place) for place in self._places[start : start + most]]

    def rows(self, ids: Sequence[int], end: int) -> Sequence[Row]:
        """The rows with these ids, as far as they are there."""
        with self._lock:
            self._look(end)
            known = self._ids
            places = [(each, bisect_left(known, each)) for each in ids]
            return [
                self._row(self._places[place])
                for each, place in places
                if place < len(known) and known[place] == each
            ]

    def _look(self, end: int) -> None:
        """See all rows before `end`."""
        if len(self._map) < end:
            self._map = mmap.mmap(self._file, end, access=mmap.ACCESS_READ)
        while self._seen < end:
            number, _, token, head, body = _FRAME.unpack_from(self._map, self._seen)
            self._ids.append(number)
            self._places.append(self._seen)
            self._seen += _FRAME.size + max(token, 0) + head + body

    def _row(self, place: int) -> Row:
        number, first, token, head, body = _FRAME.unpack_from(self._map, place)
        start = place + _FRAME.size
        name = self._map[start : start + max(token, 0)].decode() if token >= 0 else None
        start += max(token, 0)
        return Row(
            number,
            first,
            name,
            self._map[start : start + head],
            self._map[start + head : start + head + body],
        )
