"""Messages on disk from when they are taken in until all of them has a verdict: a SQLite file.

A message is written before anybody is told that it was taken, and its operations leave the file
when they have a verdict. After a crash what is left is sent again, with the same insert id and
time, so an event still counts once. An operation that would count twice is marked before it is
sent; found with the mark, it is not sent again by itself.

A message is known by its key until the spool is cleared, or until it has been settled for a day: it
is not taken in twice.
"""

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson

from translator.core.operations import Json, Operation
from translator.sender.books.message_status import MessageStatus
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.batching import encode
from translator.sender.dispatch.queued_operation import QueuedOperation

PIECES = (256, 64, 16, 4, 1)
"""How many rows one statement writes: the largest of these that fits, again and again."""

FORGOTTEN_AT_ONCE = 10_000

REMEMBERED_SECONDS = 24 * 3600.0
"""How long a settled message is known, as Segment itself does."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    line INTEGER NOT NULL,
    message_id BLOB NOT NULL,
    left INTEGER NOT NULL,
    fate TEXT NOT NULL,
    settled_at REAL,
    settled_run INTEGER
);
CREATE TABLE IF NOT EXISTS operations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    host TEXT NOT NULL,
    lanes TEXT NOT NULL,
    payload BLOB NOT NULL,
    started INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS settled ON messages (settled_at) WHERE settled_at IS NOT NULL;
"""
VERSION = "1"


class SpoolError(Exception):
    """The file cannot be used; the text says why and what to do."""


class SpoolReference(NamedTuple):
    """What a letter carries: its message, and its number in the spool, 0 without one."""

    entry: MessageStatus
    number: int = 0


class Loss(NamedTuple):
    """A part of a message that is lost before it is in the spool.

    `place` tells it from the other losses of the spool, `shown` is what a person must know of it,
    and `again` what a dead letter needs to send it again.
    """

    place: str
    shown: Json
    again: Json


class IncomingMessage(NamedTuple):
    """A message that is to be taken in: its operations as letters, and what of it is lost."""

    entry: MessageStatus
    operations: Sequence[QueuedOperation]
    losses: Sequence[Loss] = ()


class StoredOperation(NamedTuple):
    """An operation in the spool. `started`: it was on its way when the spool was left."""

    number: int
    entry: MessageStatus
    operation: Operation
    ordering_keys: tuple[str, ...]
    started: bool


class Spool:
    """A spool file, made if it is not there. Threads may share it; processes may not.

    Raises SpoolError if it cannot be used.
    """

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.RLock()
        self._entries: dict[int, MessageStatus] = {}
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise
        except sqlite3.OperationalError as error:
            hint = "another process uses it" if "locked" in str(error) else "is it writable?"
            raise SpoolError(f"the spool {path} cannot be used: {error} ({hint})") from error
        except sqlite3.DatabaseError as error:
            raise SpoolError(f"{path} is no spool: {error}; give another file") from error

    def _prepare(self) -> None:
        run = self._db.execute
        run("PRAGMA busy_timeout = 1000")
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
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
        if about["version"] != VERSION:
            raise sqlite3.DatabaseError(f"its version is {about['version']}, not {VERSION}")
        self.id: str = about["id"]
        self._run = int(about["run"]) + 1
        self.interrupted = about["closed"] == "0"
        """Whether whoever had it last did not close it."""

    def add(self, messages: Iterable[IncomingMessage], now: float) -> list[bool]:
        """Take in messages, all or none; they are on disk when this returns.

        Their entries get numbers and their letters tags. Whether each was taken in: one with a
        key that is known is not, nor one whose key an earlier one of the same call has. `now` is
        in seconds since 1970.
        """
        listed = list(messages)
        with self._lock, self._transaction():
            known = self.known_of([each.entry.key for each in listed])
            fresh: dict[bytes, IncomingMessage] = {}
            added: list[bool] = []
            for each in listed:
                new = each.entry.key not in known and each.entry.key not in fresh
                added.append(new)
                if new:
                    fresh[each.entry.key] = each
            self._insert(fresh.values(), now)
        return added

    def known(self, key: bytes) -> tuple[bool, DeliveryStatus | None]:
        """Whether a message is known; its fate if it was settled before the spool was opened."""
        with self._lock:
            row = self._db.execute(
                "SELECT fate, settled_run FROM messages WHERE key = ?", (key,)
            ).fetchone()
        if row is None:
            return False, None
        fate, run = row
        return True, DeliveryStatus(fate) if run is not None and run < self._run else None

    def known_of(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those of the keys that are known."""
        with self._lock:
            found = self._for_each("SELECT key FROM messages WHERE key IN (*)", keys)
        return {key for (key,) in found}

    def after(self, number: int, most: int) -> list[StoredOperation]:
        """Up to so many of the kept operations, in order, that come after the one of a number."""
        with self._lock:
            rows = self._db.execute(
                "SELECT o.number, o.endpoint, o.host, o.lanes, o.payload, o.started, m.number,"
                " m.key, m.line, m.message_id, m.left, m.fate FROM operations o"
                " JOIN messages m ON m.number = o.message WHERE o.number > ?"
                " ORDER BY o.number LIMIT ?",
                (number, most),
            ).fetchall()
            return [self._kept(*row) for row in rows]

    def start(self, numbers: Sequence[int]) -> None:
        """Mark operations that are about to be sent and would count twice."""
        with self._lock, self._transaction():
            self._for_each("UPDATE operations SET started = 1 WHERE number IN (*)", numbers)

    def settle(self, numbers: Sequence[int], entries: Iterable[MessageStatus], now: float) -> None:
        """Let go of operations that have verdicts; `entries` are their messages as they now are."""
        changed = {entry.number: entry for entry in entries}
        alike: dict[tuple[Any, ...], list[int]] = {}
        for each in changed.values():
            state = (each.left, each.worst, *self._settled(each, now))
            alike.setdefault(state, []).append(each.number)
        with self._lock, self._transaction():
            self._for_each("DELETE FROM operations WHERE number IN (*)", numbers)
            for state, these in alike.items():
                self._for_each(
                    "UPDATE messages SET left = ?, fate = ?, settled_at = ?, settled_run = ?"
                    " WHERE number IN (*)",
                    these,
                    state,
                )
            for each in changed.values():
                if not each.left:
                    self._entries.pop(each.number, None)

    def waiting(self) -> int:
        """How many operations are kept."""
        with self._lock:
            (found,) = self._db.execute("SELECT count(*) FROM operations").fetchone()
            return int(found)

    def first_waiting(self) -> int | None:
        """The lowest number of the operations that are kept; None if there are none."""
        with self._lock:
            (found,) = self._db.execute("SELECT min(number) FROM operations").fetchone()
        return None if found is None else int(found)

    def last_number(self) -> int:
        """The highest number that an operation ever had; 0 if there was none."""
        with self._lock:
            return self._last_numbers()[1]

    def probe(self) -> None:
        """Write something; raises what `add` would raise if the file cannot be written."""
        with self._lock, self._transaction():
            self._db.execute("UPDATE about SET value = value WHERE name = 'run'")

    def forget(self, before: float, *, keep: int | None = None) -> bool:
        """Let go of messages that were settled before a moment, in seconds since 1970.

        Of the messages that were taken in last, it remembers `keep` at most (None: all). Deletes
        up to 10,000 at a time, since other calls wait meanwhile; whether there may be more.
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

    def clear(self) -> None:
        """Let go of all messages that are settled."""
        with self._lock, self._transaction():
            self._db.execute("DELETE FROM messages WHERE left = 0")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.execute("UPDATE about SET value = '1' WHERE name = 'closed'")
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

    def _insert(self, messages: Iterable[IncomingMessage], now: float) -> None:
        """Write messages with their operations; the caller has begun a transaction.

        The numbers are given here, and one statement writes many rows: SQLite then works without
        Python's lock, so other threads run meanwhile.
        """
        message_rows: list[Any] = []
        operation_rows: list[Any] = []
        message_number, operation_number = self._last_numbers()
        for entry, letters, _ in messages:
            message_number += 1
            entry.number = message_number
            message_rows.append(
                (
                    entry.number,
                    entry.key,
                    entry.line,
                    encode(entry.message_id),
                    entry.left,
                    entry.worst,
                    *self._settled(entry, now),
                )
            )
            for letter in letters:
                operation_number += 1
                endpoint, host, _ = letter.operation
                lanes = _json_text(letter.ordering_keys)
                operation_rows.append(
                    (operation_number, entry.number, endpoint, host, lanes, letter.text)
                )
                letter.tag = SpoolReference(entry, operation_number)
        self._for_each(
            "INSERT INTO messages (number, key, line, message_id, left, fate, settled_at,"
            " settled_run) VALUES *",
            message_rows,
        )
        self._for_each(
            "INSERT INTO operations (number, message, endpoint, host, lanes, payload) VALUES *",
            operation_rows,
        )

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

    def _settled(self, entry: MessageStatus, now: float) -> tuple[float | None, int | None]:
        return (None, None) if entry.left else (now, self._run)

    def _kept(
        self,
        number: int,
        endpoint: str,
        host: str,
        lanes: str,
        payload: bytes,
        started: int,
        message: int,
        key: bytes,
        line: int,
        message_id: bytes,
        left: int,
        fate: str,
    ) -> StoredOperation:
        entry = self._entries.get(message)
        if entry is None:
            fates = set() if fate == DeliveryStatus.SKIPPED else {DeliveryStatus(fate)}
            entry = MessageStatus(line, _decode(message_id), left, fates, number=message, key=key)
            self._entries[message] = entry
        operation = Operation(endpoint, host, _decode(payload))
        return StoredOperation(number, entry, operation, tuple(json.loads(lanes)), bool(started))


class _Transaction:
    """All of it or nothing."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.execute("COMMIT" if error is None else "ROLLBACK")


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


@lru_cache(1000)
def _json_text(lanes: tuple[str, ...]) -> str:
    return json.dumps(lanes)


def _decode(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)
