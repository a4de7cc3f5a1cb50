"""From events to values: an accumulator for each computed trait and each condition of an audience.

An accumulator is immutable and shared by all people. Its data for one person is an
`AccumulatorState`, which only the accumulator changes.
"""

from typing import Any, NamedTuple

from translator.core.operations import Json
from translator.engage.aggregates import (
    ALL_HISTORY,
    HOUR_MS,
    Aggregate,
    EventTimes,
    plain_number,
    total_of,
)
from translator.engage.definitions import (
    COUNTER,
    ComputedTrait,
    Condition,
    Definition,
    EventRule,
)
from translator.engage.filters import select, value_of

NEVER = float("-inf")
MAX_NUMBER = 1e300
"""Larger numbers are ignored: their sum could exceed what JSON can represent."""


class TrackCall(NamedTuple):
    """A track call. `moment` orders calls by time, then by arrival.

    `time_ms`: milliseconds since 1970.
    """

    event: str
    properties: Json
    time_ms: int
    moment: int


class AccumulatorState:
    """The data of one person: an aggregate (or event times) per hour, and the last follower."""

    __slots__ = ("followed", "hours")

    def __init__(self) -> None:
        self.hours: dict[int, Any] = {}
        self.followed: float = NEVER


class Accumulator:
    """The base class: which hours count. `days` is the window in days, None for all history."""

    def __init__(self, rule: EventRule, days: int | None) -> None:
        self.rule = rule
        self.days = days
        self.events = frozenset([rule.event])

    def hour_of(self, time_ms: int) -> int:
        """The key of the aggregate for a time."""
        return ALL_HISTORY if self.days is None else time_ms // HOUR_MS

    def first_hour(self, now_hour: int) -> int:
        """The first hour in the window that ends at the start of `now_hour`."""
        return ALL_HISTORY if self.days is None else now_hour - 24 * self.days

    def forget(self, state: AccumulatorState, now_hour: int) -> None:
        """Delete the hours that have left the window."""
        if self.days is not None:
            first = self.first_hour(now_hour)
            for hour in [hour for hour in state.hours if hour < first]:
                del state.hours[hour]

    def next_change(self, state: AccumulatorState, now_hour: int) -> int | None:
        """The hour at whose start the oldest hour leaves the window; None if no hour will."""
        self.forget(state, now_hour)
        if self.days is None or not state.hours:
            return None
        return min(state.hours) + 24 * self.days + 1

    def merge(self, state: AccumulatorState, other: AccumulatorState) -> None:
        """Add the data of another person."""
        for hour, aggregate in other.hours.items():
            state.hours.setdefault(hour, Aggregate()).merge(aggregate)

    def _kept(
        self, state: AccumulatorState, call: TrackCall, now_hour: int, kind: type[Any]
    ) -> Any:
        """The aggregate for the hour of a call; None if that hour has left the window."""
        hour = self.hour_of(call.time_ms)
        if hour < self.first_hour(now_hour):
            return None
        aggregate = state.hours.get(hour)
        if aggregate is None:
            self.forget(state, now_hour)
            aggregate = state.hours[hour] = kind()
        return aggregate


class TraitAccumulator(Accumulator):
    """A computed trait: a count, or a sum, minimum, maximum or average of a property."""

    def __init__(self, trait: ComputedTrait) -> None:
        super().__init__(trait.rule, trait.days)
        self.computation = trait.computation
        self.aggregated = trait.aggregated

    def add_call(self, state: AccumulatorState, call: TrackCall, now_hour: int) -> bool:
        """Add a call. False if it has no number for the aggregated property."""
        if not select(self.rule.where, call.properties):
            return True
        number = None
        if self.aggregated is not None:
            number = _number(value_of(call.properties, self.aggregated))
            if number is None:
                return False
        aggregate = self._kept(state, call, now_hour, Aggregate)
        if aggregate is not None:
            aggregate.add(number)
        return True

    def value(self, state: AccumulatorState | None, now_hour: int) -> float | None:
        """The value; None if there are no events to compute it from."""
        if state is None:
            return None
        self.forget(state, now_hour)
        whole = total_of(state.hours.values())
        if not whole.count:
            return None
        if self.computation == COUNTER:
            return whole.count
        if self.computation == "sum":
            return plain_number(whole.total)
        if self.computation == "average":
            return plain_number(whole.total / whole.count)
        return plain_number(whole.least if self.computation == "min" else whole.greatest)


class CountAccumulator(Accumulator):
    """A condition without `then`: an event happened at least so many times, or did not."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(condition.rule, condition.days)
        self.condition = condition

    def add_call(self, state: AccumulatorState, call: TrackCall, now_hour: int) -> bool:
        """Add a call."""
        if select(self.rule.where, call.properties):
            aggregate = self._kept(state, call, now_hour, Aggregate)
            if aggregate is not None:
                aggregate.add()
        return True

    def holds(self, state: AccumulatorState | None, now_hour: int) -> bool:
        """Whether the condition holds."""
        count = 0
        if state is not None:
            self.forget(state, now_hour)
            count = sum(aggregate.count for aggregate in state.hours.values())
        return (count >= self.condition.at_least) is not self.condition.negated


class SequenceAccumulator(Accumulator):
    """A condition with `then`: enough events before the last follower, or after it.

    `then: {performed}` holds if enough events came before a follower. `then: {did_not_perform}`
    holds if enough events came after the last follower (an abandoned cart counts even if an earlier
    one was bought).
    """

    def __init__(self, condition: Condition, then: EventRule) -> None:
        super().__init__(condition.rule, condition.days)
        self.condition = condition
        self.then = then
        self.events = frozenset([condition.rule.event, then.event])

    def add_call(self, state: AccumulatorState, call: TrackCall, now_hour: int) -> bool:
        """Add a call, which can be the event, its follower, or both."""
        if call.event == self.rule.event and select(self.rule.where, call.properties):
            order = self._kept(state, call, now_hour, EventTimes)
            if order is not None:
                order.add(call.moment, self.condition.at_least)
        if call.event == self.then.event and select(self.then.where, call.properties):
            state.followed = max(state.followed, call.moment)
        return True

    def merge(self, state: AccumulatorState, other: AccumulatorState) -> None:
        """Add the data of another person."""
        for hour, order in other.hours.items():
            state.hours.setdefault(hour, EventTimes()).merge(order, self.condition.at_least)
        state.followed = max(state.followed, other.followed)

    def holds(self, state: AccumulatorState | None, now_hour: int) -> bool:
        """Whether the condition holds."""
        if state is None:
            return False
        self.forget(state, now_hour)
        orders: list[EventTimes] = list(state.hours.values())
        if self.condition.then_negated:
            count = sum(order.after(state.followed) for order in orders)
        else:
            count = sum(order.before(state.followed) for order in orders)
        return count >= self.condition.at_least


def _number(value: Any) -> float | None:
    """A number, also from text that is a number; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -MAX_NUMBER < value < MAX_NUMBER else None


class Computation:
    """A definition with its accumulators. A person has a list with one state for each of them."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.accumulators: list[TraitAccumulator | CountAccumulator | SequenceAccumulator] = []
        self.groups: list[list[int]] = []
        if isinstance(definition, ComputedTrait):
            self.accumulators.append(TraitAccumulator(definition))
            return
        for group in definition.groups:
            self.groups.append([])
            for condition in group:
                self.groups[-1].append(len(self.accumulators))
                self.accumulators.append(_accumulator(condition))

    @property
    def empty(self) -> float | None:
        """The value when all events have left the window: 0 for a count or a sum, else None."""
        accumulator = self.accumulators[0]
        additive = isinstance(accumulator, TraitAccumulator) and accumulator.computation in (
            COUNTER,
            "sum",
        )
        return 0 if additive else None

    @property
    def events(self) -> frozenset[str]:
        """The names of the events that it uses."""
        return frozenset[str]().union(*(accumulator.events for accumulator in self.accumulators))

    def new(self) -> list[AccumulatorState]:
        """The states of a person without any events."""
        return [AccumulatorState() for _ in self.accumulators]

    def add_call(self, states: list[AccumulatorState], call: TrackCall, now_hour: int) -> bool:
        """Add a call. False if it has no number for the aggregated property."""
        heard = [
            accumulator.add_call(state, call, now_hour)
            for accumulator, state in zip(self.accumulators, states, strict=True)
            if call.event in accumulator.events
        ]
        return all(heard)

    def merge(self, states: list[AccumulatorState], other: list[AccumulatorState]) -> None:
        """Add the data of another person."""
        for accumulator, one, two in zip(self.accumulators, states, other, strict=True):
            accumulator.merge(one, two)

    def value(self, states: list[AccumulatorState] | None, now_hour: int) -> float | bool | None:
        """The membership in an audience, or the value of a trait (None without a value).

        `states` is None for a person without any events.
        """
        if isinstance(self.accumulators[0], TraitAccumulator):
            return self.accumulators[0].value(states[0] if states else None, now_hour)
        return all(
            any(self._holds(place, states, now_hour) for place in group) for group in self.groups
        )

    def _holds(self, place: int, states: list[AccumulatorState] | None, now_hour: int) -> bool:
        accumulator = self.accumulators[place]
        assert not isinstance(accumulator, TraitAccumulator)
        return accumulator.holds(states[place] if states else None, now_hour)

    def next_change(self, states: list[AccumulatorState], now_hour: int) -> int | None:
        """The next hour at whose start an event leaves a window; None if no event will."""
        hours = [
            accumulator.next_change(state, now_hour)
            for accumulator, state in zip(self.accumulators, states, strict=True)
        ]
        return min((hour for hour in hours if hour is not None), default=None)


def _accumulator(condition: Condition) -> CountAccumulator | SequenceAccumulator:
    if condition.then is None:
        return CountAccumulator(condition)
    return SequenceAccumulator(condition, condition.then)
