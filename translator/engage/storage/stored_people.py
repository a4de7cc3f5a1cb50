"""People in the tables of a state file; only some are in memory at a time.

People are read in blocks, since a query for each one would cost more than the rest of a message.
Changes are kept in memory until `flush` writes them into the open transaction.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from translator.engage.people import People, Person
from translator.engage.storage.person_row import DamagedRowError, PersonRows

SCHEMA = """
CREATE TABLE IF NOT EXISTS people (number INTEGER PRIMARY KEY, row BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS ids (id TEXT PRIMARY KEY, person INTEGER NOT NULL) WITHOUT ROWID;
"""
ROWS = 500
"""The number of rows that one query reads."""


class StoredPeople(People):
    """People in the table `people`; `ids` has their ids.

    `in_memory` is the number of people who are kept in memory after `flush`.
    """

    def __init__(self, db: sqlite3.Connection, rows: PersonRows, in_memory: int) -> None:
        super().__init__()
        self._db = db
        self._rows = rows
        self._in_memory = in_memory
        self._changed: dict[int, Person] = {}
        self._new_ids: dict[str, int] = {}
        self._unknown_ids: set[str] = set()

    def after(self, number: int) -> Iterator[Person]:
        """The people with a larger number, in order."""
        self._write_changes()
        while found := self._db.execute(
            "SELECT number FROM people WHERE number > ? ORDER BY number LIMIT ?", (number, ROWS)
        ).fetchall():
            numbers = [each for (each,) in found]
            self.load_numbered(numbers)
            for each in numbers:
                person = self.numbered(each)
                if person is not None:
                    yield person
            number = numbers[-1]

    def load(self, ids: Iterable[str]) -> None:
        """Load the people with these ids, which are needed next."""
        missing = list(dict.fromkeys(id for id in ids if id not in self._by_id))
        self._unknown_ids.update(missing)
        for part in _parts(missing):
            sql = "SELECT id, person, row FROM ids LEFT JOIN people ON number = person WHERE id IN "
            for id, number, row in self._db.execute(sql + _marks(part), part):
                if row is not None and number not in self._by_number:
                    self._add_row(number, row)
                if id not in self._by_id:
                    raise DamagedRowError(f"person {number} does not have the id {id!r:.80}")
                self._unknown_ids.discard(id)

    def load_numbered(self, numbers: Iterable[int]) -> None:
        """Load the people with these numbers, which are needed next."""
        missing = [number for number in numbers if number not in self._by_number]
        for part in _parts(missing):
            sql = "SELECT number, row FROM people WHERE number IN "
            for number, row in self._db.execute(sql + _marks(part), part):
                self._add_row(number, row)

    def numbered(self, number: int) -> Person | None:
        """The person with a number; None if there is none, or no longer."""
        if number not in self._by_number:
            self.load_numbered([number])
        return self._by_number.get(number)

    def touch(self, person: Person) -> None:
        """Note that a person has changed."""
        self._changed[person.number] = person

    def flush(self) -> None:
        """Write the changes, and keep only some people in memory."""
        self._write_changes()
        self._unknown_ids.clear()
        excess = len(self._by_number) - self._in_memory
        if excess > 0:
            for person in list(islice(self._by_number.values(), excess + self._in_memory // 2)):
                del self._by_number[person.number]
                for key in (*person.user_ids, *person.anonymous_ids):
                    del self._by_id[key]

    def _write_changes(self) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO people VALUES (?, ?)",
            [(number, self._rows.encode(each)) for number, each in sorted(self._changed.items())],
        )
        self._changed.clear()
        self._db.executemany(
            "INSERT OR REPLACE INTO ids VALUES (?, ?)", sorted(self._new_ids.items())
        )
        self._new_ids.clear()

    def _add_row(self, number: int, row: bytes) -> None:
        person = self._by_number[number] = self._rows.decode(number, row)
        for key in person.user_ids:
            self._by_id[key] = person
        for key in person.anonymous_ids:
            self._by_id[key] = person

    def _find(self, key: str) -> Person | None:
        person = self._by_id.get(key)
        if person is None and key not in self._unknown_ids:
            self.load([key])
            person = self._by_id.get(key)
        return person

    def _link(self, key: str, person: Person) -> None:
        super()._link(key, person)
        self._new_ids[key] = person.number
        self._unknown_ids.discard(key)

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


def _parts(values: list[Any]) -> Iterator[list[Any]]:
    return (values[start : start + ROWS] for start in range(0, len(values), ROWS))


def _marks(values: list[Any]) -> str:
    return f"({','.join('?' * len(values))})"
