"""Recovery of the readable rows of a spool file that was damaged on disk.

The readable rows are copied to a new file that takes the place of the damaged one, which is kept
beside it. Rows are read in ranges; a range with a damaged page is halved until only the rows on
that page are left out.
"""

import os
import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from translator.sender.books.spool_rows import MESSAGE_COLUMNS, OPERATION_COLUMNS, SCHEMA
from translator.sender.books.storage import make_private

TABLES = {
    "about": "name, value",
    "messages": MESSAGE_COLUMNS,
    "operations": OPERATION_COLUMNS,
    "dead_letters": "number, line",
}
NUMBERED = ("messages", "operations", "dead_letters")

HIGHEST_GUESS = 100_000
"""Up to which number rows are looked for when the file does not say how many there were."""

WAL_HEADER = 32
FRAME_HEADER = 24
"""Sizes in bytes, from SQLite's description of its file format."""


def is_damaged(db: sqlite3.Connection) -> bool:
    """Whether an open spool cannot be read completely."""
    try:
        found: tuple[str] = db.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        if is_corruption(error):
            return True
        raise
    return found != ("ok",)


def is_corruption(error: sqlite3.Error) -> bool:
    """Whether an error says that a part of a database is damaged."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT


def lenient_text(text: bytes) -> str:
    """Text of a row; what a damage made unreadable in it is replaced."""
    return text.decode(errors="replace")


def salvage(path: Path) -> str:
    """Put a file with the readable rows in the place of a damaged spool; says what is lost."""
    kept = _unused(path.with_name(path.name + ".damaged"))
    fresh = path.with_name(path.name + ".salvaged")
    fresh.unlink(missing_ok=True)
    make_private(fresh)
    source, target = sqlite3.connect(path), sqlite3.connect(fresh)
    source.text_factory = lenient_text
    unread = dict.fromkeys(TABLES, 0)
    try:
        source.execute("PRAGMA writable_schema = ON")  # reads a file that was cut, too
        target.executescript(SCHEMA)
        last = _last_numbers(source)
        for table, columns in TABLES.items():
            marks = ", ".join("?" * len(columns.split(",")))
            for row in _rows(source, table, columns, last.get(table, HIGHEST_GUESS), unread):
                target.execute(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", row)  # noqa: S608
        for table in NUMBERED:
            # No number may be given a second time.
            target.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            highest = max(last.get(table, 0), _highest(target, table))
            target.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, highest)
            )
        target.commit()
    finally:
        source.close()
        target.close()
    for ending in ("-wal", "-shm"):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + ending))
    os.link(path, kept)
    fresh.replace(path)
    return (
        f"the spool was damaged: up to {unread['operations']} operations, {unread['messages']} "
        f"messages and {unread['dead_letters']} dead letters cannot be read; lines of these "
        f"messages would be sent again; the damaged file is kept as {kept.name}"
    )


def wal_of(path: Path) -> bytes:
    """The write-ahead log that a process left behind; empty if it does not exist."""
    try:
        return path.with_name(path.name + "-wal").read_bytes()
    except OSError:
        return b""


def lost_transactions(wal: bytes, db: sqlite3.Connection) -> int:
    """How many transactions of a write-ahead log SQLite left out, because one before is damaged.

    SQLite takes the first frame with a wrong checksum for the end of the log.
    """
    if len(wal) < WAL_HEADER:
        return 0
    page_size = struct.unpack_from(">I", wal, 8)[0]
    salts = wal[16:24]
    _, used, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    lost = 0
    start = WAL_HEADER + max(used, 0) * (FRAME_HEADER + page_size)
    for place in range(start, len(wal) - FRAME_HEADER + 1, FRAME_HEADER + page_size):
        if wal[place + 8 : place + 16] == salts and wal[place + 4 : place + 8] != bytes(4):
            lost += 1
    return lost


def _rows(
    source: sqlite3.Connection, table: str, columns: str, last: int, unread: dict[str, int]
) -> Iterator[Any]:
    """The readable rows of a table with numbers up to `last`; counts the others in `unread`."""
    ranges = [(1, last)]
    while ranges:
        low, high = ranges.pop()
        try:
            rows = source.execute(
                f"SELECT {columns} FROM {table} WHERE rowid BETWEEN ? AND ? ORDER BY rowid",  # noqa: S608
                (low, high),
            ).fetchall()
        except sqlite3.DatabaseError:
            if low == high:
                unread[table] += 1
                continue
            middle = (low + high) // 2
            ranges += [(middle + 1, high), (low, middle)]
        else:
            yield from rows


def _last_numbers(source: sqlite3.Connection) -> dict[str, int]:
    try:
        return dict(source.execute("SELECT name, seq FROM sqlite_sequence"))
    except sqlite3.DatabaseError:
        return {}


def _highest(target: sqlite3.Connection, table: str) -> int:
    (found,) = target.execute(f"SELECT max(number) FROM {table}").fetchone()  # noqa: S608
    return int(found or 0)


def _unused(path: Path) -> Path:
    """The path, or with a number if a file is there already."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}.{number}")
    return candidate
