"""Engage: Segment messages in, and out come those that tell Mixpanel of traits and audiences.

State is kept for each person and definition and changed by each message; history is never read
again. Pure: the clock is an argument, and the same messages at the same times give the same output.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from translator.cloud.aliases import alias_ids
from translator.core.compiled_settings import compile_settings
from translator.core.errors import TranslationError
from translator.core.message import Message
from translator.core.operations import Json
from translator.core.rules import Rules
from translator.core.settings import Settings
from translator.core.values import check
from translator.engage.aggregates import HOUR_MS
from translator.engage.calendar import Calendar
from translator.engage.computations import Call, Computation
from translator.engage.definitions import Definition
from translator.engage.messages import messages
from translator.engage.people import ExternalId, People, Person, Sent

REMEMBERED = 100_000
"""How many messageIds are kept unless the caller wants another number."""

_MOMENTS = 1 << 40
"""Messages that can be told apart at the same millisecond."""

_PLAN = compile_settings(Settings(token="none"), Rules.documented())  # noqa: S106
"""A message is checked here as it is where it is translated; no setting plays a part in that."""


class Engage:
    """Computed traits and audiences of everybody who appears in the messages that it is given.

    `advance` and `take` want `now_ms`, milliseconds since 1970; a clock that goes back is taken to
    stand still. `remember`: how many messageIds are kept, to know a message that comes again.
    `ignored` counts, by definition, the events whose property was no number.
    """

    def __init__(self, definitions: Iterable[Definition], *, remember: int = REMEMBERED) -> None:
        self._remember = remember
        self._computations = {each.key: Computation(each) for each in definitions}
        self._people = People()
        self._calendar = Calendar()
        self._recent: dict[str | float, None] = {}
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
        """Let time pass: hourly updates, and first syncs of what was created meanwhile."""
        out: list[Json] = []
        while (due_ms := self._next_due()) is not None and due_ms <= now_ms:
            self._now_ms = due_ms
            if self._waiting and self._waiting[0][0] == due_ms:
                _, key = self._waiting.pop(0)
                self._waiting_keys.discard(key)
                out += self._first_sync(key)
            else:
                for key, person in sorted(self._calendar.pop(), key=lambda due: due[1].number):
                    if key in self._computations:
                        out += self._update(self._computations[key], person)
        self._now_ms = max(now_ms, now_ms if self._now_ms is None else self._now_ms)
        return out

    def take(self, message: Any, now_ms: int) -> list[Json]:
        """Take in a message that arrives now; the messages that it causes.

        Gives what `advance` to this moment gives first. Raises `TranslationError` for a message
        that cannot be used; it then changes nothing, and time does not pass.
        """
        now_ms = max(now_ms, now_ms if self._now_ms is None else self._now_ms)
        check(message)
        if type(message) is not dict:
            raise TranslationError("not_an_object", f"a message must be an object: {message!r:.80}")
        read = Message(message, _PLAN, now_ms)
        ids = alias_ids(read, _PLAN)[:2] if read.kind == "alias" else None
        if ids is None and read.user_id is None and read.anonymous_id is None:
            text = f"whose {read.kind} call this is nobody knows; send a userId or an anonymousId"
            raise TranslationError("missing_id", text)
        out = self.advance(now_ms)
        if not self._is_repeated(read.id):
            self._taken += 1
            out += self._heard(read, ids, now_ms)
        return out

    def _is_repeated(self, message_id: str | float | None) -> bool:
        if message_id is None:
            return False
        if message_id in self._recent:
            return True
        self._recent[message_id] = None
        if len(self._recent) > self._remember:
            del self._recent[next(iter(self._recent))]
        return False

    def _heard(self, read: Message, alias: tuple[Any, Any] | None, now_ms: int) -> Iterator[Json]:
        # A time that is still to come counts as now, as it does in Mixpanel.
        time_ms = now_ms if read.time_ms is None else min(read.time_ms, now_ms)
        moment = time_ms * _MOMENTS + self._taken
        person, changed = self._person(read, alias)
        for email in _emails(read):
            changed = person.saw_email(email, moment) or changed
        touched = list(self._computations.values()) if changed else []
        if read.kind == "track":
            call = Call(read.text_field("event"), read.object_field("properties"), time_ms, moment)
            hearing = self._hearing.get(call.event, ())
            for computation in hearing:
                self._hear(computation, person, call)
            touched = touched or list(hearing)
        for computation in touched:
            if computation.definition.key in self._waiting_keys:
                continue
            if computation.definition.hourly:
                self._calendar.add(now_ms // HOUR_MS + 1, computation.definition.key, person)
            else:
                yield from self._update(computation, person)

    def _person(self, read: Message, alias: tuple[Any, Any] | None) -> tuple[Person, bool]:
        """Whose message it is, and whether that person has another id than before."""
        if alias is not None:
            person, other = self._people.alias(*alias)
            if other is not None:
                self._merge(person, other)
            return person, True
        if read.user_id is not None:
            return self._people.user(read.user_id)
        return self._people.visitor(read.anonymous_id)

    def _merge(self, person: Person, other: Person) -> None:
        for key, readings in other.readings.items():
            if key in self._computations:
                mine = person.readings.setdefault(key, self._computations[key].new())
                self._computations[key].merge(mine, readings)
        for key, sent in other.sent.items():
            person.sent[key] = {**sent, **person.sent.get(key, {})}
        # What is due for the other is due for nobody: it has no ids any more.
        other.readings, other.sent = {}, {}
        other.user_ids = other.anonymous_ids = ()

    def _hear(self, computation: Computation, person: Person, call: Call) -> None:
        key = computation.definition.key
        readings = person.readings.get(key)
        if readings is None:
            readings = person.readings[key] = computation.new()
        if not computation.hear(readings, call, self._hour()):
            self.ignored[key] = self.ignored.get(key, 0) + 1

    def _update(self, computation: Computation, person: Person) -> Iterator[Json]:
        """Send a person's value for whichever external id it is news."""
        definition = computation.definition
        readings = person.readings.get(definition.key)
        value = computation.value(readings, self._hour())
        is_news = value is not None and value is not False
        if value is None:
            value = computation.empty
        if definition.hourly and readings is not None:
            next_hour = computation.next_change(readings, self._hour())
            if next_hour is not None:
                self._calendar.add(next_hour, definition.key, person)
        if not (person.known or definition.include_anonymous):
            return
        sent = person.sent.get(definition.key, {})
        for external in person.external_ids():
            last = sent.get(external)
            if last is None and not is_news:
                continue
            if last is not None and last.value == value:
                continue
            number = last.number + 1 if last and last.since_ms == self._clock() else 0
            sent[external] = Sent(value, self._clock(), number)
            yield from messages(definition, external, sent[external])
        if sent:
            person.sent[definition.key] = sent

    def _first_sync(self, key: str) -> Iterator[Json]:
        for person in self._people:
            yield from self._update(self._computations[key], person)

    def resync(self, key: str) -> list[Json]:
        """Send everybody's last value again: the same messages, with the same ids and times.

        Ids that were a visitor's and are a user's now are not among them.
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
        """Delete a definition. Nothing is sent: what is in Mixpanel stays there."""
        del self._computations[key]
        self._waiting = [item for item in self._waiting if item[1] != key]
        self._index()

    def sent_to(self, key: str) -> list[ExternalId]:
        """Every external id that was ever sent a value of this definition, deleted or not."""
        return [external for person in self._people for external in person.sent.get(key, {})]

    def _next_due(self) -> int | None:
        hour = self._calendar.next_hour()
        moments = [start for start, _ in self._waiting[:1]]
        return min([*moments, *([] if hour is None else [hour * HOUR_MS])], default=None)

    def _clock(self) -> int:
        assert self._now_ms is not None
        return self._now_ms

    def _hour(self) -> int:
        return self._clock() // HOUR_MS


def _first_sync(definition: Definition) -> int | None:
    """When a definition is sent for the first time: with a lookback window, at a full hour."""
    created = definition.created_ms
    if created is None or not definition.hourly:
        return created
    return -(-created // HOUR_MS) * HOUR_MS


def _emails(read: Message) -> Iterator[str]:
    """The addresses in a message, as Segment finds them: `traits.email`, `context.traits.email`."""
    traits = [read.context.get("traits")]
    if read.kind == "identify":
        traits.insert(0, read.raw.get("traits"))
    for source in traits:
        email = source.get("email") if type(source) is dict else None
        if type(email) is str and email.strip():
            yield email.strip()
