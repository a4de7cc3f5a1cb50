"""The store that ends with its process."""

import threading
import zlib
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import attrgetter

from mock_mixpanel.log.frames import pack_frame, rows_in
from mock_mixpanel.log.row_codec import Packed, Row, has_token, tokens_of, without
from mock_mixpanel.log.stores import (
    PAGE,
    Changes,
    Page,
    answers_to_drop,
    oldest_to_keep,
    reports_no_changes,
)

BLOCK_ROWS, BLOCK_BYTES = 128, 64 * 1024
"""Rows that are compressed together, and roughly their size: one row costs a reader its block."""
LARGE_ROW = 8 * 1024
"""Bytes. A larger row is not compressed: it would cost more time than the memory is worth."""
FAST = 1
"""The fastest level of zlib."""
UNPACKED_BLOCKS = 4
"""Compressed blocks that are kept unpacked for the next reader."""

_row_id, _first, _last = attrgetter("id"), attrgetter("first"), attrgetter("last")


class Block:
    """Consecutive rows, small ones compressed.

    `last` is the id of the last row, `tokens` are those of the projects with records in the rows.
    """

    __slots__ = ("_large", "_small", "last", "tokens")

    def __init__(self, rows: Sequence[Row]) -> None:
        self.last = rows[-1].id
        self.tokens = frozenset().union(*map(tokens_of, rows))
        small = b"".join(pack_frame(row) for row in rows if _size(row) <= LARGE_ROW)
        self._large = [row for row in rows if _size(row) > LARGE_ROW]
        self._small = zlib.compress(small, FAST) if small else b""

    def rows(self) -> list[Row]:
        """The rows, in order."""
        small = list(rows_in(zlib.decompress(self._small))) if self._small else []
        return sorted([*small, *self._large], key=_row_id) if self._large else small


class Rows:
    """Rows in order of their ids: the newest as they are, older ones in compressed blocks."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._newest: list[Row] = []
        self._newest_bytes = 0
        self._unpacked: OrderedDict[int, list[Row]] = OrderedDict()

    def append(self, row: Row) -> None:
        """Add the next row."""
        self._newest.append(row)
        size = _size(row)
        if size <= LARGE_ROW:
            self._newest_bytes += size
        if len(self._newest) >= BLOCK_ROWS or self._newest_bytes >= BLOCK_BYTES:
            self._blocks.append(Block(self._newest))
            self._newest, self._newest_bytes = [], 0

    def after(self, row_id: int) -> Iterator[Row]:
        """All rows with a greater id."""
        for block in self._blocks[bisect_right(self._blocks, row_id, key=_last) :]:
            rows = self._unpack(block)
            yield from rows[bisect_right(rows, row_id, key=_row_id) :]
        yield from self._newest[bisect_right(self._newest, row_id, key=_row_id) :]

    def get(self, row_id: int) -> Row | None:
        """The row with an id, or None."""
        place = bisect_left(self._blocks, row_id, key=_last)
        rows = self._unpack(self._blocks[place]) if place < len(self._blocks) else self._newest
        found = bisect_left(rows, row_id, key=_row_id)
        return rows[found] if found < len(rows) and rows[found].id == row_id else None

    def first_entry(self) -> int | None:
        """The id of the first entry of the oldest row; None if there is no row."""
        oldest = self._unpack(self._blocks[0]) if self._blocks else self._newest
        return oldest[0].first if oldest else None

    def drop_before(self, entry: int) -> None:
        """Drop the rows whose entries are all older than an entry id, but never the newest row."""
        if self._newest:
            last_first = self._newest[-1].first
        elif self._blocks:
            last_first = self._unpack(self._blocks[-1])[-1].first
        else:
            return
        entry = min(entry, last_first)
        while self._blocks:
            rows = self._unpack(self._blocks[0])
            kept = rows[bisect_left(rows, entry, key=_first) :]
            self._unpacked.pop(self._blocks[0].last, None)
            if kept:
                self._blocks[0] = Block(kept) if len(kept) < len(rows) else self._blocks[0]
                return
            del self._blocks[0]
        self._newest = self._newest[bisect_left(self._newest, entry, key=_first) :]

    def without(self, token: str) -> "Rows":
        """Other rows, without the records of a project; the blocks before its first are shared."""
        places = (place for place, each in enumerate(self._blocks) if token in each.tokens)
        first = next(places, len(self._blocks))
        found = Rows()
        found._blocks = self._blocks[:first]
        for row in self.after(found._blocks[-1].last if found._blocks else 0):
            kept = _without(row, token)
            if kept:
                found.append(kept)
        return found

    def _unpack(self, block: Block) -> list[Row]:
        rows = self._unpacked.pop(block.last, None)
        if rows is None:
            rows = block.rows()
        self._unpacked[block.last] = rows
        if len(self._unpacked) > UNPACKED_BLOCKS:
            self._unpacked.popitem(last=False)
        return rows


class MemoryStore:
    """Rows in memory; see `Store` for the methods."""

    def __init__(self, keep: int | None = None) -> None:
        self._keep = keep
        self._lock = threading.RLock()
        self._rows = Rows()
        self._version = 1
        self._settings: dict[str, tuple[int, bytes | None]] = {}
        self._generation = 1
        self._last_row = 0
        self._next_entry = 1
        self._first_entry = 1
        self._answers: dict[str, Sequence[bytes]] = {}

    def settings(self, since: int) -> Changes:
        if since == self._version:
            return Changes(since, {})
        with self._lock:
            changed = {
                name: value for name, (version, value) in self._settings.items() if version > since
            }
            return Changes(self._version, changed)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._lock:
            yield

    def put(self, name: str, value: bytes | None) -> None:
        with self._lock:
            self._settings[name] = (self._version + 1, value)
            self._version += 1

    def append(self, packed: Packed, version: int | None = None) -> bool:
        with self._lock:
            if version not in (None, self._version):
                return False
            self._last_row += 1
            token, size, head, body = packed
            # A copy: the text that the serializer returned holds far more memory than it needs.
            head = bytes(memoryview(head))
            self._rows.append(Row(self._last_row, self._next_entry, token, head, body))
            self._next_entry += max(1, size)
            oldest = oldest_to_keep(self._first_entry, self._next_entry, self._keep)
            if oldest:
                self.drop(oldest)
            return True

    def page(self, generation: int | None, after: int, most: int = PAGE) -> Page:
        with self._lock:
            known = generation in (None, self._generation)
            found = list(islice(self._rows.after(after if known else 0), most))
            return Page(self._generation, found, len(found) < most)

    def last(self) -> int:
        return self._last_row

    def rows(self, ids: Sequence[int], *, bodies: bool = True) -> Sequence[Row]:
        with self._lock:
            found = [self._rows.get(each) for each in ids]
        return [row for row in found if row]

    def forget(self, token: str | None) -> int:
        with self._lock:
            self._rows = Rows() if token is None else self._rows.without(token)
            self._first_entry = self._rows.first_entry() or self._next_entry
            self._generation += 1
            self._version += 1
            return self._generation

    def drop(self, entry: int) -> None:
        with self._lock:
            before = self._first_entry
            self._rows.drop_before(entry)
            self._first_entry = self._rows.first_entry() or self._next_entry
            self._generation += self._first_entry != before

    def remember(self, name: str, pages: Sequence[bytes]) -> None:
        with self._lock:
            self._answers.pop(name, None)
            self._answers[name] = pages
            sizes = {key: sum(map(len, each)) for key, each in reversed(self._answers.items())}
            for old in answers_to_drop(sizes):
                del self._answers[old]

    def recall(self, name: str, page: int) -> bytes | None:
        with self._lock:
            pages = self._answers.get(name, [])
            return pages[page] if page < len(pages) else None

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], bool]:
        return reports_no_changes

    def close(self) -> None:
        pass


def _size(row: Row) -> int:
    return len(row.head) + len(row.body)


def _without(row: Row, token: str) -> Row | None:
    return without(row, token) if has_token(row, token) else row
