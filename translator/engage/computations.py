"""From events to values: one meter for each computed trait and each condition of an audience.

A meter is immutable and shared; what it knows of one person is a `Reading`, which it alone writes.
"""

from typing import Any, NamedTuple

from translator.core.operations import Json
from translator.engage.aggregates import ALL_HISTORY, HOUR_MS, Order, Tally, plain_number, total_of
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
"""Larger numbers are none: a sum of them would be more than JSON can carry."""


class Call(NamedTuple):
    """A track call. `moment` orders it among all calls: by time, and by arrival at the same time.

    `time_ms`: milliseconds since 1970.
    """

    event: str
    properties: Json
    time_ms: int
    moment: int


class Reading:
    """What a meter knows of one person: a tally (or order) for each hour, and the last follower."""

    __slots__ = ("followed", "hours")

    def __init__(self) -> None:
        self.hours: dict[int, Any] = {}
        self.followed: float = NEVER


class Meter:
    """Common to all: which hours count. `days` None is all history."""

    def __init__(self, rule: EventRule, days: int | None) -> None:
        self.rule = rule
        self.days = days
        self.events = frozenset([rule.event])

    def hour_of(self, time_ms: int) -> int:
        """The hour under which a time is kept."""
        return ALL_HISTORY if self.days is None else time_ms // HOUR_MS

    def first_hour(self, now_hour: int) -> int:
        """The first hour in the window that ends at the start of `now_hour`."""
        return ALL_HISTORY if self.days is None else now_hour - 24 * self.days

    def forget(self, reading: Reading, now_hour: int) -> None:
        """Drop the hours that have left the window for good."""
        if self.days is not None:
            first = self.first_hour(now_hour)
            for hour in [hour for hour in reading.hours if hour < first]:
                del reading.hours[hour]

    def next_change(self, reading: Reading, now_hour: int) -> int | None:
        """The hour at whose start the oldest hour leaves the window; None if none will."""
        self.forget(reading, now_hour)
        if self.days is None or not reading.hours:
            return None
        return min(reading.hours) + 24 * self.days + 1

    def merge(self, reading: Reading, other: Reading) -> None:
        """Take in what is known of another person."""
        for hour, tally in other.hours.items():
            reading.hours.setdefault(hour, Tally()).merge(tally)

    def _kept(self, reading: Reading, call: Call, now_hour: int, kind: type[Any]) -> Any:
        """The tally for a call's hour; None if that hour has left the window already."""
        hour = self.hour_of(call.time_ms)
        if hour < self.first_hour(now_hour):
            return None
        tally = reading.hours.get(hour)
        if tally is None:
            self.forget(reading, now_hour)
            tally = reading.hours[hour] = kind()
        return tally


class TraitMeter(Meter):
    """A computed trait: a count, or a sum, minimum, maximum or average of a property."""

    def __init__(self, trait: ComputedTrait) -> None:
        super().__init__(trait.rule, trait.days)
        self.computation = trait.computation
        self.aggregated = trait.aggregated

    def hear(self, reading: Reading, call: Call, now_hour: int) -> bool:
        """Note a call; False if it is one to aggregate but its property is no number."""
        if not select(self.rule.where, call.properties):
            return True
        number = None
        if self.aggregated is not None:
            number = _number(value_of(call.properties, self.aggregated))
            if number is None:
                return False
        tally = self._kept(reading, call, now_hour, Tally)
        if tally is not None:
            tally.add(number)
        return True

    def value(self, reading: Reading | None, now_hour: int) -> float | None:
        """The value; None if there is nothing to compute it from."""
        if reading is None:
            return None
        self.forget(reading, now_hour)
        whole = total_of(reading.hours.values())
        if not whole.count:
            return None
        if self.computation == COUNTER:
            return whole.count
        if self.computation == "sum":
            return plain_number(whole.total)
        if self.computation == "average":
            return plain_number(whole.total / whole.count)
        return plain_number(whole.least if self.computation == "min" else whole.greatest)


class CountMeter(Meter):
    """A condition without `then`: at least so many times, or not."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(condition.rule, condition.days)
        self.condition = condition

    def hear(self, reading: Reading, call: Call, now_hour: int) -> bool:
        """Note a call."""
        if select(self.rule.where, call.properties):
            tally = self._kept(reading, call, now_hour, Tally)
            if tally is not None:
                tally.add()
        return True

    def holds(self, reading: Reading | None, now_hour: int) -> bool:
        """Whether the condition holds."""
        count = 0
        if reading is not None:
            self.forget(reading, now_hour)
            count = sum(tally.count for tally in reading.hours.values())
        return (count >= self.condition.at_least) is not self.condition.negated


class SequenceMeter(Meter):
    """A condition with `then`: so many events before the last follower, or after it.

    Performed and then followed: enough events came before a follower. Performed and then not
    followed: enough events came of which no follower is later (an abandoned cart is one even if an
    earlier one was bought).
    """

    def __init__(self, condition: Condition, then: EventRule) -> None:
        super().__init__(condition.rule, condition.days)
        self.condition = condition
        self.then = then
        self.events = frozenset([condition.rule.event, then.event])

    def hear(self, reading: Reading, call: Call, now_hour: int) -> bool:
        """Note a call; it may be the event, its follower, or both."""
        if call.event == self.rule.event and select(self.rule.where, call.properties):
            order = self._kept(reading, call, now_hour, Order)
            if order is not None:
                order.add(call.moment, self.condition.at_least)
        if call.event == self.then.event and select(self.then.where, call.properties):
            reading.followed = max(reading.followed, call.moment)
        return True

    def merge(self, reading: Reading, other: Reading) -> None:
        """Take in what is known of another person."""
        for hour, order in other.hours.items():
            reading.hours.setdefault(hour, Order()).merge(order, self.condition.at_least)
        reading.followed = max(reading.followed, other.followed)

    def holds(self, reading: Reading | None, now_hour: int) -> bool:
        """Whether the condition holds."""
        if reading is None:
            return False
        self.forget(reading, now_hour)
        orders: list[Order] = list(reading.hours.values())
        if self.condition.then_negated:
            count = sum(order.after(reading.followed) for order in orders)
        else:
            count = sum(order.before(reading.followed) for order in orders)
        return count >= self.condition.at_least


def _number(value: Any) -> float | None:
    """A number, or text that is wholly one; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -MAX_NUMBER < value < MAX_NUMBER else None


class Computation:
    """A definition with its meters. Readings are a list with a place for each of them."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.meters: list[TraitMeter | CountMeter | SequenceMeter] = []
        self.groups: list[list[int]] = []
        if isinstance(definition, ComputedTrait):
            self.meters.append(TraitMeter(definition))
            return
        for group in definition.groups:
            self.groups.append([])
            for condition in group:
                self.groups[-1].append(len(self.meters))
                self.meters.append(_meter(condition))

    @property
    def empty(self) -> float | None:
        """The value when everything has left the window: none of a count or a sum is 0."""
        meter = self.meters[0]
        additive = isinstance(meter, TraitMeter) and meter.computation in (COUNTER, "sum")
        return 0 if additive else None

    @property
    def events(self) -> frozenset[str]:
        """The names of the events that it hears."""
        return frozenset[str]().union(*(meter.events for meter in self.meters))

    def new(self) -> list[Reading]:
        """The readings of a person of whom nothing is known."""
        return [Reading() for _ in self.meters]

    def hear(self, readings: list[Reading], call: Call, now_hour: int) -> bool:
        """Note a call; False if it should have been aggregated but has no number."""
        heard = [
            meter.hear(reading, call, now_hour)
            for meter, reading in zip(self.meters, readings, strict=True)
            if call.event in meter.events
        ]
        return all(heard)

    def merge(self, readings: list[Reading], other: list[Reading]) -> None:
        """Take in what is known of another person."""
        for meter, one, two in zip(self.meters, readings, other, strict=True):
            meter.merge(one, two)

    def value(self, readings: list[Reading] | None, now_hour: int) -> float | bool | None:
        """Membership of an audience, or the value of a trait: None if there is none.

        Without readings, nothing is known of the person yet but that there is one.
        """
        if isinstance(self.meters[0], TraitMeter):
            return self.meters[0].value(readings[0] if readings else None, now_hour)
        return all(
            any(self._holds(place, readings, now_hour) for place in group) for group in self.groups
        )

    def _holds(self, place: int, readings: list[Reading] | None, now_hour: int) -> bool:
        meter = self.meters[place]
        assert not isinstance(meter, TraitMeter)
        return meter.holds(readings[place] if readings else None, now_hour)

    def next_change(self, readings: list[Reading], now_hour: int) -> int | None:
        """The next hour at whose start something leaves a window; None if nothing will."""
        hours = [
            meter.next_change(reading, now_hour)
            for meter, reading in zip(self.meters, readings, strict=True)
        ]
        return min((hour for hour in hours if hour is not None), default=None)


def _meter(condition: Condition) -> CountMeter | SequenceMeter:
    if condition.then is None:
        return CountMeter(condition)
    return SequenceMeter(condition, condition.then)
