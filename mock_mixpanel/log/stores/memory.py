"""The store that ends with its process."""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter

from mock_mixpanel.log.row_codec import Packed, Row, has_token, without
from mock_mixpanel.log.stores import PAGE, Page, State, answers_to_drop, oldest_to_keep

_row_id, _first = attrgetter("id"), attrgetter("first")


class MemoryStore:
    """Rows in a list; see `Store` for the methods."""

    def __init__(self, keep: int | None = None) -> None:
        self._keep = keep
        self._lock = threading.RLock()
        self._rows: list[Row] = []
        self._state = State(1, b"{}")
        self._generation = 1
        self._last_row = 0
        self._next_entry = 1
        self._answers: dict[str, Sequence[bytes]] = {}

    def state(self) -> State:
        return self._state

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._lock:
            yield

    def put(self, document: bytes) -> None:
        with self._lock:
            self._state = State(self._state.version + 1, document)

    def append(self, packed: Packed, version: int | None = None) -> bool:
        with self._lock:
            if version not in (None, self._state.version):
                return False
            self._last_row += 1
            token, size, head, body = packed
            self._rows.append(Row(self._last_row, self._next_entry, token, head, body))
            self._next_entry += max(1, size)
            oldest = oldest_to_keep(self._rows[0].first, self._next_entry, self._keep)
            if oldest:
                place = bisect_left(self._rows, oldest, key=_first)
                self._rows = self._rows[min(place, len(self._rows) - 1) :]
                self._generation += 1
            return True

    def page(self, generation: int | None, after: int) -> Page:
        with self._lock:
            known = generation in (None, self._generation)
            start = bisect_right(self._rows, after, key=_row_id) if known else 0
            return Page(self._generation, self._rows[start : start + PAGE])

    def rows(self, ids: Sequence[int]) -> Sequence[Row]:
        with self._lock:
            places = {each: bisect_left(self._rows, each, key=_row_id) for each in ids}
            found = {each: self._rows[place : place + 1] for each, place in places.items()}
        return [row for each, rows in found.items() for row in rows if row.id == each]

    def forget(self, token: str | None) -> None:
        with self._lock:
            kept = [] if token is None else [_without(row, token) for row in self._rows]
            self._rows = [row for row in kept if row]
            self._generation += 1
            self._state = self._state._replace(version=self._state.version + 1)

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

    def close(self) -> None:
        pass


def _without(row: Row, token: str) -> Row | None:
    return without(row, token) if has_token(row, token) else row
