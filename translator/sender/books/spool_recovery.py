"""Recovery of the readable rows of a spool file that was damaged on disk.

The readable rows are copied to a new file that takes the place of the damaged one, which is kept
beside it. Rows are read in ranges; a range with a damaged page is halved until only the rows on
that page are left out.

The first page of every spool is nearly the same: SQLite's header and the list of tables. If it is
damaged, it is replaced by that of a new spool.
"""

import os
import shutil
import sqlite3
import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
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
"""The highest number up to which rows are searched when the file does not have their count."""

FAILED_READS = 20_000
"""Number of failed reads after which the rest of a table counts as unreadable: its root page is
damaged."""

PAGE = 4096
"""The size of a page in bytes; SQLite's default."""

HEADER = 100
"""The size in bytes of SQLite's header, which begins the first page."""

OWN_FIELDS = ((24, 40), (92, 96))
"""The fields of the header, from and to, that differ between spools: counters and sizes."""

LONGEST_MISSING_END = 1 << 32
"""Bytes; a header that names more pages than that is damaged."""

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


def is_unreadable_start(error: sqlite3.Error) -> bool:
    """Whether an error may come from a damaged first page: SQLite's header or list of tables."""
    codes = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_READONLY)
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in codes


def lenient_text(text: bytes) -> str:
    """Text of a row; what a damage made unreadable in it is replaced."""
    return text.decode(errors="replace")


def has_tables(db: sqlite3.Connection, tables: Collection[str] = tuple(TABLES)) -> bool:
    """Whether an open database has these tables of a spool, with their columns."""
    try:
        for table in tables:
            db.execute(f"SELECT {TABLES[table]} FROM {table} LIMIT 0")  # noqa: S608
    except sqlite3.DatabaseError:
        return False
    return True


def is_spool_with_damaged_start(path: Path) -> bool:
    """Whether a file without readable tables was a spool: most of its first page is as expected."""
    with path.open("rb") as file:
        page = file.read(PAGE)
    with TemporaryDirectory() as folder:
        expected = _first_page(Path(folder))
    content = [place for place in range(HEADER, PAGE) if expected[place]]
    same = sum(page[place : place + 1] == expected[place : place + 1] for place in content)
    return same > len(content) // 2


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


def _first_page(folder: Path) -> bytes:
    """The first page of a new spool, which is made in the folder."""
    made = folder / "new"
    db = sqlite3.connect(made, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(SCHEMA)
    finally:
        db.close()
    return made.read_bytes()[:PAGE]


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
        page = bytearray(_first_page(folder))
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
    unread = dict.fromkeys(TABLES, 0)
    try:
        source.execute("PRAGMA writable_schema = ON")  # reads a file that was cut, too
        target.executescript(SCHEMA)
        last = _last_numbers(source)
        for table, columns in TABLES.items():
            marks = ", ".join("?" * len(columns.split(",")))
            for row in _rows(source, table, columns, last.get(table, HIGHEST_GUESS), unread):
                # A row with missing columns was on a page of which a part is missing.
                sql = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608
                unread[table] += 1 - target.execute(sql, row).rowcount
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


def wal_of(path: Path) -> bytes:
    """The write-ahead log that a process left behind; empty if it does not exist."""
    try:
        return path.with_name(path.name + "-wal").read_bytes()
    except OSError:
        return b""


def lost_transactions(wal: bytes, db: sqlite3.Connection) -> int:
    """The number of transactions of a write-ahead log that SQLite left out after a damaged one.

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
