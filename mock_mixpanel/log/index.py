"""Where the entries of the log are."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from mock_mixpanel.log.journal import Log
from mock_mixpanel.log.records import Entry, Places
from mock_mixpanel.log.row_codec import Row

BLOCK = 1000
"""How many entry ids belong together, roughly: requests are not divided."""


class Index:
    """The id of each request, and that of its first entry."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._rows, self._firsts = array("q"), array("q")

    @property
    def last(self) -> int:
        """The id of the last request; 0 if there is none."""
        return self._rows[-1] if self._rows else 0

    def add(self, row: Row) -> None:
        """Take in the next request."""
        self._rows.append(row.id)
        self._firsts.append(row.first)

    def entries(self, ids: Sequence[int]) -> Iterator[Entry]:
        """The entries of these ids, in order, but for those that are forgotten."""
        return self._log.entries(self._places(ids))

    def blocks(self, ids: Sequence[int]) -> Iterator[int]:
        """Where each block of these ids, in order, ends; a block is of the same requests always."""
        firsts, start = self._firsts, 0
        while start < len(ids):
            first = firsts[max(0, bisect_right(firsts, ids[start]) - 1)] if firsts else ids[start]
            after = bisect_left(firsts, (first // BLOCK + 1) * BLOCK)
            end = bisect_left(ids, firsts[after], start) if after < len(firsts) else len(ids)
            yield end
            start = end

    def _places(self, ids: Sequence[int]) -> Iterator[Places]:
        rows, firsts = self._rows, self._firsts
        start = bisect_left(ids, firsts[0]) if firsts else len(ids)
        while start < len(ids):
            row = bisect_right(firsts, ids[start]) - 1
            last = row + 1 == len(firsts)
            end = len(ids) if last else bisect_left(ids, firsts[row + 1], start)
            yield Places(rows[row], [number - firsts[row] for number in ids[start:end]])
            start = end
