"""Accumulators: one for each computed trait and each condition of an audience.

They compute values from events.

An accumulator is immutable and shared by all people. Its data for one person is an
`AccumulatorState`. The cost of an event does not depend on the number of events before it.
"""

from functools import cached_property
from typing import Any, NamedTuple

from translator.core.operations import Json
from translator.engage.computations.aggregates import (
    ALL_HISTORY,
    AccumulatorState,
    CountState,
    NumberState,
    SequenceState,
    plain_number,
)
from translator.engage.computations.parts import HOUR_MS
from translator.engage.definitions import (
    COUNTER,
    ComputedTrait,
    Condition,
    Definition,
    EventRule,
)
from translator.engage.filters import select, value_of

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


class Accumulator:
    """The base class: which hours count. `days` is the window in days, None for all history."""

    def __init__(self, rule: EventRule, days: int | None) -> None:
        self.rule = rule
        self.days = days
        self.events = frozenset([rule.event])

    def new_state(self) -> Any:
        """The state of a person without any events."""
        raise NotImplementedError

    def first_hour(self, now_hour: int) -> int:
        """The first hour in the window that ends at the start of `now_hour`."""
        return ALL_HISTORY if self.days is None else now_hour - 24 * self.days

    def next_change(self, state: AccumulatorState, now_hour: int) -> int | None:
        """The hour at whose start the oldest hour leaves the window; None if no hour will."""
        if self.days is None:
            return None
        state.forget(self.first_hour(now_hour))
        return state.hours[0] + 24 * self.days + 1 if state.hours else None

    def merge(self, state: Any, other: Any) -> None:
        """Add the data of another person."""
        state.merge(other)

    def _counted_hour(self, state: AccumulatorState, call: TrackCall, now_hour: int) -> int | None:
        """The key of the part for a call; None if its hour has left the window."""
        if self.days is None:
            return ALL_HISTORY
        first = self.first_hour(now_hour)
        state.forget(first)
        hour = call.time_ms // HOUR_MS
        return None if hour < first else hour


class TraitAccumulator(Accumulator):
    """A computed trait: a count, or a sum, minimum, maximum or average of a property."""

    def __init__(self, trait: ComputedTrait) -> None:
        super().__init__(trait.rule, trait.days)
        self.computation = trait.computation
        self.aggregated = trait.aggregated

    def new_state(self) -> CountState | NumberState:
        """The state of a person without any events."""
        return CountState() if self.aggregated is None else NumberState()

    def add_call(self, state: CountState | NumberState, call: TrackCall, now_hour: int) -> bool:
        """Add a call. False if it has no number for the aggregated property."""
        if self.rule.where and not select(self.rule.where, call.properties):
            return True
        hour = self._counted_hour(state, call, now_hour)
        if isinstance(state, CountState):
            if hour is not None:
                state.add(hour)
            return True
        assert self.aggregated is not None
        number = _number(value_of(call.properties, self.aggregated))
        if number is not None and hour is not None:
            state.add(hour, number)
        return number is not None

    def value(self, state: CountState | NumberState | None, now_hour: int) -> float | None:
        """The value; None if there are no events to compute it from."""
        if state is None:
            return None
        state.forget(self.first_hour(now_hour))
        if isinstance(state, CountState):
            return state.total or None
        whole = state.whole
        if not whole.count:
            return None
        if self.computation == "sum":
            return plain_number(whole.total)
        if self.computation == "average":
            return plain_number(whole.total / whole.count)
        return plain_number(whole.least if self.computation == "min" else whole.greatest)


class CountAccumulator(Accumulator):
    """A condition without `then`: an event happened at least a number of times, or did not."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(condition.rule, condition.days)
        self.condition = condition

    def new_state(self) -> CountState:
        """The state of a person without any events."""
        return CountState()

    def add_call(self, state: CountState, call: TrackCall, now_hour: int) -> bool:
        """Add a call."""
        if not self.rule.where or select(self.rule.where, call.properties):
            hour = self._counted_hour(state, call, now_hour)
            if hour is not None:
                state.add(hour)
        return True

    def holds(self, state: CountState | None, now_hour: int) -> bool:
        """Whether the condition holds."""
        count = 0
        if state is not None:
            state.forget(self.first_hour(now_hour))
            count = state.total
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

    def new_state(self) -> SequenceState:
        """The state of a person without any events."""
        return SequenceState()

    def add_call(self, state: SequenceState, call: TrackCall, now_hour: int) -> bool:
        """Add a call, which can be the event, its follower, or both."""
        if call.event == self.rule.event and select(self.rule.where, call.properties):
            hour = self._counted_hour(state, call, now_hour)
            if hour is not None:
                state.add(hour, call.moment, self.condition.at_least)
        if call.event == self.then.event and select(self.then.where, call.properties):
            state.followed = max(state.followed, call.moment)
        return True

    def merge(self, state: SequenceState, other: SequenceState) -> None:
        """Add the data of another person."""
        state.merge(other, self.condition.at_least)

    def holds(self, state: SequenceState | None, now_hour: int) -> bool:
        """Whether the condition holds."""
        if state is None:
            return False
        state.forget(self.first_hour(now_hour))
        if self.condition.then_negated:
            return state.is_not_followed(self.condition.at_least)
        return state.is_followed(self.condition.at_least)


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
    """A definition with its accumulators.

    A person has a list with one state for each of them, as `new` makes it.
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.key = definition.key
        self.hourly = definition.hourly
        self.accumulators: list[TraitAccumulator | CountAccumulator | SequenceAccumulator] = []
        self.trait: TraitAccumulator | None = None
        self.groups: list[list[tuple[int, CountAccumulator | SequenceAccumulator]]] = []
        if isinstance(definition, ComputedTrait):
            self.trait = TraitAccumulator(definition)
            self.accumulators.append(self.trait)
            return
        for group in definition.groups:
            members = list(enumerate(map(_accumulator, group), len(self.accumulators)))
            self.groups.append(members)
            self.accumulators += [accumulator for _, accumulator in members]

    @cached_property
    def empty(self) -> float | None:
        """The value when all events have left the window: 0 for a count or a sum, else None."""
        return 0 if self.trait and self.trait.computation in (COUNTER, "sum") else None

    @property
    def events(self) -> frozenset[str]:
        """The names of the events that it uses."""
        return frozenset[str]().union(*(accumulator.events for accumulator in self.accumulators))

    def new(self) -> list[Any]:
        """The states of a person without any events."""
        return [accumulator.new_state() for accumulator in self.accumulators]

    def add_call(self, states: list[Any], call: TrackCall, now_hour: int) -> bool:
        """Add a call. False if it has no number for the aggregated property."""
        heard = True
        for accumulator, state in zip(self.accumulators, states, strict=True):
            if call.event in accumulator.events:
                heard = accumulator.add_call(state, call, now_hour) and heard
        return heard

    def merge(self, states: list[Any], other: list[Any]) -> None:
        """Add the data of another person."""
        for accumulator, one, two in zip(self.accumulators, states, other, strict=True):
            accumulator.merge(one, two)

    def value(self, states: list[Any] | None, now_hour: int) -> float | bool | None:
        """The membership in an audience, or the value of a trait (None without a value).

        `states` is None for a person without any events.
        """
        if self.trait is not None:
            return self.trait.value(states[0] if states else None, now_hour)
        for group in self.groups:
            for place, accumulator in group:
                if accumulator.holds(states[place] if states else None, now_hour):
                    break
            else:
                return False
        return True

    def next_change(self, states: list[Any], now_hour: int) -> int | None:
        """The next hour at whose start an event leaves a window; None if no event will."""
        first: int | None = None
        for accumulator, state in zip(self.accumulators, states, strict=True):
            hour = accumulator.next_change(state, now_hour)
            if hour is not None and (first is None or hour < first):
                first = hour
        return first


def _accumulator(condition: Condition) -> CountAccumulator | SequenceAccumulator:
    if condition.then is None:
        return CountAccumulator(condition)
    return SequenceAccumulator(condition, condition.then)
