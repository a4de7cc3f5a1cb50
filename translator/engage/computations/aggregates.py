"""The stored state of one person for one accumulator. It replaces the events.

With a lookback window a state has one part for each hour that has events. Windows end at full
hours, so an hour is either inside the window or outside. The total over the parts is stored as
well: an event is added to it, and an hour that leaves the window is subtracted, so no part is read
again. No result depends on the order of arrival.
"""

from bisect import bisect_left
from decimal import Decimal
from typing import Any

from translator.engage.computations.parts import Aggregate, EventTimes

ALL_HISTORY = 0
"""The key of the only part of a state if there is no window."""


class AccumulatorState:
    """The data of one person: a part for each hour, the oldest hour first."""

    __slots__ = ("hours", "parts")

    def __init__(self) -> None:
        self.hours: list[int] = []
        self.parts: list[Any] = []

    def index_of(self, hour: int) -> int:
        """The index of the part of an hour, which is made if it is absent."""
        if self.hours and self.hours[-1] == hour:
            return len(self.hours) - 1
        index = bisect_left(self.hours, hour)
        if index == len(self.hours) or self.hours[index] != hour:
            self.hours.insert(index, hour)
            self.parts.insert(index, self.new_part())
        return index

    def new_part(self) -> Any:
        """The part of an hour without events."""
        raise NotImplementedError

    def forget(self, first_hour: int) -> None:
        """Delete the hours before this one: they have left the window."""
        if self.hours and self.hours[0] < first_hour:
            end = bisect_left(self.hours, first_hour)
            left = self.parts[:end]
            del self.hours[:end], self.parts[:end]
            self.subtract(left)

    def subtract(self, left: list[Any]) -> None:
        """Remove the parts that have left the window from what is kept over all parts."""

    def as_json(self) -> list[Any]:
        """The state as JSON."""
        raise NotImplementedError

    def restore(self, data: list[Any]) -> None:
        """Fill a new state from what `as_json` has given."""
        raise NotImplementedError


class CountState(AccumulatorState):
    """Numbers of events, and their total."""

    __slots__ = ("total",)

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def new_part(self) -> int:
        """The part of an hour without events."""
        return 0

    def add(self, hour: int, count: int = 1) -> None:
        """Add events of an hour."""
        self.parts[self.index_of(hour)] += count
        self.total += count

    def subtract(self, left: list[int]) -> None:
        """Remove the hours that have left the window from the total."""
        self.total -= sum(left)

    def merge(self, other: "CountState") -> None:
        """Add the data of another person."""
        for hour, count in zip(other.hours, other.parts, strict=True):
            self.add(hour, count)

    def as_json(self) -> list[Any]:
        """The state as JSON."""
        return [self.hours, self.parts]

    def restore(self, data: list[Any]) -> None:
        """Fill a new state from what `as_json` has given."""
        self.hours, self.parts = data
        self.total = sum(self.parts)


class NumberState(AccumulatorState):
    """Aggregates of a property, and the aggregate over all of them."""

    __slots__ = ("whole",)

    def __init__(self) -> None:
        super().__init__()
        self.whole = Aggregate()

    def new_part(self) -> Aggregate:
        """The part of an hour without events."""
        return Aggregate()

    def add(self, hour: int, number: float) -> None:
        """Add the number of an event."""
        exact = Decimal(str(number))
        self.parts[self.index_of(hour)].add(number, exact)
        self.whole.add(number, exact)

    def subtract(self, left: list[Aggregate]) -> None:
        """Remove the hours that have left the window from the whole."""
        bounds_left = False
        for part in left:
            bounds_left = self.whole.subtract(part) or bounds_left
        if bounds_left:
            self.whole.set_bounds(self.parts)

    def merge(self, other: "NumberState") -> None:
        """Add the data of another person."""
        for hour, aggregate in zip(other.hours, other.parts, strict=True):
            self.parts[self.index_of(hour)].merge(aggregate)
        self.whole.merge(other.whole)

    def as_json(self) -> list[Any]:
        """The state as JSON."""
        return [self.hours, [part.as_json() for part in self.parts], self.whole.as_json()]

    def restore(self, data: list[Any]) -> None:
        """Fill a new state from what `as_json` has given."""
        self.hours, parts, whole = data
        self.parts = [Aggregate.from_json(part) for part in parts]
        self.whole = Aggregate.from_json(whole)


NEVER = float("-inf")


class SequenceState(AccumulatorState):
    """Times of an event, and the time of its last follower (`followed`)."""

    __slots__ = ("followed",)

    def __init__(self) -> None:
        super().__init__()
        self.followed: float = NEVER

    def new_part(self) -> EventTimes:
        """The part of an hour without events."""
        return EventTimes()

    def add(self, hour: int, moment: int, at_least: int) -> None:
        """Add the time of an event."""
        self.parts[self.index_of(hour)].add(moment, at_least)

    def merge(self, other: "SequenceState", at_least: int) -> None:
        """Add the data of another person."""
        for hour, times in zip(other.hours, other.parts, strict=True):
            self.parts[self.index_of(hour)].merge(times, at_least)
        self.followed = max(self.followed, other.followed)

    def as_json(self) -> list[Any]:
        """The state as JSON; times are text, because they have more than 64 bits."""
        followed = None if self.followed == NEVER else str(self.followed)
        return [self.hours, [list(map(str, part.moments)) for part in self.parts], followed]

    def restore(self, data: list[Any]) -> None:
        """Fill a new state from what `as_json` has given."""
        self.hours, parts, followed = data
        for moments in parts:
            times = EventTimes()
            times.moments = list(map(int, moments))
            self.parts.append(times)
        self.followed = NEVER if followed is None else int(followed)

    def is_followed(self, at_least: int) -> bool:
        """Whether at least `at_least` events came before the last follower."""
        count = 0
        for times in self.parts:  # ends early: without an event before, no later hour has one
            found = times.before(self.followed)
            count += found
            if count >= at_least or not found:
                break
        return count >= at_least

    def is_not_followed(self, at_least: int) -> bool:
        """Whether at least `at_least` events came after the last follower."""
        count = 0
        for times in reversed(self.parts):  # ends early, like above
            found = times.after(self.followed)
            count += found
            if count >= at_least or not found:
                break
        return count >= at_least


def plain_number(value: Any) -> float | None:
    """A decimal as a JSON number; whole numbers have no fraction. None stays None."""
    if value is None:
        return None
    number = float(value)
    whole = int(value)
    return whole if whole == value and abs(whole) < 2**53 else number
