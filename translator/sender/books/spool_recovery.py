"""Recovery of the readable rows of a spool file that was damaged on disk.

The readable rows are copied to a new file that takes the place of the damaged one, which is kept
beside it. Rows are read in ranges; a range with a damaged page is halved until only the rows on
that page are left out. If a page is damaged that leads to other pages, the rows on these are read
from the pages themselves.

The first page of every spool is nearly the same: SQLite's header and the list of tables. If it is
damaged, it is replaced by that of a new spool.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import NoneType
from typing import Any

from translator.sender.books.leaf_pages import PAGE, LeafRow, Text, leaf_rows
from translator.sender.books.spool_damage import (
    TABLES,
    first_page,
    has_damaged_pages,
    lenient_text,
)
from translator.sender.books.spool_rows import SCHEMA, checksum
from translator.sender.books.storage import make_private

NUMBERED = ("messages", "operations", "dead_letters")

HIGHEST_GUESS = 100_000
"""The highest number up to which rows are searched when the file does not have their count."""

FAILED_READS = 2_000
"""Number of failed reads after which the rest of a table is read from its leaf pages alone."""

OWN_FIELDS = ((24, 40), (92, 96))
"""The fields of the header, from and to, that differ between spools: counters and sizes."""

LONGEST_MISSING_END = 1 << 32
"""Bytes; a header that names more pages than that is damaged."""


def recover(path: Path, *, damaged_start: bool) -> str:
    """Put a file with the readable rows in the place of a damaged spool; says what is lost.

    `damaged_start`: its first page is damaged.
    """
    kept = _unused(path.with_name(path.name + ".damaged"))
    fresh = path.with_name(path.name + ".recovered")
    fresh.unlink(missing_ok=True)
    make_private(fresh)
    with TemporaryDirectory(dir=path.parent) as folder:
        readable = _copy(path, Path(folder))
        if damaged_start:
            _replace_start(readable, Path(folder))
        _lengthen(readable)
        unread = _copy_rows(readable, fresh)
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


def _copy(path: Path, folder: Path) -> Path:
    """A copy of a spool and of its write-ahead log, in the folder."""
    copy = folder / "copy"
    shutil.copyfile(path, copy)
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        shutil.copyfile(wal, copy.with_name("copy-wal"))
    return copy


def _replace_start(path: Path, folder: Path) -> None:
    """Give a spool the first page of a new one, which is made in the folder."""
    with path.open("r+b") as file:
        old = file.read(PAGE)
        page = bytearray(first_page(folder))
        for begin, end in OWN_FIELDS:
            page[begin:end] = old[begin:end].ljust(end - begin, b"\0")
        pages = -(-path.stat().st_size // PAGE)
        page[28:32] = pages.to_bytes(4, "big")
        page[92:96] = page[24:28]  # the size above is valid for this state of the file
        file.seek(0)
        file.write(page)


def _lengthen(path: Path) -> None:
    """Fill a spool whose end is missing with zeros, up to the size that its header names.

    Otherwise SQLite reads neither the rest of the last page nor what leads to a missing page.
    """
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(28)
        pages = int.from_bytes(file.read(4), "big")
        if size < pages * PAGE <= size + LONGEST_MISSING_END:
            file.truncate(pages * PAGE)


def _copy_rows(path: Path, fresh: Path) -> dict[str, int]:
    """Copy the readable rows of a spool to a new one; gives the number of others by table."""
    source, target = sqlite3.connect(path), sqlite3.connect(fresh)
    source.text_factory = lenient_text
    with suppress(sqlite3.DatabaseError):
        source.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the pages of the file are the latest
    unread = dict.fromkeys(TABLES, 0)
    try:
        source.execute("PRAGMA writable_schema = ON")  # reads a file that was cut, too
        target.executescript(SCHEMA)
        last = _last_numbers(source)
        for table, columns in TABLES.items():
            marks = ", ".join("?" * len(columns.split(",")))
            sql = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608
            for row in _rows(source, table, columns, last.get(table, HIGHEST_GUESS), unread):
                # A row with missing columns was on a page of which a part is missing.
                unread[table] += 1 - target.execute(sql, row).rowcount
            if unread[table] or has_damaged_pages(source, table):
                for row in _rows_on_pages(path, table, target):
                    unread[table] -= target.execute(sql, row).rowcount
            unread[table] = max(0, unread[table])
            if table in NUMBERED and table not in last and _highest(target, table):
                # Of the numbers that were only looked for, those up to the highest one count.
                unread[table] = min(unread[table], _gaps(target, table))
        # The messages know how many operations there should be.
        (missing,) = target.execute(
            "SELECT (SELECT total(CASE WHEN left BETWEEN 0 AND 1000 THEN left END) FROM messages)"
            " - (SELECT count(*) FROM operations)"
        ).fetchone()
        unread["operations"] = max(unread["operations"], int(missing))
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
    return unread


def _rows(
    source: sqlite3.Connection, table: str, columns: str, last: int, unread: dict[str, int]
) -> Iterator[Any]:
    """The readable rows of a table with numbers up to `last`; counts the others in `unread`."""
    ranges = [(1, last)]
    failed = 0
    while ranges:
        low, high = ranges.pop()
        if failed > FAILED_READS:
            unread[table] += high - low + 1
            continue
        try:
            rows = source.execute(
                f"SELECT {columns} FROM {table} WHERE rowid BETWEEN ? AND ? ORDER BY rowid",  # noqa: S608
                (low, high),
            ).fetchall()
        except sqlite3.DatabaseError:
            failed += 1
            if low == high:
                unread[table] += 1
                continue
            middle = (low + high) // 2
            ranges += [(middle + 1, high), (low, middle)]
        else:
            yield from rows


def _rows_on_pages(path: Path, table: str, target: sqlite3.Connection) -> Iterator[Any]:
    """The rows of a table that its leaf pages hold, for the recovered file.

    A message whose column `left` is 0 is delivered; old rows of its operations are left out.
    """
    settled = {number for (number,) in target.execute("SELECT number FROM messages WHERE left = 0")}
    for row in leaf_rows(path):
        if not _is_row_of(table, row):
            continue
        values = [each.decode(errors="replace") if type(each) is Text else each for each in row[1]]
        if table == "about":
            yield values
            continue
        if table == "operations":
            is_whole = checksum(*values[2:6]) == values[6]
            if values[1] in settled or not is_whole:
                continue
        yield [row.number, *values[1:]]


_SHAPES: dict[str, tuple[tuple[type, ...], ...]] = {
    "about": ((Text,), (Text,)),
    "messages": (
        *((NoneType,), (bytes,), (int,), (bytes,), (int,), (Text,)),
        *((NoneType, float, int), (NoneType, int)),
    ),
    "operations": ((NoneType,), (int,), (Text,), (Text,), (Text,), (bytes,), (int,), (int,)),
    "dead_letters": ((NoneType,), (bytes,)),
}
"""The types of the values in a row of each table. No two tables have rows of the same types."""


def _is_row_of(table: str, row: LeafRow) -> bool:
    shape = _SHAPES[table]
    return len(row.values) == len(shape) and all(
        type(value) in types for value, types in zip(row.values, shape, strict=True)
    )


def _gaps(target: sqlite3.Connection, table: str) -> int:
    """The number of ids up to the highest one of a table that have no row."""
    (rows,) = target.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return _highest(target, table) - int(rows)


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
