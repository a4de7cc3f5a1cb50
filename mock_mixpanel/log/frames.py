"""Rows as frames of bytes: lengths, a checksum, and the bytes of the row.

Files and compressed blocks hold rows in this form. A frame begins with a mark, so that the next
undamaged row can be found behind a damaged one.
"""

import mmap
import struct
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias
from zlib import crc32

from mock_mixpanel.log.row_codec import Row
from mock_mixpanel.log.stores import StoreError

MARK = b"\xf5ROW"
"""First bytes of a frame. The byte 0xF5 is never part of UTF-8 text."""

_START = struct.Struct("<4sI")
_FIELDS = struct.Struct("<QQiII")
HEADER = _START.size + _FIELDS.size
"""Bytes before the token, the head and the body of a row."""

Buffer: TypeAlias = bytes | mmap.mmap


class DamagedError(StoreError):
    """The bytes at a place are not a frame, or its checksum is wrong."""


class Lengths(NamedTuple):
    """The fixed fields of a frame; `token` is -1 for a row without one."""

    row_id: int
    first: int
    token: int
    head: int
    body: int

    @property
    def size(self) -> int:
        """Bytes of the whole frame."""
        return HEADER + max(self.token, 0) + self.head + self.body


class Damage(NamedTuple):
    """A range of bytes without a readable row: from `start` to before `end`."""

    start: int
    end: int


def pack_frame(row: Row) -> bytes:
    """The frame of a row."""
    token = b"" if row.token is None else row.token.encode("utf-8", "surrogatepass")
    length = -1 if row.token is None else len(token)
    fields = _FIELDS.pack(row.id, row.first, length, len(row.head), len(row.body))
    start = b"".join((fields, token, row.head))
    checksum = crc32(row.body, crc32(start))
    return b"".join((_START.pack(MARK, checksum), start, row.body))


def read_lengths(buffer: Buffer, place: int) -> Lengths:
    """The fixed fields of the frame at a place. Raises DamagedError if there is no frame."""
    if buffer[place : place + len(MARK)] != MARK or len(buffer) < place + HEADER:
        raise DamagedError(f"no row at byte {place}")
    return Lengths._make(_FIELDS.unpack_from(buffer, place + _START.size))


def read_frame(buffer: Buffer, place: int) -> Row:
    """The row of the frame at a place. Raises DamagedError if its checksum is wrong."""
    row_id, first, token, head, _ = lengths = read_lengths(buffer, place)
    content = buffer[place + _START.size : place + lengths.size]
    if crc32(content) != _START.unpack_from(buffer, place)[1]:
        raise DamagedError(f"the checksum of the row at byte {place} is wrong")
    start = _FIELDS.size
    name = None
    if token >= 0:
        name = content[start : start + token].decode("utf-8", "surrogatepass")
        start += token
    return Row(row_id, first, name, content[start : start + head], content[start + head :])


def rows_in(buffer: Buffer) -> Iterator[Row]:
    """All rows of a buffer that holds nothing but undamaged frames."""
    place = 0
    while place < len(buffer):
        row = read_frame(buffer, place)
        place += read_lengths(buffer, place).size
        yield row


def damages(buffer: Buffer, end: int) -> Iterator[Damage]:
    """The ranges before `end` that hold no readable row, in order."""
    place = 0
    while place < end:
        try:
            read_frame(buffer, place)
            following = place + read_lengths(buffer, place).size
            if following > end:
                raise DamagedError("the frame is longer than the rest of the log")
        except DamagedError:
            following = _next_frame(buffer, place + 1, end)
            yield Damage(place, following)
        place = following


def _next_frame(buffer: Buffer, place: int, end: int) -> int:
    """Where the next undamaged frame begins, or `end`."""
    while (place := buffer.find(MARK, place, end)) >= 0:
        try:
            read_frame(buffer, place)
            return place
        except DamagedError:
            place += 1
    return end
