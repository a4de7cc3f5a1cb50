"""Messages on disk until each of their operations has a result: a SQLite file.

A message is written before the caller is told that it was taken in. Its operations leave the file
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
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from translator.core.operations import Json, Skip
from translator.sender.books.message_status import MessageStatus
from translator.sender.books.salvage import (
    is_corruption,
    is_damaged,
    lenient_text,
    lost_transactions,
    salvage,
    wal_of,
)
from translator.sender.books.spool_rows import (
    SCHEMA,
    VERSION,
    StoredOperation,
    checksum,
    keys_text,
    read_operation,
    read_status,
)
from translator.sender.books.storage import StorageError, make_private
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.batching import encode
from translator.sender.dispatch.queued_operation import QueuedOperation

IN_MEMORY = ":memory:"
"""In place of the path: a spool that ends with the process."""

INPUT_KEY = b"line "
"""What the keys of lines of an input begin with."""

PIECES = (256, 64, 16, 4, 1)
"""How many rows one statement writes: the largest of these that fits, again and again."""

FORGOTTEN_AT_ONCE = 10_000

REMEMBERED_SECONDS = 24 * 3600.0
"""How long a settled message is known, as Segment itself does."""


class SpoolError(Exception):
    """The file cannot be used; the text says why and what to do."""


class SpoolReference(NamedTuple):
    """What a queued operation refers to: its message, and its number in the spool (0: none).

    `content` is that of its dead letter, if it is not the operation itself.
    """

    status: MessageStatus
    number: int = 0
    content: Json | None = None


class Loss(NamedTuple):
    """A part of a message that is lost: the line of its dead letter, and what people must know."""

    line: bytes
    shown: Json


class IncomingMessage(NamedTuple):
    """A message to take in: its operations, its losses, and the skips of its translation."""

    status: MessageStatus
    operations: Sequence[QueuedOperation]
    losses: Sequence[Loss] = ()
    skipped: Sequence[Skip] = ()


class Settlement(NamedTuple):
    """The state of a message after some of its operations are settled."""

    number: int
    left: int
    worst: DeliveryStatus


class FinishedRun(NamedTuple):
    """A run that delivered its whole input.

    `digests` are the digests of its first 1, 2, 4, 8, ... and of all `lines`, by their number.
    `summary` is what the run printed. `at` is in seconds since 1970. `repeats` is the id of the
    finished run whose input it delivered again on purpose.
    """

    id: str
    at: float
    lines: int
    digests: dict[str, str]
    summary: Json
    repeats: str | None = None


class Spool:
    """A spool file, made if it is not there. Threads may share it; processes may not.

    Only its owner can read the file. Raises SpoolError if it cannot be used. The methods that write
    raise StorageError, with nothing changed, if that is not possible now.
    """

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.RLock()
        self._statuses: dict[int, MessageStatus] = {}
        self.damage: str | None = None
        """What was lost because the file was damaged on disk; None if nothing was."""
        try:
            if path == IN_MEMORY:
                self._open(path)
            else:
                file = Path(path)
                make_private(file)
                try:
                    self._open(file)
                except _DamagedError:
                    self.damage = salvage(file)
                    self._open(file)
        except (sqlite3.OperationalError, OSError) as error:
            hint = "another process uses it" if "locked" in str(error) else "is it writable?"
            raise SpoolError(f"the spool {path} cannot be used: {error} ({hint})") from error
        except sqlite3.DatabaseError as error:
            raise SpoolError(f"{path} is not a spool: {error}; give another file") from error

    def _open(self, path: Path | str) -> None:
        wal = b"" if path == IN_MEMORY else wal_of(Path(path))
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.text_factory = lenient_text
        try:
            self._prepare()
            lost = lost_transactions(wal, self._db)
            if lost:
                self.damage = (
                    f"the write-ahead log of the spool was damaged: its last {lost} transactions "
                    "cannot be read; what they took in or settled is not known"
                )
        except BaseException as error:
            self._db.close()
            if isinstance(error, sqlite3.Error) and is_corruption(error):
                raise _DamagedError from error
            raise

    def _prepare(self) -> None:
        run = self._db.execute
        run("PRAGMA busy_timeout = 1000")
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        if is_damaged(self._db):
            raise _DamagedError
        tables = {name for (name,) in run("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "about" in tables:
            found = dict(run("SELECT name, value FROM about"))
            version = found.get("version", "unknown")
            if found and version != VERSION:
                raise sqlite3.DatabaseError(f"its version is {version}, not {VERSION}")
        self._db.executescript(SCHEMA)
        run("BEGIN IMMEDIATE")
        for name, value in (
            ("version", VERSION),
            ("id", uuid.uuid4().hex[:12]),
            ("run", "0"),
            ("closed", "1"),
        ):
            run("INSERT OR IGNORE INTO about VALUES (?, ?)", (name, value))
        about = dict(run("SELECT name, value FROM about"))
        run("UPDATE about SET value = value + 1 WHERE name = 'run'")
        run("UPDATE about SET value = '0' WHERE name = 'closed'")
        run("COMMIT")
        self._run = int(about["run"]) + 1
        self.interrupted = about["closed"] == "0"
        """Whether the process that had it last did not close it."""

    # Messages and operations

    def add(self, messages: Iterable[IncomingMessage], now: float) -> list[bool]:
        """Take in messages, all or none; they are on disk when this returns.

        Gives numbers to their statuses and references to their operations, and stores their dead
        letters. Says of each whether it was taken in: it is not if its key is known, or if an
        earlier message of the same call has the key. `now` is in seconds since 1970.
        """
        listed = list(messages)
        with self._lock, self._transaction():
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
            found = self._for_each("SELECT key FROM messages WHERE key IN (*)", keys)
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
        with self._lock, self._transaction():
            self._for_each("UPDATE operations SET started = 1 WHERE number IN (*)", numbers)

    def settle(
        self,
        numbers: Sequence[int],
        messages: Iterable[Settlement],
        now: float,
        dead_letters: Sequence[bytes] = (),
    ) -> None:
        """Remove operations that have results, and store the new state of their messages."""
        alike: dict[tuple[Any, ...], list[int]] = {}
        for number, left, worst in messages:
            state = (left, worst, *self._settled(left, now))
            alike.setdefault(state, []).append(number)
        with self._lock, self._transaction():
            self._for_each("DELETE FROM operations WHERE number IN (*)", numbers)
            for state, these in alike.items():
                self._for_each(
                    "UPDATE messages SET left = ?, fate = ?, settled_at = ?, settled_run = ?"
                    " WHERE number IN (*)",
                    these,
                    state,
                )
            self._insert_dead_letters(dead_letters)
        with self._lock:
            for state, these in alike.items():
                if not state[0]:
                    for number in these:
                        self._statuses.pop(number, None)

    def waiting(self) -> int:
        """The number of stored operations."""
        with self._lock:
            (found,) = self._db.execute("SELECT count(*) FROM operations").fetchone()
            return int(found)

    def first_waiting(self) -> int | None:
        """The lowest number of the stored operations; None if there are none."""
        with self._lock:
            (found,) = self._db.execute("SELECT min(number) FROM operations").fetchone()
        return None if found is None else int(found)

    def last_number(self) -> int:
        """The highest number that an operation ever had; 0 if there was none."""
        with self._lock:
            return self._last_numbers()[1]

    def probe(self) -> None:
        """Write something; raises StorageError if `add` would."""
        with self._lock, self._transaction():
            self._db.execute("UPDATE about SET value = value WHERE name = 'run'")

    def forget(self, before: float, *, keep: int | None = None) -> bool:
        """Forget messages that were settled before a moment, in seconds since 1970.

        Of the messages that were taken in last, it remembers `keep` at most (None: all). Deletes
        up to 10,000 at a time, since other calls wait meanwhile; says whether there may be more.
        """
        last = -1
        with self._lock, self._transaction():
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
        with self._lock, self._transaction():
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
        with self._lock, self._transaction():
            self._db.execute("DELETE FROM about WHERE name IN ('finished', 'repeats')")
            if repeats is not None:
                self._db.execute("INSERT INTO about VALUES ('repeats', ?)", (repeats,))

    def finish(self, run: FinishedRun) -> None:
        """Remember that a run has delivered its whole input, and forget the lines of the input."""
        with self._lock, self._transaction():
            self._db.execute(
                "DELETE FROM messages WHERE left = 0 AND key >= ? AND key < ?",
                (INPUT_KEY, INPUT_KEY + b"\xff"),
            )
            self._db.execute(
                "INSERT OR REPLACE INTO about VALUES ('finished', ?)", (json.dumps(run._asdict()),)
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            try:
                self._db.execute("UPDATE about SET value = '1' WHERE name = 'closed'")
            except sqlite3.OperationalError:
                pass  # the disk is full: the next process treats it as after a crash
            finally:
                self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)

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
        for status, operations, lost, _ in messages:
            message_number += 1
            status.number = message_number
            message_rows.append(
                (
                    status.number,
                    status.key,
                    status.line,
                    encode(status.message_id),
                    status.left,
                    status.worst,
                    *self._settled(status.left, now),
                )
            )
            for queued in operations:
                operation_number += 1
                endpoint, host, _ = queued.operation
                content = (endpoint, host, keys_text(queued.ordering_keys), queued.text)
                operation_rows.append(
                    (operation_number, status.number, *content, checksum(*content))
                )
                queued.tag = SpoolReference(status, operation_number)
            dead_letters += [loss.line for loss in lost]
        self._for_each(
            "INSERT INTO messages (number, key, line, message_id, left, fate, settled_at,"
            " settled_run) VALUES *",
            message_rows,
        )
        self._for_each(
            "INSERT INTO operations (number, message, endpoint, host, ordering_keys, payload,"
            " checksum) VALUES *",
            operation_rows,
        )
        self._insert_dead_letters(dead_letters)

    def _insert_dead_letters(self, lines: Sequence[bytes]) -> None:
        self._for_each("INSERT INTO dead_letters (line) VALUES *", [(line,) for line in lines])

    def _for_each(self, sql: str, rows: Sequence[Any], before: tuple[Any, ...] = ()) -> list[Any]:
        """Run a statement in which `*` stands for the placeholders of many rows, or values.

        `before` are the parameters that come before them.
        """
        found: list[Any] = []
        for some in _pieces(rows):
            whole = isinstance(some[0], tuple)
            mark = f"({_marks(len(some[0]))})" if whole else "?"
            values = list(chain.from_iterable(some)) if whole else some
            statement = sql.replace("*", ", ".join([mark] * len(some)))
            found += self._db.execute(statement, (*before, *values)).fetchall()
        return found

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


class _DamagedError(Exception):
    """The file is a spool, but a part of it cannot be read."""


class _Transaction:
    """All of it or nothing. Raises StorageError if the disk takes nothing."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as problem:
            raise _storage_error(problem) from problem

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            try:
                self._db.execute("COMMIT")
            except sqlite3.OperationalError as problem:
                self._roll_back()
                raise _storage_error(problem) from problem
        else:
            self._roll_back()
            if isinstance(error, sqlite3.OperationalError):
                raise _storage_error(error) from error

    def _roll_back(self) -> None:
        if self._db.in_transaction:  # SQLite may have rolled back itself
            self._db.execute("ROLLBACK")


def _storage_error(error: sqlite3.OperationalError) -> StorageError:
    return StorageError(f"cannot write to the spool: {error}")


def _pieces(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The rows in pieces of a few sizes, so that SQLite compiles few statements."""
    place = 0
    for size in PIECES:
        while len(rows) - place >= size:
            yield rows[place : place + size]
            place += size


def _marks(count: int) -> str:
    """The placeholders of so many values."""
    return ", ".join("?" * count)
