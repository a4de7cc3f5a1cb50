"""The rows on the leaf pages of an SQLite file, read without the pages that lead to them.

SQLite finds a row from the root page of its table. If that page or one below it is damaged, SQLite
reads none of the pages below, though they are whole. Source: https://www.sqlite.org/fileformat.html
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

PAGE = 4096
"""The size of a page in bytes; SQLite's default."""

HEADER = 100
"""The size in bytes of SQLite's header, which begins the first page."""

LEAF_OF_TABLE = 0x0D
"""The type of a page with rows; the first byte of the page."""

FREE_PAGES = 32
"""The place in SQLite's header of the number of the first page in the list of free pages."""

MOST_LOCAL = PAGE - 35
"""Maximum bytes of a row that is whole in its page; a longer one continues in overflow pages."""

LEAST_LOCAL = (PAGE - 12) * 32 // 255 - 23
"""Minimum bytes of a longer row that are in its page."""

_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Type code of an integer -> its size in bytes."""


class LeafRow(NamedTuple):
    """A row: its number (rowid) and its values. Text is bytes of type `Text`."""

    number: int
    values: tuple[Any, ...]


class Text(bytes):
    """Text in the encoding of the file, which is UTF-8."""


def leaf_rows(path: Path) -> Iterator[LeafRow]:
    """The readable rows on the leaf pages of all tables. Free pages are left out.

    A row whose parts do not fit together is left out. A row can be that of any table.
    """
    if not path.stat().st_size:
        return
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        free = _free_pages(content)
        for number in range(2, len(content) // PAGE + 1):
            page = _page(content, number)
            if page[0] == LEAF_OF_TABLE and number not in free:
                yield from _rows(content, page)


def _page(content: mmap.mmap, number: int) -> bytes:
    """The page with a number, from 1; empty if there is none."""
    return content[(number - 1) * PAGE : number * PAGE] if number else b""


def _free_pages(content: mmap.mmap) -> set[int]:
    """The pages that hold no data now; their bytes can be those of deleted rows."""
    found: set[int] = set()
    trunk = int.from_bytes(content[FREE_PAGES : FREE_PAGES + 4])
    while trunk and trunk not in found and len(page := _page(content, trunk)) == PAGE:
        found.add(trunk)
        trunk, count = struct.unpack_from(">II", page)
        found.update(struct.unpack_from(f">{min(count, PAGE // 4 - 2)}I", page, 8))
    return found


def _rows(content: mmap.mmap, page: bytes) -> Iterator[LeafRow]:
    count = int.from_bytes(page[3:5])
    for place in range(8, min(8 + 2 * count, PAGE - 1), 2):
        start = int.from_bytes(page[place : place + 2])
        try:
            row = _row(content, page, start)
        except (IndexError, ValueError, struct.error):
            continue  # the bytes are not those of a row
        yield row


def _row(content: mmap.mmap, page: bytes, start: int) -> LeafRow:
    """The row that begins at a place in a page."""
    size, start = _varint(page, start)
    number, start = _varint(page, start)
    local = size
    if size > MOST_LOCAL:
        local = LEAST_LOCAL + (size - LEAST_LOCAL) % (PAGE - 4)
        local = local if local <= MOST_LOCAL else LEAST_LOCAL
    payload = page[start : start + local]
    if size > local:
        next_page = int.from_bytes(page[start + local : start + local + 4])
        payload += _overflow(content, next_page, size - local)
    if len(payload) != size:
        raise ValueError("the row is not whole")
    return LeafRow(number, tuple(_values(payload)))


def _overflow(content: mmap.mmap, number: int, size: int) -> bytes:
    """The end of a long row, from a chain of pages."""
    parts, seen = [], set()
    while size > 0:
        page = _page(content, number)
        if number in seen or len(page) != PAGE:
            raise ValueError("a page of the row is missing")
        seen.add(number)
        parts.append(page[4 : 4 + size])
        size -= PAGE - 4
        number = int.from_bytes(page[:4])
    return b"".join(parts)


def _values(payload: bytes) -> Iterator[Any]:
    header, place = _varint(payload, 0)
    start = header
    while place < header:
        kind, place = _varint(payload, place)
        size = _size(kind)
        value = payload[start : start + size]
        if len(value) != size:
            raise ValueError("a value is not whole")
        yield _value(kind, value)
        start += size
    if start != len(payload) or place != header:
        raise ValueError("the row has other bytes than its values")


def _size(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return 8 if kind == 7 else _INTEGER_BYTES.get(kind, 0)


def _value(kind: int, value: bytes) -> Any:
    if kind >= 12:
        return Text(value) if kind % 2 else value
    if kind == 7:
        return struct.unpack(">d", value)[0]
    if kind in _INTEGER_BYTES:
        return int.from_bytes(value, signed=True)
    if kind in (10, 11):
        raise ValueError("a reserved type code")
    return {8: 0, 9: 1}.get(kind)


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of one to nine bytes, and the place after it."""
    value = 0
    for count in range(9):
        byte = data[place + count]
        if count == 8:
            return _signed(value << 8 | byte), place + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, place + count + 1


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
