"""Whoever changes is looked at in time: what was sent last is what all of history says."""

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
from translator.engage import Audience, ComputedTrait, Engage, definitions_from_json
from translator.engage.computations.accumulators import TrackCall

arrivals = st.lists(
    st.tuples(
        st.integers(0, 5 * DAY),
        st.sampled_from([0, 0, 0, HOUR, DAY]),
        st.sampled_from("XXYZ"),
        st.sampled_from("uv"),
        st.sampled_from([1, 0.5, "no"]),
    ),
    max_size=20,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))
groups = st.lists(st.lists(conditions, min_size=1, max_size=2), min_size=1, max_size=2)


def definitions(audience: list[list[Any]], trait: dict[str, Any]) -> Any:
    members = [{"any": group} for group in audience]
    return {
        "computed_traits": [{"name": "T", "event": "X", **trait}],
        "audiences": [{"name": "A", "users_who": members}],
    }


@settings(max_examples=times(25, 200), deadline=None)
@given(groups, traits, arrivals)
def test_what_was_sent_last_is_right(
    audience: list[list[Any]], trait: dict[str, Any], events: list[Any]
) -> None:
    """At any full hour everybody has been sent their value, and no value twice in a row."""
    defined = definitions_from_json(definitions(audience, trait))
    engage = Engage(defined)
    sent: dict[Any, Any] = {}
    history: dict[str, list[TrackCall]] = {}
    waiting = list(enumerate(events))
    for hour in range(1, 9 * 24):
        now_ms = T0 + hour * HOUR
        made = []
        while waiting and T0 + waiting[0][1][0] < now_ms:
            number, (offset, late, event, user, n) = waiting.pop(0)
            at = T0 + offset
            made += engage.take(track(event, at - late, user, properties={"n": n}), at)
            call = TrackCall(event, {"n": n}, at - late, ((at - late) << 40) + number)
            history.setdefault(user, []).append(call)
        made += engage.advance(now_ms)
        for message in made:
            [(key, value)] = message["traits"].items()
            assert sent.get((message["userId"], key), "nothing") != value
            sent[message["userId"], key] = value
        for user, calls in history.items():
            for each in defined:
                expected = value_at(each, calls, now_ms)
                assert sent.get((user, each.key), nothing(each)) == expected


def nothing(definition: Audience | ComputedTrait) -> Any:
    """What an id holds that was never sent anything."""
    if isinstance(definition, Audience):
        return False
    return 0 if definition.computation in ("event_counter", "sum") else None


def value_at(definition: Audience | ComputedTrait, calls: list[TrackCall], now_ms: int) -> Any:
    """The value that all of history gives at a full hour."""
    moved = [
        call._replace(time_ms=call.time_ms - (now_ms - T0))  # the oracle's now is T0
        for call in calls
    ]
    if isinstance(definition, Audience):
        return all(any(from_history(each, moved) for each in group) for group in definition.groups)
    value = trait_from_history(definition, moved)
    return nothing(definition) if value is None else value
