"""The calendar in a table of a state file: a few rows for each hour, each with many people.

One row for each person and hour would cost more than the rest of a message.
"""

import sqlite3
from collections.abc import Iterator

import orjson

from translator.engage.calendar import Calendar
from translator.engage.storage.stored_people import ROWS, StoredPeople

SCHEMA = """
CREATE TABLE IF NOT EXISTS due (hour INTEGER NOT NULL, people BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS due_hour ON due (hour);
"""


class StoredCalendar(Calendar):
    """The calendar in the table `due`. Entries are kept in memory until `flush`.

    The entries of an hour are deleted together, after the last of them. If a run is interrupted
    before that, the next run gets all of them again; those who were updated are not due any more.
    """

    def __init__(self, db: sqlite3.Connection, people: StoredPeople) -> None:
        super().__init__(people)
        self._db = db
        self._stored_people = people
        self._added: dict[int, list[int]] = {}
        self._next = self._first_hour()

    def next_hour(self) -> int | None:
        """The next hour that has an entry, or None."""
        return self._next

    def flush(self) -> None:
        """Write the entries that were added."""
        self._db.executemany(
            "INSERT INTO due VALUES (?, ?)",
            [(hour, orjson.dumps(numbers)) for hour, numbers in self._added.items()],
        )
        self._added.clear()

    def _first_hour(self) -> int | None:
        [stored] = self._db.execute("SELECT min(hour) FROM due").fetchone()
        return min(self._added if stored is None else (stored, *self._added), default=None)

    def _pop_numbers(self, hour: int) -> Iterator[int]:
        found = set(self._added.get(hour, ()))
        for (people,) in self._db.execute("SELECT people FROM due WHERE hour = ?", (hour,)):
            found.update(orjson.loads(people))
        numbers = sorted(found)
        del found
        for start in range(0, len(numbers), ROWS):
            part = numbers[start : start + ROWS]
            self._stored_people.load_numbered(part)
            yield from part
        self._db.execute("DELETE FROM due WHERE hour = ?", (hour,))
        self._added.pop(hour, None)
        self._next = self._first_hour()

    def _note(self, hour: int, number: int) -> None:
        self._added.setdefault(hour, []).append(number)
        if self._next is None or hour < self._next:
            self._next = hour
