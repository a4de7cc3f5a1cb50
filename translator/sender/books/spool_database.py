"""The SQLite file of a spool: opening it, transactions, and statements for many rows."""

import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

from translator.sender.books.spool_damage import (
    TABLES,
    has_tables,
    is_corruption,
    is_damaged,
    is_spool_with_damaged_start,
    is_unreadable_start,
    lenient_text,
    lost_transactions,
    wal_of,
)
from translator.sender.books.spool_recovery import recover
from translator.sender.books.spool_rows import SCHEMA, VERSION
from translator.sender.books.storage import StorageError, make_private

PIECES = (256, 64, 16, 4, 1)
"""Numbers of rows in one statement; the largest that fits is used, repeatedly."""


class SpoolError(Exception):
    """The file cannot be used; the text says why and what to do."""


class SpoolDatabase:
    """The file of a spool, made if it is not there; only its owner can read it.

    Raises SpoolError if it cannot be used. Threads may share it, each call under `lock`.
    """

    def __init__(self, path: Path | str) -> None:
        self.lock = threading.RLock()
        self.damage: str | None = None
        """The losses because the file was damaged on disk; None if there are none."""
        try:
            file = Path(path)
            if file.exists() and not file.is_file():
                raise SpoolError(f"{path} is not a regular file; give another one for the spool")
            if not file.exists() or not file.stat().st_size:
                make_private(file)
            try:
                self._open(file)
            except _DamagedError:
                damaged_start = not _has_tables(file) and is_spool_with_damaged_start(file)
                self.damage = recover(file, damaged_start=damaged_start)
                self._open(file)
            except _DamagedStartError as error:
                if not is_spool_with_damaged_start(file):
                    raise error.reason from error
                self.damage = recover(file, damaged_start=True)
                self._open(file)
        except (sqlite3.OperationalError, OSError) as error:
            hint = "another process uses it" if "locked" in str(error) else "is it writable?"
            raise SpoolError(f"the spool {path} cannot be used: {error} ({hint})") from error
        except sqlite3.DatabaseError as error:
            raise SpoolError(f"{path} is not a spool: {error}; give another file") from error

    def _open(self, path: Path) -> None:
        wal = wal_of(path)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.text_factory = lenient_text
        try:
            self._prepare(path)
            lost = lost_transactions(wal, self._db)
            if lost:
                self.damage = (
                    f"the write-ahead log of the spool was damaged: its last {lost} transactions "
                    "cannot be read; what they took in or settled is not known"
                )
        except BaseException as error:
            self._db.close()
            if isinstance(error, sqlite3.Error):
                if is_corruption(error):
                    raise _DamagedError from error
                if is_unreadable_start(error) and os.access(path, os.W_OK):
                    raise _DamagedStartError(error) from error
            raise

    def _prepare(self, path: Path) -> None:
        run = self._db.execute
        run("PRAGMA busy_timeout = 1000")
        self._check_is_spool()
        make_private(path)
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        if is_damaged(self._db):
            raise _DamagedError
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
        self.run = int(about["run"]) + 1
        self.interrupted = about["closed"] == "0"
        """Whether the process that had it last did not close it."""

    def _check_is_spool(self) -> None:
        """Raise an error if the file has tables, but not those of a spool of this version.

        Nothing is written to a database of another program. After a crash, the tables that are
        made after `about` may be missing.
        """
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        tables = {name for (name,) in self._db.execute(query)}
        if "about" in tables:
            found = dict(self._db.execute("SELECT name, value FROM about"))
            if found and "version" not in found and has_tables(self._db):
                raise _DamagedError
            version = found.get("version", "unknown")
            if found and version != VERSION:
                raise sqlite3.DatabaseError(f"its version is {version}, not {VERSION}")
        if tables and not has_tables(self._db, {"about", *(tables & TABLES.keys())}):
            raise _DamagedStartError(sqlite3.DatabaseError("it is another database"))

    def transaction(self) -> "Transaction":
        """A transaction that lasts until the end of a `with` block."""
        return Transaction(self._db)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement."""
        return self._db.execute(sql, parameters)

    def for_each(self, sql: str, rows: Sequence[Any], before: tuple[Any, ...] = ()) -> list[Any]:
        """Run a statement in which `*` is replaced by the placeholders of many rows, or values.

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

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            try:
                self._db.execute("UPDATE about SET value = '1' WHERE name = 'closed'")
            except sqlite3.OperationalError:
                pass  # the disk is full: the next process treats it as after a crash
            finally:
                self._db.close()


class _DamagedError(Exception):
    """The file is a spool, but a part of it cannot be read."""


class _DamagedStartError(Exception):
    """The file is not a spool, or the first page of one is damaged; `reason` is SQLite's error."""

    def __init__(self, reason: sqlite3.Error) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _has_tables(path: Path) -> bool:
    db = sqlite3.connect(path)
    try:
        return has_tables(db)
    finally:
        db.close()


class Transaction:
    """A transaction: all of it or nothing. Raises StorageError if a write fails."""

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
    """The placeholders of a number of values."""
    return ", ".join("?" * count)
