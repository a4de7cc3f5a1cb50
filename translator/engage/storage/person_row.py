"""A person as a row of the state file: lines of JSON with a checksum.

The first line has the ids. Each definition has a line for its states and one for what was sent, so
that a message reads and writes the lines of only those definitions that it changes.
"""

from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import orjson

from translator.engage.computations.accumulators import Computation
from translator.engage.definitions import Definition
from translator.engage.people import ExternalId, Person, Sent

CHECKSUM_BYTES = 4


class DamagedRowError(ValueError):
    """A row of the state file is not what was written."""


class StoredValues(dict[str, Any]):
    """Values by key of a definition. Each is read from its line when it is used first.

    `get`, `setdefault` and `items` know the values that were not read yet. `lines` has their lines
    in the order of the definitions; a line is empty if there is no value or if it was read.
    """

    __slots__ = ("_places", "_read", "lines")

    def __init__(
        self, lines: list[bytes], places: dict[str, int], read: Callable[[str, Any], Any]
    ) -> None:
        super().__init__()
        self.lines = lines
        self._places = places
        self._read = read

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a definition."""
        place = self._places[key]
        line = self.lines[place]
        if line:
            self.lines[place] = b""
            value = self[key] = self._read(key, orjson.loads(line))
            return value
        return super().get(key, default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a definition, which is set if it is absent."""
        self.get(key)
        return super().setdefault(key, default)

    def items(self) -> Any:
        """All values."""
        for key in self._places:
            self.get(key)
        return super().items()


class PersonRows:
    """Writes and reads people who have states of these definitions."""

    def __init__(self, definitions: Sequence[Definition]) -> None:
        self._computations = {each.key: Computation(each) for each in definitions}
        self._keys = [each.key for each in definitions]
        self._places = {key: place for place, key in enumerate(self._keys)}

    def encode(self, person: Person) -> bytes:
        """The person without the number."""
        places = self._places
        head = [
            list(person.user_ids.values()),
            list(person.anonymous_ids.values()),
            # The times order addresses and have more than 64 bits.
            [[email, str(moment)] for email, moment in person.emails.items()],
            [[hour, [places[key] for key in keys]] for hour, keys in person.due.items()],
        ]
        states = self._lines(person.states, _states_json)
        sent = self._lines(person.sent, _sent_json)
        row = b"\n".join((orjson.dumps(head), *states, *sent))
        return row + crc32(row).to_bytes(CHECKSUM_BYTES)

    def decode(self, number: int, row: bytes) -> Person:
        """The person whom `encode` has written. Raises `DamagedRowError`."""
        text = row[:-CHECKSUM_BYTES]
        if crc32(text).to_bytes(CHECKSUM_BYTES) != row[-CHECKSUM_BYTES:]:
            raise DamagedRowError(f"the row of person {number} is damaged")
        head, *lines = text.split(b"\n")
        user_ids, anonymous_ids, emails, due = orjson.loads(head)
        person = Person(number)
        person.user_ids = {str(value): value for value in user_ids}
        person.anonymous_ids = {str(value): value for value in anonymous_ids}
        person.emails = {email: int(moment) for email, moment in emails}
        keys, places = self._keys, self._places
        for hour, due_places in due:
            person.due[hour] = dict.fromkeys([keys[place] for place in due_places])
        person.states = StoredValues(lines[: len(keys)], places, self._read_states)
        person.sent = StoredValues(lines[len(keys) :], places, _read_sent)
        return person

    def _lines(self, values: dict[str, Any], as_json: Callable[[Any], Any]) -> list[bytes]:
        """The line of each definition, which is empty if it has no value."""
        lines = values.lines.copy() if isinstance(values, StoredValues) else [b""] * len(self._keys)
        for key, value in dict.items(values):  # only those that were read
            lines[self._places[key]] = orjson.dumps(as_json(value))
        return lines

    def _read_states(self, key: str, written: list[Any]) -> Any:
        states = self._computations[key].new()
        for state, data in zip(states, written, strict=True):
            state.restore(data)
        return states


def _states_json(states: list[Any]) -> Any:
    return [state.as_json() for state in states]


def _sent_json(sent: dict[ExternalId, Sent]) -> Any:
    return [[*external, *last] for external, last in sent.items()]


def _read_sent(_: str, written: list[Any]) -> dict[ExternalId, Sent]:
    return {ExternalId(*each[:3]): Sent(*each[3:]) for each in written}
