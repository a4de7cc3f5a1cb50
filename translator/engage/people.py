"""People: their ids and e-mail addresses, and how an alias merges two people.

Only an alias merges two people: doc#using-engage-audiences-with-mixpanel says that anonymous users
must be merged with it. A message belongs to its userId, else to its anonymousId. An id is the same
person in either field, as in Mixpanel.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from translator.engage.computations.aggregates import AccumulatorState

MAX_EMAILS = 50
"""The largest number of e-mail addresses of a person; the oldest one is dropped."""


class ExternalId(NamedTuple):
    """An id for which a call is sent: `field` is `userId` or `anonymousId`.

    `email` is the address in the call; None if the person has no address.
    """

    field: str
    id: Any
    email: str | None


class Sent(NamedTuple):
    """The last value that was sent, and the time at which it changed (milliseconds since 1970).

    `number` counts the changes at that millisecond, from 0.
    """

    value: float | bool | None
    since_ms: int
    number: int = 0


class Person:
    """The state of one person.

    `number` orders people by first appearance. `user_ids` and `anonymous_ids` hold each id as it
    was first seen, by its text. `emails`: the time at which each address was seen last.
    `states` (of the accumulators) and `sent` (the last values) are by key of the definition.
    `due`: the definitions to update, by the hour (since 1970) at which they can change.
    """

    __slots__ = (
        "_external_ids",
        "anonymous_ids",
        "due",
        "emails",
        "number",
        "sent",
        "states",
        "user_ids",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.user_ids: dict[str, Any] = {}
        self.anonymous_ids: dict[str, Any] = {}
        self.emails: dict[str, int] = {}
        self.states: dict[str, list[AccumulatorState]] = {}
        self.sent: dict[str, dict[ExternalId, Sent]] = {}
        self.due: dict[int, dict[str, None]] = {}
        self._external_ids: list[ExternalId] | None = None

    @property
    def known(self) -> bool:
        """Whether the person has a userId or an e-mail address."""
        return bool(self.user_ids or self.emails)

    def external_ids(self) -> list[ExternalId]:
        """The ids for which a call is sent, the latest address last.

        These are all userIds (all anonymousIds if there is no userId), each with every address.
        """
        if self._external_ids is None:
            emails: list[str | None] = [*sorted(self.emails, key=self.emails.__getitem__)]
            field, ids = (
                ("userId", self.user_ids) if self.user_ids else ("anonymousId", self.anonymous_ids)
            )
            self._external_ids = [
                ExternalId(field, value, email)
                for value in ids.values()
                for email in emails or [None]
            ]
        return self._external_ids

    def add_user_id(self, key: str, value: Any) -> None:
        """Add a userId; an anonymousId with this text is one no longer."""
        self.user_ids[key] = value
        self.anonymous_ids.pop(key, None)
        self._external_ids = None

    def add_anonymous_id(self, key: str, value: Any) -> None:
        """Add an anonymousId."""
        self.anonymous_ids[key] = value
        self._external_ids = None

    def add_email(self, email: str, moment: int) -> bool:
        """Add an address. True if it is new."""
        is_new = email not in self.emails
        self.emails[email] = max(moment, self.emails.get(email, moment))
        if len(self.emails) > MAX_EMAILS:
            self._drop_email(min(self.emails, key=self.emails.__getitem__))
        self._external_ids = None
        return is_new

    def _drop_email(self, email: str) -> None:
        del self.emails[email]
        for key, sent in self.sent.items():
            kept = {external: last for external, last in sent.items() if external.email != email}
            self.sent[key] = kept


class People:
    """All people by id. A number and its digits are the same id, as in Mixpanel."""

    def __init__(self) -> None:
        self._by_id: dict[str, Person] = {}
        self._by_number: dict[int, Person] = {}
        self.count = 0
        """The number of people so far, including people who were merged into others."""

    def __iter__(self) -> Iterator[Person]:
        """All people, in order of first appearance."""
        return self.after(0)

    def after(self, number: int) -> Iterator[Person]:
        """The people with a larger number, in order."""
        for each in sorted(self._by_number):
            if each > number:
                yield self._by_number[each]

    def load(self, ids: Iterable[str]) -> None:
        """Load the people with these ids, which are needed next."""

    def numbered(self, number: int) -> Person | None:
        """The person with a number; None if it does not exist, or no longer."""
        return self._by_number.get(number)

    def user(self, value: Any) -> tuple[Person, bool]:
        """The person with this userId, and whether the id is new."""
        key = str(value)
        person = self._find(key)
        if person is not None and key in person.user_ids:
            return person, False
        person = person or self._new()
        person.add_user_id(key, value)
        self._link(key, person)
        return person, True

    def visitor(self, value: Any) -> tuple[Person, bool]:
        """The person with this anonymousId, and whether the id is new."""
        key = str(value)
        person = self._find(key)
        if person is not None:
            return person, False
        person = self._new()
        person.add_anonymous_id(key, value)
        self._link(key, person)
        return person, True

    def alias(self, previous: Any, user: Any) -> tuple[Person, Person | None]:
        """Give the previous id to the person with this userId.

        Returns that person, and the one that is merged into it and has ceased to exist.
        """
        person, _ = self.user(user)
        key = str(previous)
        other = self._find(key)
        if other is None:
            person.add_anonymous_id(key, previous)
            self._link(key, person)
        if other is None or other is person:
            return person, None
        self._replace(person, other)
        for key, value in other.user_ids.items():
            person.add_user_id(key, value)
            self._link(key, person)
        for key, value in other.anonymous_ids.items():
            person.add_anonymous_id(key, value)
            self._link(key, person)
        for email, moment in other.emails.items():
            person.add_email(email, moment)
        return person, other

    def touch(self, person: Person) -> None:
        """Note that a person has changed."""

    def _find(self, key: str) -> Person | None:
        return self._by_id.get(key)

    def _link(self, key: str, person: Person) -> None:
        self._by_id[key] = person

    def _new(self) -> Person:
        self.count += 1
        person = self._by_number[self.count] = Person(self.count)
        return person

    def _replace(self, person: Person, other: Person) -> None:
        """Remove the other person; the person gets the smaller of both numbers."""
        del self._by_number[person.number], self._by_number[other.number]
        person.number = min(person.number, other.number)
        self._by_number[person.number] = person
