"""Detects damage of a spool file: in its first page, in other pages, or in its write-ahead log."""

import sqlite3
import struct
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from translator.sender.books.leaf_pages import HEADER, PAGE
from translator.sender.books.spool_rows import MESSAGE_COLUMNS, OPERATION_COLUMNS, SCHEMA

TABLES = {
    "about": "name, value",
    "messages": MESSAGE_COLUMNS,
    "operations": OPERATION_COLUMNS,
    "dead_letters": "number, line",
}
"""Table of a spool -> its columns."""

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


def has_damaged_pages(db: sqlite3.Connection, table: str) -> bool:
    """Whether a table cannot be read completely.

    A page that leads to others can be damaged in a way that SQLite reads without an error: it then
    finds no rows. Before version 3.33 SQLite checks the whole file instead.
    """
    try:
        found = db.execute(f"PRAGMA quick_check({table})").fetchone()
    except sqlite3.DatabaseError:
        return True
    return bool(found != ("ok",))


def is_corruption(error: sqlite3.Error) -> bool:
    """Whether an error says that a part of a database is damaged."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT


def is_unreadable_start(error: sqlite3.Error) -> bool:
    """Whether an error may come from a damaged first page: SQLite's header or list of tables."""
    codes = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_READONLY)
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in codes


def lenient_text(text: bytes) -> str:
    """The text of a row, with a replacement character for each unreadable part."""
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
        expected = first_page(Path(folder))
    content = [place for place in range(HEADER, PAGE) if expected[place]]
    same = sum(page[place : place + 1] == expected[place : place + 1] for place in content)
    return same > len(content) // 2


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


def first_page(folder: Path) -> bytes:
    """The first page of a new spool, which is made in the folder."""
    made = folder / "new"
    db = sqlite3.connect(made, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(SCHEMA)
    finally:
        db.close()
    return made.read_bytes()[:PAGE]
