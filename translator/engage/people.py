"""People: their ids and e-mail addresses, and how an alias merges two people.

Only an alias merges two people: doc#using-engage-audiences-with-mixpanel says that anonymous users
must be merged with it. A message belongs to its userId, else to its anonymousId. An id is the same
person in either field, as in Mixpanel.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from translator.engage.computations import AccumulatorState

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

    `number` orders people by first appearance. `states` (of the accumulators) and `sent` (the last
    values) are by key of the definition.
    """

    __slots__ = ("anonymous_ids", "emails", "number", "sent", "states", "user_ids")

    def __init__(self, number: int) -> None:
        self.number = number
        self.user_ids: tuple[Any, ...] = ()
        self.anonymous_ids: tuple[Any, ...] = ()
        self.emails: dict[str, int] = {}
        self.states: dict[str, list[AccumulatorState]] = {}
        self.sent: dict[str, dict[ExternalId, Sent]] = {}

    @property
    def known(self) -> bool:
        """Whether the person has a userId or an e-mail address."""
        return bool(self.user_ids or self.emails)

    def external_ids(self) -> Iterator[ExternalId]:
        """The ids for which a call is sent, the latest address last.

        These are all userIds (all anonymousIds if there is no userId), each with every address.
        """
        emails: list[str | None] = [*sorted(self.emails, key=self.emails.__getitem__)] or [None]
        field = "userId" if self.user_ids else "anonymousId"
        for value in self.user_ids or self.anonymous_ids:
            for email in emails:
                yield ExternalId(field, value, email)

    def add_email(self, email: str, moment: int) -> bool:
        """Add an address. True if it is new."""
        is_new = email not in self.emails
        self.emails[email] = max(moment, self.emails.get(email, moment))
        if len(self.emails) > MAX_EMAILS:
            self._drop_email(min(self.emails, key=self.emails.__getitem__))
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
        self._users: set[str] = set()
        self._count = 0

    def __iter__(self) -> Iterator[Person]:
        """All people, in order of first appearance."""
        return iter(sorted(set(self._by_id.values()), key=lambda person: person.number))

    def user(self, value: Any) -> tuple[Person, bool]:
        """The person with this userId, and whether the id is new."""
        if str(value) in self._users:
            return self._by_id[str(value)], False
        person = self._by_id.get(str(value)) or self._new()
        self._add_user(person, value)
        return person, True

    def visitor(self, value: Any) -> tuple[Person, bool]:
        """The person with this anonymousId, and whether the id is new."""
        person = self._by_id.get(str(value))
        if person is not None:
            return person, False
        person = self._new()
        self._add_visitor(person, value)
        return person, True

    def alias(self, previous: Any, user: Any) -> tuple[Person, Person | None]:
        """Give the previous id to the person with this userId. Returns it and the merged person."""
        person, _ = self.user(user)
        other = self._by_id.get(str(previous))
        if other is None:
            self._add_visitor(person, previous)
        if other is None or other is person:
            return person, None
        for value in other.user_ids:
            self._add_user(person, value)
        for value in other.anonymous_ids:
            self._add_visitor(person, value)
        for email, moment in other.emails.items():
            person.add_email(email, moment)
        person.number = min(person.number, other.number)
        return person, other

    def _new(self) -> Person:
        self._count += 1
        return Person(self._count)

    def _add_user(self, person: Person, value: Any) -> None:
        key = str(value)
        self._users.add(key)
        self._by_id[key] = person
        person.user_ids += (value,)
        person.anonymous_ids = tuple(each for each in person.anonymous_ids if str(each) != key)

    def _add_visitor(self, person: Person, value: Any) -> None:
        self._by_id[str(value)] = person
        person.anonymous_ids += (value,)
