"""What is kept is enough: the same values as from all of history, in whatever order it comes."""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import times
from tests.translator.engage.build import DAY, HOUR, T0
from translator.engage import Audience, ComputedTrait, definitions_from_json
from translator.engage.computations.accumulators import Computation, TrackCall
from translator.engage.definitions import Condition

Calls = list[TrackCall]

offsets = st.integers(-4 * DAY, -1)
calls = st.lists(
    st.tuples(st.sampled_from("XY"), offsets, st.sampled_from([0.1, 0.2, 3, "4", "no", None])),
    max_size=25,
).map(
    lambda rows: [
        TrackCall(event, {"n": number}, T0 + offset, ((T0 + offset) << 40) + index)
        for index, (event, offset, number) in enumerate(rows)
    ]
)
conditions = st.builds(
    lambda did, at_least, days, then: {
        ("performed" if did or then else "did_not_perform"): "X",
        "at_least": at_least,
        **({"within_days": days} if days else {}),
        **({"then": {then: "Y"}} if then else {}),
    },
    st.booleans(),
    st.integers(1, 4),
    st.sampled_from([None, 1, 2, 3]),
    st.sampled_from([None, "performed", "did_not_perform"]),
)
traits = st.builds(
    lambda computation, days: {
        "computation": computation,
        **({} if computation == "event_counter" else {"property": "n"}),
        **({"lookback_days": days} if days else {}),
    },
    st.sampled_from(["event_counter", "sum", "min", "max", "average"]),
    st.sampled_from([None, 1, 2, 3]),
)


def in_window(history: Calls, days: int | None) -> Calls:
    return [call for call in history if days is None or call.time_ms >= T0 - days * DAY]


def from_history(condition: Condition, history: Calls) -> bool:
    """The condition, read from everything that happened."""
    found = [call for call in in_window(history, condition.days) if call.event == "X"]
    if condition.then is None:
        return (len(found) >= condition.at_least) is not condition.negated
    followers = [call.moment for call in history if call.event == "Y"]
    followed = [call for call in found if any(call.moment < other for other in followers)]
    count = len(found) - len(followed) if condition.then_negated else len(followed)
    return count >= condition.at_least


def number(value: Any) -> Decimal | None:
    return None if value in (None, "no") else Decimal(str(value))


def trait_from_history(trait: ComputedTrait, history: Calls) -> float | None:
    found = [call for call in in_window(history, trait.days) if call.event == "X"]
    if trait.computation == "event_counter":
        return len(found) or None
    numbers = [each for call in found if (each := number(call.properties["n"])) is not None]
    if not numbers:
        return None
    compute: dict[str, Callable[[], Decimal]] = {
        "sum": lambda: sum(numbers, Decimal(0)),
        "min": lambda: min(numbers),
        "max": lambda: max(numbers),
        "average": lambda: sum(numbers, Decimal(0)) / len(numbers),
    }
    return float(compute[trait.computation]())


def read(computation: Computation, history: Calls) -> list[Any]:
    states = computation.new()
    for call in history:
        computation.add_call(states, call, T0 // HOUR)
    return states


@settings(max_examples=times(50, 600), deadline=None)
@given(conditions, calls)
def test_conditions(item: dict[str, Any], history: Calls) -> None:
    """A condition holds if and only if it does in the whole history."""
    [definition] = definitions_from_json({"audiences": [{"name": "A", "users_who": [item]}]})
    assert isinstance(definition, Audience)
    computation = Computation(definition)
    expected = from_history(definition.groups[0][0], history)
    assert computation.value(read(computation, history), T0 // HOUR) == expected


@settings(max_examples=times(50, 600), deadline=None)
@given(traits, calls)
def test_traits(item: dict[str, Any], history: Calls) -> None:
    """A computed trait has the value that it has over the whole history."""
    [definition] = definitions_from_json({"computed_traits": [{"name": "A", "event": "X", **item}]})
    assert isinstance(definition, ComputedTrait)
    computation = Computation(definition)
    expected = trait_from_history(definition, history)
    assert computation.value(read(computation, history), T0 // HOUR) == expected


@settings(max_examples=times(40, 400), deadline=None)
@given(st.one_of(conditions, traits), calls, st.data())
def test_order_and_merging(item: dict[str, Any], history: Calls, data: st.DataObject) -> None:
    """Neither the order of arrival nor a merge of two people changes a value."""
    if "computation" in item:
        definitions: Any = {"computed_traits": [{"name": "A", "event": "X", **item}]}
    else:
        definitions = {"audiences": [{"name": "A", "users_who": [item]}]}
    computation = Computation(definitions_from_json(definitions)[0])
    expected = computation.value(read(computation, history), T0 // HOUR)
    shuffled = data.draw(st.permutations(history))
    cut = data.draw(st.integers(0, len(history)))
    one, two = read(computation, shuffled[:cut]), read(computation, shuffled[cut:])
    computation.merge(one, two)
    assert computation.value(one, T0 // HOUR) == expected


@settings(max_examples=times(40, 400), deadline=None)
@given(
    st.sampled_from(["sum", "min", "max", "average"]),
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from([0.1, 0.2, 3, "4"])), min_size=2),
    st.lists(st.integers(1, 40), min_size=1, max_size=6).map(sorted),
)
def test_what_leaves_a_window(
    computation: str, numbers: list[tuple[int, Any]], hours: list[int]
) -> None:
    """While hours pass, the value is always that of the events that are still in the window."""
    item = {"name": "A", "event": "X", "computation": computation, "property": "n"}
    [trait] = definitions_from_json({"computed_traits": [{**item, "lookback_days": 1}]})
    assert isinstance(trait, ComputedTrait)
    history = [
        TrackCall("X", {"n": number}, T0 - ago * HOUR, index)
        for index, (ago, number) in enumerate(numbers)
    ]
    reader = Computation(trait)
    states = read(reader, history)
    for hour in hours:
        moved = [call._replace(time_ms=call.time_ms - hour * HOUR) for call in history]
        expected = trait_from_history(trait, moved)
        assert reader.value(states, T0 // HOUR + hour) == expected


@pytest.mark.parametrize("then", [{}, {"then": {"performed": "Y"}}], ids=["alone", "then"])
def test_windows_pass_hour_by_hour(then: dict[str, Any]) -> None:
    """What leaves a window does so at the hour that was foretold, and at no other."""
    condition = {"performed": "X", "within_days": 2, **then}
    definitions = {"audiences": [{"name": "A", "users_who": [condition]}]}
    computation = Computation(definitions_from_json(definitions)[0])
    at = T0 + HOUR // 2
    history = [TrackCall("X", {}, at, at << 40), TrackCall("Y", {}, at + 1, (at + 1) << 40)]
    states = read(computation, history)
    first = T0 // HOUR + 1
    values = [computation.value(read(computation, history), first + hour) for hour in range(60)]
    changes = [first + hour + 1 for hour, pair in enumerate(pairwise(values)) if len({*pair}) > 1]
    assert [first + 48] == changes == [computation.next_change(states, first)]
