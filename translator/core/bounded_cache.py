"""A cache of the results of a pure function."""

from collections.abc import Callable, Hashable
from typing import TypeVar

ENTRIES = 1024
"""A usual number of results. A program can have the caches of many settings at the same time."""

MAX_KEY = 4096
"""A usual limit for the length of an argument whose result is stored (bytes or characters)."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(dict[K, V]):
    """The results of a pure function: `cache[argument]` computes a result on first use.

    It holds at most `entries` results and forgets all of them when it is full. `keeps(argument,
    result)` says whether a result may be stored; other results are computed at each use. A hit
    costs one look-up in a dictionary, which is less than a call of a function.
    """

    __slots__ = ("_compute", "_entries", "_keeps")

    def __init__(
        self, compute: Callable[[K], V], *, entries: int = ENTRIES, keeps: Callable[[K, V], bool]
    ) -> None:
        super().__init__()
        self._compute = compute
        self._entries = entries
        self._keeps = keeps

    def __missing__(self, key: K) -> V:
        value = self._compute(key)
        if self._keeps(key, value):
            if len(self) >= self._entries:
                self.clear()
            self[key] = value
        return value


def is_short(names: tuple[str, ...]) -> bool:
    """Whether the names have `MAX_KEY` characters at most, and so may be an argument."""
    return len(names) <= MAX_KEY and sum(map(len, names)) <= MAX_KEY
