"""The state of Engage in an SQLite file, which survives between runs.

A commit writes in one transaction: people, calendar, recent messageIds, how far the input is used,
and how long the output is. The output is on the disk before the commit. So a run that was
interrupted at any point continues where both were at the last commit.
"""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from translator.engage.definitions import Definition
from translator.engage.engine import REMEMBERED, Engage
from translator.engage.storage import stored_calendar, stored_people
from translator.engage.storage.person_row import PersonRows
from translator.engage.storage.positions import START, FilePosition
from translator.engage.storage.stored_calendar import StoredCalendar
from translator.engage.storage.stored_people import StoredPeople
from translator.sender.books.storage import make_private

APPLICATION_ID = 0x656E6761
"""Marks the file in its header ("enga"), so that another SQLite file is not taken for one."""
VERSION = 2
MAX_IN_MEMORY = 20_000
"""Maximum number of people in memory between two commits."""
_CACHE_KIB = 64 << 10

_SCHEMA = f"""
BEGIN;
{stored_people.SCHEMA}
{stored_calendar.SCHEMA}
CREATE TABLE IF NOT EXISTS recent (number INTEGER PRIMARY KEY, ids TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS inputs (name TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""
"""In one transaction, so that a process that is killed leaves a complete file or an empty one."""


class StateFileError(Exception):
    """The state file cannot be used; the text says why and what to do."""


class RunPosition(NamedTuple):
    """The progress of a run: its input and output with the position in each.

    `failed`: a line was invalid or not translated. `finished`: the run has ended.
    """

    input: str
    read: FilePosition
    output: str
    written: FilePosition
    failed: bool = False
    finished: bool = False


class StateFile:
    """An Engage whose state is in a file, which is made if it is absent.

    Only the owner can read it, and one process at a time uses it. `origin` is what the state
    depends on (name -> digest); `in_memory` is the number of people who are kept in memory. Raises
    `StateFileError` for a file that is damaged, in use, or of another origin. `run` is what the
    last `commit` was given, None in a new file.
    """

    def __init__(
        self,
        path: Path,
        definitions: Sequence[Definition],
        origin: dict[str, str],
        *,
        remember: int = REMEMBERED,
        in_memory: int | None = None,
    ) -> None:
        self.path = path
        try:
            if not path.exists() or not path.stat().st_size:
                make_private(path)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=1)
            try:
                self._open(origin)
                in_memory = in_memory or MAX_IN_MEMORY
                self._people = StoredPeople(self._db, PersonRows(definitions), in_memory)
                self._calendar = StoredCalendar(self._db, self._people)
                self.engage = Engage(
                    definitions, remember=remember, people=self._people, calendar=self._calendar
                )
                self._restore()
            except BaseException:
                self._db.close()
                raise
        except (sqlite3.Error, OSError, ValueError, KeyError) as error:
            raise self.error(error) from error

    def _open(self, origin: dict[str, str]) -> None:
        run = self._db.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")  # the output is cut to what the state says
        run(f"PRAGMA cache_size = -{_CACHE_KIB}")
        tables = run("SELECT count(*) FROM sqlite_master").fetchone() != (0,)
        [application], [version] = (
            run("PRAGMA application_id").fetchone(),
            run("PRAGMA user_version").fetchone(),
        )
        if tables and (application, version) != (APPLICATION_ID, VERSION):
            raise StateFileError(
                f"{self.path} is not a state file of this version of engage; give another file"
            )
        make_private(self.path)
        [found] = run("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(" ".join(found.split()))
        self._db.executescript(_SCHEMA)
        run("BEGIN IMMEDIATE")
        written = self._value("origin")
        if written is None:
            self._set("origin", origin)
        elif written != origin:
            names = sorted(
                name
                for name in written.keys() | origin.keys()
                if written.get(name) != origin.get(name)
            )
            raise StateFileError(
                f"{self.path} was made with other {' and '.join(names)}: its state cannot be used"
                " with these; use the former ones, or give a new state file"
            )

    def _restore(self) -> None:
        progress = self._value("progress")
        run = self._value("run")
        self.run: RunPosition | None = None
        if run is not None:
            name, read, output, written, failed, finished = run
            read, written = FilePosition(*read), FilePosition(*written)
            self.run = RunPosition(name, read, output, written, failed, finished)
        self._total = 0
        if progress is not None:
            self.engage.restore(progress)
            self._total = progress["recent"]
            rows = self._db.execute("SELECT ids FROM recent ORDER BY number")
            ids = [id for (part,) in rows for id in json.loads(part)]
            self.engage.recent.restore(ids, self._total)

    def commit(self, run: RunPosition) -> None:
        """Store all changes since the last commit, and the positions in input and output."""
        self._people.flush()
        self._calendar.flush()
        recent = self.engage.recent
        if recent.total > self._total:
            # `number` is that of the last id in the row.
            row = (recent.total, json.dumps(recent.since(self._total)))
            self._db.execute("INSERT INTO recent VALUES (?, ?)", row)
        sql = "DELETE FROM recent WHERE number <= ?"
        self._db.execute(sql, (recent.total - recent.remember,))
        self._total = recent.total
        self._set("progress", {**self.engage.progress(), "recent": recent.total})
        self._set("run", run)
        sql = "INSERT OR REPLACE INTO inputs VALUES (?, ?)"
        self._db.execute(sql, (run.input, json.dumps(run.read)))
        self.run = run
        self._db.execute("COMMIT")
        self._db.execute("BEGIN IMMEDIATE")

    def input_position(self, name: str) -> FilePosition:
        """The position up to which an input was read; its start if it was never read."""
        sql = "SELECT position FROM inputs WHERE name = ?"
        found = self._db.execute(sql, (name,)).fetchone()
        return START if found is None else FilePosition(*json.loads(found[0]))

    def _value(self, name: str) -> Any:
        sql = "SELECT value FROM about WHERE name = ?"
        found = self._db.execute(sql, (name,)).fetchone()
        return None if found is None else json.loads(found[0])

    def _set(self, name: str, value: Any) -> None:
        sql = "INSERT OR REPLACE INTO about VALUES (?, ?)"
        self._db.execute(sql, (name, json.dumps(value)))

    def error(self, error: Exception) -> StateFileError:
        """The error to report for one of the database or the disk."""
        text = str(error)
        if "locked" in text:
            hint = "another process uses it; wait until it has ended"
        elif "full" in text:
            hint = "make room on the disk and run the command again"
        elif isinstance(error, OSError | sqlite3.OperationalError):
            hint = "is it a file that can be written?"
        else:
            hint = (
                "it is damaged or not a state file; restore a copy and remove the file"
                f" {self.path}-wal, or give a new state file"
            )
        return StateFileError(f"the state file {self.path} cannot be used: {text} ({hint})")

    def close(self) -> None:
        """Close the file; what was not committed is discarded."""
        self._db.close()
