"""Messages on disk until each of their operations has a result: a SQLite file.

A message is written before the call that accepts it returns. Its operations leave the file
when they have results. After a crash the rest is sent again, with the same insert ids and times, so
an event still counts once. An operation that would count twice is marked before it is sent; one
that is found with the mark is not sent again automatically.

A message is known by its key until its run is finished, or until a day after it was settled: it is
not taken in twice.

A dead letter is stored in the transaction that settles its operation, and leaves the file when it
has been appended to the file of dead letters. So it is written at least once, always with the same
id.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from translator.sender.books.message_status import MessageStatus
from translator.sender.books.spool_database import SpoolDatabase
from translator.sender.books.spool_records import (
    FinishedRun,
    IncomingMessage,
    Settlement,
)
from translator.sender.books.spool_rows import (
    StoredOperation,
    operation_row,
    read_operation,
    read_status,
    status_row,
)
from translator.sender.delivery_status import DeliveryStatus

INPUT_KEY = b"line "
"""The prefix of the keys of input lines."""

FORGOTTEN_AT_ONCE = 10_000

REMEMBERED_SECONDS = 24 * 3600.0
"""Seconds that a settled message is remembered, as in Segment."""


class Spool:
    """A spool file, made if it is not there. Threads may share it; processes may not.

    Only its owner can read the file. Raises SpoolError if it cannot be used. The methods that write
    raise StorageError, with nothing changed, if that is not possible now.
    """

    def __init__(self, path: Path | str) -> None:
        self._db = SpoolDatabase(path)
        self._lock = self._db.lock
        self._run = self._db.run
        self._statuses: dict[int, MessageStatus] = {}
        self.interrupted = self._db.interrupted
        """Whether the process that had it last did not close it."""
        self.damage = self._db.damage
        """The losses because the file was damaged on disk; None if there are none."""

    # Messages and operations

    def add(self, messages: Iterable[IncomingMessage], now: float) -> list[bool]:
        """Take in messages, all or none; they are on disk when this returns.

        Gives numbers to their statuses and to their operations, and stores their dead letters. Says
        of each whether it was taken in: it is not if its key is known, or if an earlier message of
        the same call has the key. `now` is in seconds since 1970.
        """
        listed = list(messages)
        with self._lock, self._db.transaction():
            known = self.known_of([each.status.key for each in listed])
            fresh: dict[bytes, IncomingMessage] = {}
            added: list[bool] = []
            for each in listed:
                new = each.status.key not in known and each.status.key not in fresh
                added.append(new)
                if new:
                    fresh[each.status.key] = each
            self._insert(fresh.values(), now)
        return added

    def known(self, key: bytes) -> tuple[bool, DeliveryStatus | None]:
        """Whether a message is known; its status if it was settled before the spool was opened."""
        with self._lock:
            row = self._db.execute(
                "SELECT fate, settled_run FROM messages WHERE key = ?", (key,)
            ).fetchone()
        if row is None:
            return False, None
        status, run = row
        return True, DeliveryStatus(status) if run is not None and run < self._run else None

    def known_of(self, keys: Sequence[bytes]) -> set[bytes]:
        """The keys among these that are known."""
        with self._lock:
            found = self._db.for_each("SELECT key FROM messages WHERE key IN (*)", keys)
        return {key for (key,) in found}

    def after(self, number: int, most: int) -> list[StoredOperation]:
        """Up to `most` stored operations, in order, with numbers above `number`."""
        with self._lock:
            rows = self._db.execute(
                "SELECT o.number, o.endpoint, o.host, o.ordering_keys, o.payload, o.checksum,"
                " o.started, o.message, m.key, m.line, m.message_id, m.left, m.fate"
                " FROM operations o LEFT JOIN messages m ON m.number = o.message"
                " WHERE o.number > ? ORDER BY o.number LIMIT ?",
                (number, most),
            ).fetchall()
            return [self._stored(row[:7], row[7:]) for row in rows]

    def hosts(self) -> set[str]:
        """The hosts of the stored operations."""
        with self._lock:
            return {host for (host,) in self._db.execute("SELECT DISTINCT host FROM operations")}

    def start(self, numbers: Sequence[int]) -> None:
        """Mark operations that are about to be sent and would count twice."""
        with self._lock, self._db.transaction():
            self._db.for_each("UPDATE operations SET started = 1 WHERE number IN (*)", numbers)

    def settle(
        self,
        numbers: Sequence[int],
        messages: Sequence[Settlement],
        now: float,
        dead_letters: Sequence[bytes] = (),
    ) -> None:
        """Remove operations that have results, and store the new state of their messages."""
        with self._lock, self._db.transaction():
            self._db.for_each("DELETE FROM operations WHERE number IN (*)", numbers)
            for left, worst, these in messages:
                self._db.for_each(
                    "UPDATE messages SET left = ?, fate = ?, settled_at = ?, settled_run = ?"
                    " WHERE number IN (*)",
                    [each.number for each in these],
                    (left, worst, *self._settled(left, now)),
                )
            self._insert_dead_letters(dead_letters)
        with self._lock:
            for left, _, these in messages:
                if not left:
                    for each in these:
                        self._statuses.pop(each.number, None)

    def waiting(self) -> int:
        """The number of stored operations."""
        with self._lock:
            (found,) = self._db.execute("SELECT count(*) FROM operations").fetchone()
            return int(found)

    def first_waiting(self) -> int | None:
        """The lowest number of the stored operations; None for an empty spool."""
        with self._lock:
            (found,) = self._db.execute("SELECT min(number) FROM operations").fetchone()
        return None if found is None else int(found)

    def last_number(self) -> int:
        """The highest number that an operation ever had; 0 if there was none."""
        with self._lock:
            return self._last_numbers()[1]

    def probe(self, size: int) -> None:
        """Write a number of bytes, and remove them; raises StorageError if there is no room."""
        with self._lock:
            with self._db.transaction():
                self._db.execute("REPLACE INTO about VALUES ('probe', zeroblob(?))", (size,))
            with self._db.transaction():
                self._db.execute("DELETE FROM about WHERE name = 'probe'")

    def forget(self, before: float, *, keep: int | None = None) -> bool:
        """Forget messages that were settled before a moment, in seconds since 1970.

        Of the messages that were taken in last, it remembers `keep` at most (None: all). Deletes
        up to 10,000 at a time, since other calls wait meanwhile; says whether there may be more.
        """
        last = -1
        with self._lock, self._db.transaction():
            if keep is not None:
                last = self._last_numbers()[0] - keep
            done = self._db.execute(
                "DELETE FROM messages WHERE number IN (SELECT number FROM messages"
                " WHERE settled_at < ? OR (settled_at IS NOT NULL AND number <= ?) LIMIT ?)",
                (before, last, FORGOTTEN_AT_ONCE),
            )
        return done.rowcount == FORGOTTEN_AT_ONCE

    # Dead letters on their way to their file

    def dead_letters(self, most: int) -> list[tuple[int, bytes]]:
        """The oldest dead letters that are not in their file yet, with their numbers."""
        with self._lock:
            rows = self._db.execute(
                "SELECT number, line FROM dead_letters ORDER BY number LIMIT ?", (most,)
            )
            return rows.fetchall()

    def remove_dead_letters(self, last: int) -> None:
        """Remove the dead letters up to a number: they are in their file."""
        with self._lock, self._db.transaction():
            self._db.execute("DELETE FROM dead_letters WHERE number <= ?", (last,))

    # Runs

    @property
    def finished(self) -> FinishedRun | None:
        """The run that finished last, unless another input has begun since."""
        text = self._about("finished")
        return None if text is None else FinishedRun(**json.loads(text))

    @property
    def repeats(self) -> str | None:
        """The id of the finished run whose input the run that has begun delivers again."""
        return self._about("repeats")

    def begin_input(self, repeats: str | None = None) -> None:
        """Forget the run that finished last: another input begins, or the same on purpose."""
        with self._lock, self._db.transaction():
            self._db.execute("DELETE FROM about WHERE name IN ('finished', 'repeats')")
            if repeats is not None:
                self._db.execute("INSERT INTO about VALUES ('repeats', ?)", (repeats,))

    def finish(self, run: FinishedRun) -> None:
        """Remember that a run has delivered its whole input, and forget the lines of the input."""
        with self._lock, self._db.transaction():
            self._db.execute(
                "DELETE FROM messages WHERE left = 0 AND key >= ? AND key < ?",
                (INPUT_KEY, INPUT_KEY + b"\xff"),
            )
            self._db.execute(
                "INSERT OR REPLACE INTO about VALUES ('finished', ?)", (json.dumps(run._asdict()),)
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _about(self, name: str) -> str | None:
        with self._lock:
            row = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def _insert(self, messages: Iterable[IncomingMessage], now: float) -> None:
        """Write messages with their operations; the caller has begun a transaction.

        The numbers are given here, and one statement writes many rows: SQLite then works without
        Python's lock, so other threads run meanwhile.
        """
        message_rows: list[Any] = []
        operation_rows: list[Any] = []
        dead_letters: list[bytes] = []
        message_number, operation_number = self._last_numbers()
        for status, operations, lost, *_ in messages:
            message_number += 1
            status.number = message_number
            message_rows.append((*status_row(status), *self._settled(status.left, now)))
            for queued in operations:
                operation_number += 1
                operation_rows.append((operation_number, status.number, *operation_row(queued)))
                queued.number = operation_number
            dead_letters += [loss.line for loss in lost]
        self._db.for_each(
            "INSERT INTO messages (number, key, line, message_id, left, fate, settled_at,"
            " settled_run) VALUES *",
            message_rows,
        )
        self._db.for_each(
            "INSERT INTO operations (number, message, endpoint, host, ordering_keys, payload,"
            " checksum) VALUES *",
            operation_rows,
        )
        self._insert_dead_letters(dead_letters)

    def _insert_dead_letters(self, lines: Sequence[bytes]) -> None:
        self._db.for_each("INSERT INTO dead_letters (line) VALUES *", [(line,) for line in lines])

    def _last_numbers(self) -> tuple[int, int]:
        """The highest number that a message, and that an operation ever had."""
        last = dict(self._db.execute("SELECT name, seq FROM sqlite_sequence"))
        return last.get("messages", 0), last.get("operations", 0)

    def _settled(self, left: int, now: float) -> tuple[float | None, int | None]:
        return (None, None) if left else (now, self._run)

    def _stored(self, operation: tuple[Any, ...], message: tuple[Any, ...]) -> StoredOperation:
        number = message[0]
        status = self._statuses.get(number)
        if status is None:
            status = self._statuses[number] = read_status(*message)
        return read_operation(status, *operation)
