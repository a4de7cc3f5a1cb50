"""Python's garbage collection of many objects: pauses the collector, and frees tables in pieces."""

import gc
from collections.abc import Iterable
from typing import Any, TypeAlias

Table: TypeAlias = list[Any] | dict[Any, Any]

FREED_AT_ONCE = 50_000
"""Members of discarded tables that are freed at once: about ten milliseconds of work."""
COLLECTED_EVERY = 20_000
"""Records that are read between two collections."""

_own_process = False


class uncollected:
    """Pause the collector in a `with` block.

    Looking for cycles among millions of objects would take longer than the work itself. A class,
    since every request enters such a block, and a generator would take three times as long.
    """

    def __enter__(self) -> None:
        self._enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *error: object) -> None:
        if self._enabled:
            gc.enable()


def in_own_process() -> None:
    """Declare that this process runs nothing but a mock, so that `LongLived` may act."""
    global _own_process
    _own_process = True


class LongLived:
    """Excludes objects that are made of the log's records from later collections.

    A collection with the state of a million events stops every thread for half a second of
    processor time. So each object takes part in one collection only. In a process that also runs
    other code this does nothing, because cycles among its objects would never be collected.
    """

    def __init__(self) -> None:
        self._new = 0

    def add(self, records: int) -> None:
        """Count records of which objects were made."""
        self._new += records

    def freeze(self) -> None:
        """After many new records, collect once, and exclude all present objects from now on."""
        if _own_process and self._new > COLLECTED_EVERY:
            self._new = 0
            gc.collect()
            gc.freeze()


class DiscardedTables:
    """Large lists and dicts that are no longer used, freed a piece at a time.

    Freeing a million events at once would stop every thread for a third of a second.
    """

    def __init__(self) -> None:
        self._tables: list[Table] = []

    def __bool__(self) -> bool:
        return bool(self._tables)

    def add(self, tables: Iterable[Table]) -> None:
        """Add tables that nothing else reads from now on; their members may still be in use."""
        self._tables += tables

    def free_some(self) -> None:
        """Free at most `FREED_AT_ONCE` members."""
        left = FREED_AT_ONCE
        while self._tables and left > 0:
            table = self._tables[-1]
            number = min(left, len(table))
            left -= number
            if isinstance(table, list):
                del table[len(table) - number :]
            else:
                for _ in range(number):
                    table.popitem()
            if not table:
                self._tables.pop()
