"""A person as a row of the state file: JSON text with a checksum."""

from collections.abc import Sequence
from zlib import crc32

import orjson

from translator.engage.computations import Computation
from translator.engage.definitions import Definition
from translator.engage.people import ExternalId, Person, Sent

CHECKSUM_BYTES = 4


class DamagedRowError(ValueError):
    """A row of the state file is not what was written."""


class PersonJson:
    """Writes and reads people who have states of these definitions."""

    def __init__(self, definitions: Sequence[Definition]) -> None:
        self._computations = [Computation(each) for each in definitions]
        self._keys = [each.key for each in definitions]
        self._places = {key: place for place, key in enumerate(self._keys)}

    def encode(self, person: Person) -> bytes:
        """The person without the number."""
        places = self._places
        text = orjson.dumps(
            [
                list(person.user_ids.values()),
                list(person.anonymous_ids.values()),
                # The times order addresses and have more than 64 bits.
                [[email, str(moment)] for email, moment in person.emails.items()],
                [[hour, [places[key] for key in keys]] for hour, keys in person.due.items()],
                [
                    [places[key], [state.as_json() for state in states]]
                    for key, states in person.states.items()
                ],
                [
                    [places[key], [[*external, *last] for external, last in sent.items()]]
                    for key, sent in person.sent.items()
                ],
            ]
        )
        return text + crc32(text).to_bytes(CHECKSUM_BYTES)

    def decode(self, number: int, row: bytes) -> Person:
        """The person whom `encode` has written. Raises `DamagedRowError`."""
        text = row[:-CHECKSUM_BYTES]
        if crc32(text).to_bytes(CHECKSUM_BYTES) != row[-CHECKSUM_BYTES:]:
            raise DamagedRowError(f"the row of person {number} is damaged")
        user_ids, anonymous_ids, emails, due, states, sent = orjson.loads(text)
        person = Person(number)
        person.user_ids = {str(value): value for value in user_ids}
        person.anonymous_ids = {str(value): value for value in anonymous_ids}
        person.emails = {email: int(moment) for email, moment in emails}
        person.due = {
            hour: dict.fromkeys(self._keys[place] for place in places) for hour, places in due
        }
        for place, written in states:
            made = self._computations[place].new()
            for state, data in zip(made, written, strict=True):
                state.restore(data)
            person.states[self._keys[place]] = made
        for place, values in sent:
            person.sent[self._keys[place]] = {
                ExternalId(*each[:3]): Sent(*each[3:]) for each in values
            }
        return person
