"""The index of the log: the request of each entry."""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import compress

from mock_mixpanel.log.journal import Log
from mock_mixpanel.log.records import LogEntry, Places
from mock_mixpanel.log.row_codec import Row

BLOCK = 1000
"""Approximate number of entry ids in a block; requests are not divided."""


SEVERAL = 0
"""Stands for the project of a request that has records of several projects, or none."""


class Index:
    """The id of each request, the id of its first entry, and its project."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._rows, self._firsts = array("q"), array("q")
        self._projects = array("l")
        self._numbers: dict[str | None, int] = {None: SEVERAL}
        self._counts: Counter[str | None] = Counter()

    @property
    def last(self) -> int:
        """The id of the last request; 0 for an empty log."""
        return self._rows[-1] if self._rows else 0

    def add(self, row: Row) -> None:
        """Take in the next request."""
        self._rows.append(row.id)
        self._firsts.append(row.first)
        self._counts[row.token] += 1
        self._projects.append(self._numbers.setdefault(row.token, len(self._numbers)))

    def without(self, tokens: Collection[str]) -> "Index":
        """Another index, without the requests that had only records of these projects."""
        gone = {self._numbers[token] for token in tokens if token in self._numbers}
        kept = [number not in gone for number in self._projects]
        found = Index(self._log)
        found._rows = array("q", compress(self._rows, kept))
        found._firsts = array("q", compress(self._firsts, kept))
        found._projects = array("l", compress(self._projects, kept))
        found._numbers = self._numbers.copy()
        found._counts = Counter({t: n for t, n in self._counts.items() if t not in tokens})
        return found

    def count(self, token: str | None = None) -> int:
        """The number of requests, or of those that may have records of a project."""
        if token is None:
            return len(self._rows)
        return self._counts[None] + self._counts[token]

    def count_of(self, token: str) -> int:
        """The number of requests with records of this project alone."""
        return self._counts[token]

    def backwards(self, before: int | None = None, token: str | None = None) -> Iterator[int]:
        """The ids of requests, newest first: those before an id that may have records of a
        project."""
        end = len(self._rows) if before is None else bisect_left(self._rows, before)
        wanted = (SEVERAL, self._numbers.get(token, SEVERAL))
        for place in range(end - 1, -1, -1):
            if token is None or self._projects[place] in wanted:
                yield self._rows[place]

    def request_of(self, entry: int) -> int:
        """The id of the request with an entry; 0 if the entry is not in the log."""
        place = bisect_right(self._firsts, entry) - 1
        return self._rows[place] if place >= 0 else 0

    def entries(self, ids: Sequence[int]) -> Iterator[LogEntry]:
        """The entries of these ids, in order, but for those that are forgotten."""
        return self._log.entries(self._places(ids))

    def blocks(self, ids: Sequence[int]) -> Iterator[int]:
        """The end of each block of ordered ids. A block always has the same requests."""
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
