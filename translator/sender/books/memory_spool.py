"""A spool in memory: it ends with the process, and costs far less than the tables of a file."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from typing import Self

from translator.sender.books.spool_records import IncomingMessage, Settlement
from translator.sender.books.spool_rows import StoredOperation
from translator.sender.queue.queued_operation import QueuedOperation


class MemorySpool:
    """Does what `Spool` does for a gateway, with the same methods, and nothing is on disk.

    Threads may share it.
    """

    interrupted = False
    damage: str | None = None

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._operations: dict[int, QueuedOperation] = {}
        """By number, in order."""
        self._last_operation = 0
        self._last_message = 0
        self._unsettled: set[bytes] = set()
        """The keys of messages with operations."""
        self._settled: dict[bytes, float] = {}
        """The keys of the other messages that are known, in the order in which they were settled,
        and when that was."""
        self._dead_letters: dict[int, bytes] = {}
        self._dead_numbers = count(1)

    def add(self, messages: Iterable[IncomingMessage], now: float) -> list[bool]:
        """Take in messages, as `Spool.add`."""
        added: list[bool] = []
        settled, unsettled, operations = self._settled, self._unsettled, self._operations
        with self._lock:
            for status, queued, losses, *_ in messages:
                key = status.key
                new = key not in settled and key not in unsettled
                added.append(new)
                if not new:
                    continue
                self._last_message = status.number = self._last_message + 1
                if queued:
                    unsettled.add(key)
                else:
                    settled[key] = now
                for each in queued:
                    self._last_operation = each.number = self._last_operation + 1
                    operations[each.number] = each
                for loss in losses:
                    self._dead_letters[next(self._dead_numbers)] = loss.line
        return added

    def after(self, number: int, most: int) -> list[StoredOperation]:
        """Up to `most` operations, in order, with numbers above `number`."""
        with self._lock:
            return list(islice(self._after(number), most))

    def _after(self, number: int) -> Iterator[StoredOperation]:
        for each in range(number + 1, self._last_operation + 1):
            found = self._operations.get(each)
            if found is not None:
                status, keys = found.tag, found.ordering_keys
                yield StoredOperation(each, status, found.operation, keys, started=False)

    def hosts(self) -> set[str]:
        """The hosts of the operations."""
        with self._lock:
            return {each.host for each in self._operations.values()}

    def start(self, numbers: Sequence[int]) -> None:
        """Do nothing: the operations do not outlive the process, so no mark is needed."""

    def settle(
        self,
        numbers: Sequence[int],
        messages: Sequence[Settlement],
        now: float,
        dead_letters: Sequence[bytes] = (),
    ) -> None:
        """Remove operations that have results, as `Spool.settle`."""
        with self._lock:
            for number in numbers:
                del self._operations[number]
            for left, _, these in messages:
                if not left:
                    keys = [each.key for each in these]
                    self._unsettled.difference_update(keys)
                    self._settled.update(dict.fromkeys(keys, now))
            for line in dead_letters:
                self._dead_letters[next(self._dead_numbers)] = line

    def waiting(self) -> int:
        """The number of operations."""
        return len(self._operations)

    def first_waiting(self) -> int | None:
        """The lowest number of the operations; None without any."""
        with self._lock:
            return next(iter(self._operations), None)

    def last_number(self) -> int:
        """The highest number that an operation ever had; 0 if there was none."""
        return self._last_operation

    def probe(self, size: int) -> None:
        """Memory takes everything."""

    def forget(self, before: float, *, keep: int | None = None) -> bool:
        """Forget messages that were settled before a moment, in seconds since 1970.

        Of those that were settled last, it remembers `keep` at most (None: all). All are forgotten
        at once, so it returns False.
        """
        with self._lock:
            surplus = 0 if keep is None else len(self._settled) - keep
            forgotten: list[bytes] = []
            for place, (key, settled_at) in enumerate(self._settled.items()):
                if place >= surplus and settled_at >= before:
                    break
                forgotten.append(key)
            for key in forgotten:
                del self._settled[key]
        return False

    def dead_letters(self, most: int) -> list[tuple[int, bytes]]:
        """The oldest dead letters that are not in their file yet, with their numbers."""
        with self._lock:
            return list(islice(self._dead_letters.items(), most))

    def remove_dead_letters(self, last: int) -> None:
        """Remove the dead letters up to a number: they are in their file."""
        with self._lock:
            for number in [each for each in self._dead_letters if each <= last]:
                del self._dead_letters[number]

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
