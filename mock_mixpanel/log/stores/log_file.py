"""Rows in a file, one frame after the other.

The owner of the file says where the log ends: bytes behind the end do not count, and are
overwritten.
"""

import mmap
import os
import threading
import weakref
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path

from mock_mixpanel.log.frames import Damage, damages, pack_frame, read_frame, read_lengths
from mock_mixpanel.log.row_codec import Row

COPIED_AT_ONCE = 4 * 1024 * 1024
"""Bytes that are copied at once."""


class LogFile:
    """One file; it is created if it does not exist. All methods may be called from several threads.

    It stays readable when it is removed. Reading raises DamagedError where a checksum is wrong.
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
        """Write a row where the log ends, and return the new end. Raises OSError."""
        frame = pack_frame(row)
        if os.pwrite(self._file, frame, end) < len(frame):
            raise OSError("the disk is full")
        return end + len(frame)

    def write_all(self, rows: Iterable[Row]) -> int:
        """Fill the file with these rows, and return its end. Raises OSError."""
        end = 0
        for row in rows:
            end = self.write(row, end)
        return end

    def copy_from(self, other: "LogFile", entry: int, end: int) -> int:
        """Fill this file with the rows of another log from an entry id on, and return its end.

        The last row is copied in any case. Raises OSError.
        """
        with other._lock:
            other._look(end)
            first = other._first_with(entry)
            start = other._places[first] if other._places else end
            self._ids = other._ids[first:]
            self._places = array("Q", (place - start for place in other._places[first:]))
        for place in range(start, end, COPIED_AT_ONCE):
            content = os.pread(other._file, min(COPIED_AT_ONCE, end - place), place)
            if os.pwrite(self._file, content, place - start) < len(content):
                raise OSError("the disk is full")
        self._seen = end - start
        return self._seen

    def damages(self, end: int) -> list[Damage]:
        """The ranges of bytes before `end` that hold no readable row."""
        size = min(end, os.fstat(self._file).st_size)
        if not size:
            return [Damage(0, end)] if end else []
        with mmap.mmap(self._file, size, access=mmap.ACCESS_READ) as whole:
            found = list(damages(whole, size))
        return [*found, Damage(size, end)] if size < end else found

    def rows_after(self, after: int, end: int, most: int) -> Sequence[Row]:
        """So many rows at most, with ids greater than `after`."""
        with self._lock:
            self._look(end)
            start = bisect_right(self._ids, after)
            return [self._row(place) for place in self._places[start : start + most]]

    def rows(self, ids: Sequence[int], end: int) -> Sequence[Row]:
        """Those rows with these ids that the file has."""
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
        """Index all rows before `end`."""
        if len(self._map) < end:
            self._map = mmap.mmap(self._file, end, access=mmap.ACCESS_READ)
        while self._seen < end:
            lengths = read_lengths(self._map, self._seen)
            self._ids.append(lengths.row_id)
            self._places.append(self._seen)
            self._seen += lengths.size

    def _first_with(self, entry: int) -> int:
        """The number of the first row whose entries are not before an entry id, or of the last."""
        found = bisect_left(
            self._places, entry, key=lambda place: read_lengths(self._map, place).first
        )
        return max(0, min(found, len(self._places) - 1))

    def _row(self, place: int) -> Row:
        return read_frame(self._map, place)
