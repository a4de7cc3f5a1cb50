"""Engage: takes Segment messages, gives the messages that send traits and audiences to Mixpanel.

Each message updates the state of a person and definition; history is never read again. The engine
is pure: time is an argument, and the same messages at the same times give the same output.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from translator.core.message import Message
from translator.core.operations import Json
from translator.core.values.json_values import check
from translator.engage.calendar import Calendar
from translator.engage.computations.accumulators import Computation, TrackCall
from translator.engage.computations.parts import HOUR_MS
from translator.engage.definitions import Definition
from translator.engage.incoming import CheckedMessage, checked, emails, ids
from translator.engage.messages import messages
from translator.engage.people import ExternalId, People, Person, Sent
from translator.engage.recent_ids import RecentIds

REMEMBERED = 100_000
"""The default number of messageIds that are remembered."""

_MOMENTS = 1 << 40
"""Maximum number of messages of one millisecond that keep their order."""


class Engage:
    """Computed traits and audiences of all people in the messages that it takes.

    `now_ms` of `advance` and `take` is in milliseconds since 1970; if it goes back, the last time
    holds. `remember` is the number of messageIds that are kept to recognise repeated messages.
    `ignored` counts, by definition, the events whose property was not a number. `people` and
    `calendar` are empty and in memory, or those of a state file.
    """

    def __init__(
        self,
        definitions: Iterable[Definition],
        *,
        remember: int = REMEMBERED,
        people: People | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        self._computations = {each.key: Computation(each) for each in definitions}
        self._people = People() if people is None else people
        self._calendar = Calendar(self._people) if calendar is None else calendar
        self.recent = RecentIds(remember)
        self._taken = 0
        self._now_ms: int | None = None
        self.ignored: dict[str, int] = {}
        self._waiting = sorted(
            (start, each.definition.key)
            for each in self._computations.values()
            if (start := _first_sync(each.definition)) is not None
        )
        self._waiting_keys = {key for _, key in self._waiting}
        self._index()

    def _index(self) -> None:
        self._hearing: dict[str, list[Computation]] = {}
        for computation in self._computations.values():
            for event in sorted(computation.events):
                self._hearing.setdefault(event, []).append(computation)

    def advance(self, now_ms: int) -> list[Json]:
        """Let time pass: hourly updates, and the first sync of definitions created meanwhile."""
        return [message for made in self.advance_in_steps(now_ms) for message in made]

    def advance_in_steps(self, now_ms: int) -> Iterator[list[Json]]:
        """Let time pass, person by person: each step is the messages of one person."""
        while (due_ms := self._next_due()) is not None and due_ms <= now_ms:
            self._now_ms = due_ms
            if self._waiting and self._waiting[0][0] == due_ms:
                yield from self._first_sync(self._waiting[0][1])
                _, key = self._waiting.pop(0)
                self._waiting_keys.discard(key)
            else:
                for keys, person in self._calendar.pop():
                    yield [
                        message
                        for key in keys
                        if key in self._computations
                        for message in self._update(self._computations[key], person)
                    ]
        self._now_ms = now_ms if self._now_ms is None else max(now_ms, self._now_ms)

    def take(self, message: Any, now_ms: int) -> list[Json]:
        """Process a message that arrives now. Returns the messages that it causes.

        The messages that `advance` to this time gives come first. Raises `TranslationError` for an
        invalid message, which changes nothing.
        """
        check(message)
        checked = self.checked(message, now_ms)
        return [*self.advance(checked.now_ms), *self.apply(checked)]

    def load_people(self, messages: Iterable[Any]) -> None:
        """Load the people of the next messages together, which is faster than one by one."""
        self._people.load(ids(messages))

    def checked(self, message: Any, now_ms: int) -> CheckedMessage:
        """A valid message that arrives now; changes nothing.

        The message must be JSON (`check`). Raises `TranslationError` for an invalid one.
        """
        if self._now_ms is not None and now_ms < self._now_ms:
            now_ms = self._now_ms
        return checked(message, now_ms)

    def apply(self, checked: CheckedMessage) -> list[Json]:
        """The messages that a message causes, after `advance` to its time of arrival."""
        read, alias, now_ms = checked
        if read.id is not None and self.recent.is_repeated(read.id):
            return []
        self._taken += 1
        # A future time counts as now, as it does in Mixpanel.
        time_ms = now_ms if read.time_ms is None else min(read.time_ms, now_ms)
        moment = time_ms * _MOMENTS + self._taken
        person, changed = self._person(read, alias)
        for email in emails(read):
            changed = person.add_email(email, moment) or changed
            self._people.touch(person)
        touched: Iterable[Computation] = self._computations.values() if changed else ()
        if read.kind == "track":
            event = read.text_field("event")
            hearing = self._hearing.get(event)
            if hearing is not None:
                call = TrackCall(event, read.object_field("properties"), time_ms, moment)
                for computation in hearing:
                    self._add_call(computation, person, call)
                touched = touched or hearing
        out: list[Json] = []
        if touched:
            self._people.touch(person)
        for computation in touched:
            if computation.key in self._waiting_keys:
                continue
            if computation.hourly:
                self._calendar.add(now_ms // HOUR_MS + 1, computation.key, person)
            else:
                out += self._update(computation, person)
        return out

    def _person(self, read: Message, alias: tuple[Any, Any] | None) -> tuple[Person, bool]:
        """The person of a message, and whether the person got a new id."""
        if alias is not None:
            person, other = self._people.alias(*alias)
            if other is not None:
                self._merge(person, other)
            return person, True
        if read.user_id is not None:
            return self._people.user(read.user_id)
        return self._people.visitor(read.anonymous_id)

    def _merge(self, person: Person, other: Person) -> None:
        for key, states in other.states.items():
            if key in self._computations:
                mine = person.states.setdefault(key, self._computations[key].new())
                self._computations[key].merge(mine, states)
        for key, sent in other.sent.items():
            person.sent[key] = {**sent, **person.sent.get(key, {})}
        # Updates of the other person are scheduled again, because the person has new ids.
        self._calendar.move(person)

    def _add_call(self, computation: Computation, person: Person, call: TrackCall) -> None:
        states = person.states.get(computation.key)
        if states is None:
            states = person.states[computation.key] = computation.new()
        if not computation.add_call(states, call, self._hour()):
            self.ignored[computation.key] = self.ignored.get(computation.key, 0) + 1

    def _update(self, computation: Computation, person: Person) -> list[Json]:
        """Send a person's value for each external id that does not have it yet."""
        key, definition = computation.key, computation.definition
        states = person.states.get(key)
        now_ms = self._clock()
        hour = now_ms // HOUR_MS
        value = computation.value(states, hour)
        is_news = value is not None and value is not False
        if value is None:
            value = computation.empty
        if computation.hourly and states is not None:
            next_hour = computation.next_change(states, hour)
            if next_hour is not None:
                self._calendar.add(next_hour, key, person)
        sent = person.sent.get(key)
        if not (is_news or sent) or not (person.known or definition.include_anonymous):
            return []
        sent = person.sent.setdefault(key, {})
        out: list[Json] = []
        for external in person.external_ids():
            last = sent.get(external)
            if (not is_news) if last is None else last.value == value:
                continue
            number = last.number + 1 if last and last.since_ms == now_ms else 0
            sent[external] = told = Sent(value, now_ms, number)
            out += messages(definition, external, told)
        return out

    def _first_sync(self, key: str) -> Iterator[list[Json]]:
        for person in self._people:
            self._people.touch(person)
            yield self._update(self._computations[key], person)

    def resync(self, key: str) -> list[Json]:
        """Send the last value of every person again: the same messages, ids and times.

        Anonymous ids of people who have a userId now are left out.
        """
        definition = self._computations[key].definition
        return [
            message
            for person in self._people
            for sent in [person.sent.get(key, {})]
            for external in person.external_ids()
            if external in sent
            for message in messages(definition, external, sent[external])
        ]

    def delete(self, key: str) -> None:
        """Delete a definition. Nothing is sent: its property stays in Mixpanel."""
        del self._computations[key]
        self._waiting = [item for item in self._waiting if item[1] != key]
        self._index()

    def sent_to(self, key: str) -> list[ExternalId]:
        """Every external id for which a value of this definition was ever sent, deleted or not."""
        return [external for person in self._people for external in person.sent.get(key, {})]

    def progress(self) -> Json:
        """The rest of the state as JSON: all but people, calendar and recent messageIds."""
        return {
            "taken": self._taken,
            "now_ms": self._now_ms,
            "ignored": self.ignored,
            "waiting": self._waiting,
            "people": self._people.count,
        }

    def restore(self, progress: Json) -> None:
        """Continue from what `progress` has given."""
        self._taken, self._now_ms = progress["taken"], progress["now_ms"]
        self.ignored = progress["ignored"]
        self._waiting = [(start, key) for start, key in progress["waiting"]]
        self._waiting_keys = {key for _, key in self._waiting}
        self._people.count = progress["people"]

    def _next_due(self) -> int | None:
        hour = self._calendar.next_hour()
        hour_ms = None if hour is None else hour * HOUR_MS
        start_ms = self._waiting[0][0] if self._waiting else None
        if hour_ms is None or start_ms is None:
            return start_ms if hour_ms is None else hour_ms
        return min(hour_ms, start_ms)

    def _clock(self) -> int:
        assert self._now_ms is not None
        return self._now_ms

    def _hour(self) -> int:
        return self._clock() // HOUR_MS


def _first_sync(definition: Definition) -> int | None:
    """The time of the first sync of a definition; with a lookback window a full hour."""
    created = definition.created_ms
    if created is None or not definition.hourly:
        return created
    return -(-created // HOUR_MS) * HOUR_MS
