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
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mock_mixpanel.log.frames import Damage, damages, pack_frame, read_frame, read_lengths
from mock_mixpanel.log.row_codec import Row

COPIED_AT_ONCE = 4 * 1024 * 1024
"""Bytes that are copied at once."""


class Kept(NamedTuple):
    """The first row that is kept when older ones are dropped: its number in the log, its place in
    the file, and the id of its first entry."""

    number: int
    place: int
    first: int


class LogFile:
    """One file; it is created if it does not exist. All methods may be called from several threads.

    Rows with entries before the id `first` are left out.

    It stays readable when it is removed. Reading raises DamagedError where a checksum is wrong.
    """

    def __init__(self, path: Path, generation: int, first: int = 0) -> None:
        self.generation, self._first = generation, first
        self._path = path
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

    def first_kept(self, entry: int, end: int) -> Kept | None:
        """The first row that is kept if all before an entry id are dropped, or the last row."""
        with self._lock:
            self._look(end)
            if not self._places:
                return None
            number = bisect_left(
                self._places, entry, key=lambda place: read_lengths(self._map, place).first
            )
            number = min(number, len(self._places) - 1)
            place = self._places[number]
            return Kept(number, place, read_lengths(self._map, place).first)

    def link(self, path: Path) -> bool:
        """Give the file a second name; False if the file system cannot."""
        with suppress(OSError):
            path.unlink(missing_ok=True)
            path.hardlink_to(self._path)
            return True
        return False

    def share(self, other: "LogFile", kept: Kept) -> None:
        """Copy the index of the kept rows of another log that has the same file."""
        self._ids, self._places = other._ids[kept.number :], other._places[kept.number :]
        self._seen = other._seen

    def copy_from(self, other: "LogFile", kept: Kept, end: int) -> int:
        """Fill this file with the kept rows of another log, and return its end. Raises OSError."""
        self._ids = other._ids[kept.number :]
        places = other._places[kept.number :]
        self._places = array("Q", (place - kept.place for place in places))
        for place in range(kept.place, end, COPIED_AT_ONCE):
            content = os.pread(other._file, min(COPIED_AT_ONCE, end - place), place)
            if os.pwrite(self._file, content, place - kept.place) < len(content):
                raise OSError("the disk is full")
        self._seen = end - kept.place
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
        """At most `most` rows, with ids greater than `after`."""
        with self._lock:
            self._look(end)
            start = bisect_right(self._ids, after)
            return [self._row(place) for place in self._places[start : start + most]]

    def rows(self, ids: Sequence[int], end: int) -> Sequence[Row]:
        """The rows with these ids; ids that the file does not have are left out."""
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
            if lengths.first >= self._first:
                self._ids.append(lengths.row_id)
                self._places.append(self._seen)
            self._seen += lengths.size

    def _row(self, place: int) -> Row:
        return read_frame(self._map, place)


def remove_older(folder: Path, name: str, generation: int) -> None:
    """Remove the logs of this name in a folder from before a generation."""
    for path in folder.glob(f"{name}-*"):
        number = path.name.removeprefix(f"{name}-")
        if number.isdecimal() and int(number) < generation:
            path.unlink(missing_ok=True)
