"""The messages are the same as those of a slow Engage, which computes from all of history again."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import times
from tests.translator.engage.build import DAY, HOUR, T0, track
from tests.translator.engage.computations.test_accumulators import (
    conditions,
    from_history,
    trait_from_history,
    traits,
)
from tests.translator.engage.test_schedule import definitions, groups, nothing
from translator.core.values.timestamps import parse
from translator.engage import Audience, Engage, definitions_from_json
from translator.engage.computations.accumulators import TrackCall

Json = dict[str, Any]

USERS, VISITORS = ("u", "v"), ("a", "b")
END = T0 + 8 * DAY

arrivals = st.lists(
    st.tuples(
        st.integers(0, 4 * DAY),
        st.sampled_from([0, 0, 0, HOUR, DAY]),
        st.sampled_from(["X", "X", "Y", "Z", "alias"]),
        st.sampled_from(USERS),
        st.sampled_from([None, None, *VISITORS]),
        st.sampled_from([1, 0.5, 0.1, 7, "no"]),
    ),
    max_size=25,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


class KnownPerson:
    """A person of the slow Engage: ids, every call, and the last value sent by (key, id)."""

    def __init__(self) -> None:
        self.users: list[str] = []
        self.calls: list[TrackCall] = []
        self.sent: dict[tuple[str, str], Any] = {}


class SlowEngage:
    """Keeps every call; at each message and at each full hour it computes every value again."""

    def __init__(self, defined: Any) -> None:
        self.defined = defined
        self.people: dict[str, KnownPerson] = {}
        self.made: list[tuple[int, str, str, Any]] = []

    def take(self, message: Json, number: int, now_ms: int) -> None:
        """A track call of a user or visitor, or an alias of both."""
        is_alias = message["type"] == "alias"
        identity = message.get("userId") or message["anonymousId"]
        person = self.people.setdefault(identity, KnownPerson())
        if message.get("userId") and identity not in person.users:
            person.users.append(identity)
        if is_alias:
            previous = message["previousId"]
            other = self.people.get(previous, person)
            if other is not person:
                person.users += other.users
                person.calls += other.calls
                person.sent = {**other.sent, **person.sent}
            for each in (previous, *(key for key, who in self.people.items() if who is other)):
                self.people[each] = person
        else:
            at = message["timestamp"]
            call = TrackCall(message["event"], message["properties"], at, (at << 40) + number)
            person.calls.append(call)
        self._send([person], now_ms, hourly=False)

    def hour(self, now_ms: int) -> None:
        """A full hour."""
        self._send(list(set(self.people.values())), now_ms, hourly=True)

    def _send(self, people: list[KnownPerson], now_ms: int, *, hourly: bool) -> None:
        for person in people:
            for each in self.defined:
                if each.hourly is not hourly:
                    continue
                value = computed(each, person.calls, now_ms)
                is_new = value is not None and value is not False
                value = nothing(each) if value is None else value
                for user in person.users:
                    last = person.sent.get((each.key, user), "never")
                    if last != value and (last != "never" or is_new):
                        person.sent[each.key, user] = value
                        self.made.append((now_ms, user, each.key, value))


def computed(definition: Any, calls: list[TrackCall], now_ms: int) -> Any:
    """The value from all of history; None if there is nothing to compute a trait from."""
    end_ms = now_ms - now_ms % HOUR
    moved = [
        call._replace(time_ms=call.time_ms - (end_ms - T0))  # the functions read it at T0
        for call in calls
    ]
    if isinstance(definition, Audience):
        return all(any(from_history(each, moved) for each in group) for group in definition.groups)
    return trait_from_history(definition, moved)


def message_of(row: Any) -> Json:
    """The message of a drawn row."""
    offset, late, what, user, visitor, number = row
    at = T0 + offset - late
    if what == "alias":
        previous = visitor or USERS[user == USERS[0]]
        return {"type": "alias", "previousId": previous, "userId": user, "timestamp": at}
    who = {"userId": user} if visitor is None else {"userId": None, "anonymousId": visitor}
    return {**track(what, at), "properties": {"n": number}, **who}


def sent(messages: list[Json]) -> list[tuple[int | None, str, str, Any]]:
    """Time, id, key and value of identify calls, in an order that does not tell people apart."""
    return sorted(
        (parse(each["timestamp"]), each["userId"], *next(iter(each["traits"].items())))
        for each in messages
    )


@settings(max_examples=times(12, 120), deadline=None)
@given(groups, traits, traits, conditions, arrivals)
def test_incremental_computation_is_recomputation(
    audience: list[list[Any]],
    trait: Json,
    other_trait: Json,
    condition: Json,
    rows: list[Any],
) -> None:
    """Engage sends what a slow Engage sends, at the same times to the same ids."""
    data = definitions(audience, trait)
    data["computed_traits"].append({"name": "Other", "event": "X", **other_trait})
    data["audiences"].append({"name": "One", "users_who": [condition]})
    defined = definitions_from_json(data)
    engage, slow = Engage(defined), SlowEngage(defined)
    made: list[Json] = []
    hour = T0
    for number, row in enumerate(rows):
        now_ms = T0 + row[0]
        while hour <= now_ms:
            slow.hour(hour)
            hour += HOUR
        made += engage.take(message_of(row), now_ms)
        slow.take(message_of(row), number, now_ms)
    while hour <= END:
        slow.hour(hour)
        hour += HOUR
    made += engage.advance(END)
    assert sent(made) == sorted(slow.made)
