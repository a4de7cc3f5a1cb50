"""A cache of the results of a pure function."""

from collections.abc import Callable, Hashable
from typing import TypeVar

ENTRIES = 1024
"""A usual number of results. A program can have the caches of many settings at the same time."""

MAX_KEY = 4096
"""A usual limit for the length of an argument whose result is stored (bytes or characters)."""

MAX_NAMES = 255
"""The most names in an argument that is stored. Mixpanel takes no more properties; and a name needs
far more memory than its characters."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedDict(dict[K, V]):
    """A dictionary of at most `entries` results, which forgets all of them when it is full.

    `keeps(argument, result)` says whether a result may be stored.
    """

    __slots__ = ("_entries", "_keeps")

    def __init__(self, *, entries: int = ENTRIES, keeps: Callable[[K, V], bool]) -> None:
        super().__init__()
        self._entries = entries
        self._keeps = keeps

    def keep(self, key: K, value: V) -> None:
        """Store a result, if it may be stored."""
        if self._keeps(key, value):
            if len(self) >= self._entries:
                self.clear()
            self[key] = value


class BoundedCache(BoundedDict[K, V]):
    """The results of a pure function: `cache[argument]` computes a result on first use.

    A result that may not be stored is computed at each use. A hit costs one look-up in a
    dictionary, which is less than a call of a function.
    """

    __slots__ = ("_compute",)

    def __init__(
        self, compute: Callable[[K], V], *, entries: int = ENTRIES, keeps: Callable[[K, V], bool]
    ) -> None:
        super().__init__(entries=entries, keeps=keeps)
        self._compute = compute

    def __missing__(self, key: K) -> V:
        value = self._compute(key)
        self.keep(key, value)
        return value


def is_short(names: tuple[str, ...]) -> bool:
    """Whether at most `MAX_NAMES` names have at most `MAX_KEY` characters, so that a result for
    them may be stored."""
    return len(names) <= MAX_NAMES and sum(map(len, names)) <= MAX_KEY
