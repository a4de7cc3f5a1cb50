"""People and their calendar in the tables of a state file; only some are in memory at a time.

Every change is part of the open transaction. A changed person is written by `flush`.
"""

import sqlite3
from collections.abc import Iterator
from itertools import islice

from translator.engage.calendar import Calendar
from translator.engage.people import People, Person
from translator.engage.storage.person_json import DamagedRowError, PersonJson

SCHEMA = """
CREATE TABLE IF NOT EXISTS people (number INTEGER PRIMARY KEY, row BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS ids (id TEXT PRIMARY KEY, person INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS due (
    hour INTEGER, person INTEGER, PRIMARY KEY (hour, person)
) WITHOUT ROWID;
"""
_ROWS = 500


class StoredPeople(People):
    """People in the table `people`; `ids` has their ids.

    `in_memory` is the number of people who are kept in memory between two transactions.
    """

    def __init__(self, db: sqlite3.Connection, rows: PersonJson, in_memory: int) -> None:
        super().__init__()
        self._db = db
        self._rows = rows
        self._in_memory = in_memory
        self._changed: dict[int, Person] = {}

    def after(self, number: int) -> Iterator[Person]:
        """The people with a larger number, in order."""
        self._write_changed()
        while found := self._db.execute(
            "SELECT number FROM people WHERE number > ? ORDER BY number LIMIT ?", (number, _ROWS)
        ).fetchall():
            for (each,) in found:
                person = self.numbered(each)
                if person is not None:
                    yield person
            number = found[-1][0]

    def numbered(self, number: int) -> Person | None:
        """The person with a number; None if there is none, or no longer."""
        person = self._by_number.get(number)
        if person is None:
            sql = "SELECT row FROM people WHERE number = ?"
            found = self._db.execute(sql, (number,)).fetchone()
            if found is not None:
                person = self._by_number[number] = self._rows.decode(number, found[0])
                self._by_id.update(dict.fromkeys((*person.user_ids, *person.anonymous_ids), person))
        return person

    def touch(self, person: Person) -> None:
        """Note that a person has changed."""
        self._changed[person.number] = person

    def flush(self) -> None:
        """Write the people who have changed, and keep only some in memory."""
        self._write_changed()
        excess = len(self._by_number) - self._in_memory
        if excess > 0:
            for person in list(islice(self._by_number.values(), excess + self._in_memory // 2)):
                del self._by_number[person.number]
                for key in (*person.user_ids, *person.anonymous_ids):
                    del self._by_id[key]

    def _write_changed(self) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO people VALUES (?, ?)",
            [(number, self._rows.encode(each)) for number, each in self._changed.items()],
        )
        self._changed.clear()

    def _find(self, key: str) -> Person | None:
        person = self._by_id.get(key)
        if person is None:
            found = self._db.execute("SELECT person FROM ids WHERE id = ?", (key,)).fetchone()
            if found is not None:
                self.numbered(found[0])
                person = self._by_id.get(key)
                if person is None:
                    raise DamagedRowError(f"person {found[0]} does not have the id {key!r:.80}")
        return person

    def _link(self, key: str, person: Person) -> None:
        super()._link(key, person)
        self._db.execute("INSERT OR REPLACE INTO ids VALUES (?, ?)", (key, person.number))

    def _replace(self, person: Person, other: Person) -> None:
        numbers = [(person.number,), (other.number,)]
        super()._replace(person, other)
        self._db.executemany("DELETE FROM people WHERE number = ?", numbers)
        for (number,) in numbers:
            self._changed.pop(number, None)
        self.touch(person)
        if person.number != numbers[0][0]:
            for key in (*person.user_ids, *person.anonymous_ids):
                self._link(key, person)


class StoredCalendar(Calendar):
    """The calendar in the table `due`."""

    def __init__(self, db: sqlite3.Connection, people: People) -> None:
        super().__init__(people)
        self._db = db
        self._next = self._first_hour()

    def next_hour(self) -> int | None:
        """The next hour that has an entry, or None."""
        return self._next

    def _first_hour(self) -> int | None:
        [hour] = self._db.execute("SELECT min(hour) FROM due").fetchone()
        return None if hour is None else int(hour)

    def _pop_numbers(self, hour: int) -> Iterator[int]:
        while found := self._db.execute(
            "SELECT person FROM due WHERE hour = ? ORDER BY person LIMIT ?", (hour, _ROWS)
        ).fetchall():
            for (number,) in found:
                self._db.execute("DELETE FROM due WHERE hour = ? AND person = ?", (hour, number))
                yield number
        self._next = self._first_hour()

    def _note(self, hour: int, number: int) -> None:
        self._db.execute("INSERT OR IGNORE INTO due VALUES (?, ?)", (hour, number))
        if self._next is None or hour < self._next:
            self._next = hour
