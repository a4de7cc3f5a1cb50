"""The states that are kept for one person and one accumulator, instead of events.

With a lookback window a state has one part for each hour that has events. Windows end at full
hours, so an hour is either inside the window or outside. The total over the parts is kept as well:
it grows with an event and shrinks when an hour leaves the window, and no part is read again. No
result depends on the order of arrival.
"""

from bisect import bisect_left, bisect_right, insort
from decimal import Context, Decimal
from typing import Any

HOUR_MS = 3_600_000
ALL_HISTORY = 0
"""The key of the only part of a state if there is no window."""

_EXACT = Context(prec=1_000)
"""Adds and subtracts the sums without rounding: numbers have at most 625 digits between 1e300 and
5e-324, so that a sum is the same in any order, also after hours have left it."""


class Aggregate:
    """Count, sum, minimum and maximum of numbers.

    Sums are exact decimals: 0.1 + 0.2 is 0.3, in any order.
    """

    __slots__ = ("count", "greatest", "least", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = Decimal(0)
        self.least: float | None = None
        self.greatest: float | None = None

    def add(self, value: float, exact: Decimal) -> None:
        """Add one number, which is given as a decimal too."""
        self.count += 1
        self.total = _EXACT.add(self.total, exact)
        self._stretch(value, value)

    def merge(self, other: "Aggregate") -> None:
        """Add everything in another aggregate."""
        self.count += other.count
        self.total = _EXACT.add(self.total, other.total)
        if other.least is not None and other.greatest is not None:
            self._stretch(other.least, other.greatest)

    def subtract(self, part: "Aggregate") -> bool:
        """Remove a part. True if minimum and maximum must be computed from the other parts."""
        self.count -= part.count
        self.total = _EXACT.subtract(self.total, part.total)
        return part.least == self.least or part.greatest == self.greatest

    def set_bounds(self, parts: "list[Aggregate]") -> None:
        """Compute minimum and maximum from the parts."""
        self.least = self.greatest = None
        for part in parts:
            if part.least is not None and part.greatest is not None:
                self._stretch(part.least, part.greatest)

    def as_json(self) -> list[Any]:
        """The aggregate as JSON; the sum is text, because JSON numbers are not exact."""
        return [self.count, str(self.total), self.least, self.greatest]

    @classmethod
    def from_json(cls, data: list[Any]) -> "Aggregate":
        """The aggregate that `as_json` has given."""
        made = cls()
        made.count, total, made.least, made.greatest = data
        made.total = Decimal(total)
        return made

    def _stretch(self, low: float, high: float) -> None:
        if self.least is None or low < self.least:
            self.least = low
        if self.greatest is None or high > self.greatest:
            self.greatest = high


class EventTimes:
    """The times of an event in one hour: the first and the last `at_least` of them.

    They are enough to tell whether at least `at_least` events are before or after a given time.
    """

    __slots__ = ("moments",)

    def __init__(self) -> None:
        self.moments: list[int] = []

    def add(self, moment: int, at_least: int) -> None:
        """Add the time of one event."""
        insort(self.moments, moment)
        self._thin(at_least)

    def merge(self, other: "EventTimes", at_least: int) -> None:
        """Add the times of another one."""
        self.moments = sorted([*self.moments, *other.moments])
        self._thin(at_least)

    def _thin(self, at_least: int) -> None:
        if len(self.moments) > 2 * at_least:
            del self.moments[at_least:-at_least]

    def before(self, moment: float) -> int:
        """The number of events before a time; exact below `at_least`, else at least that."""
        return bisect_left(self.moments, moment)

    def after(self, moment: float) -> int:
        """The number of events after a time; exact below `at_least`, else at least that."""
        return len(self.moments) - bisect_right(self.moments, moment)


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
        """Whether at least so many events came before the last follower."""
        count = 0
        for times in self.parts:  # ends early: without an event before, no later hour has one
            found = times.before(self.followed)
            count += found
            if count >= at_least or not found:
                break
        return count >= at_least

    def is_not_followed(self, at_least: int) -> bool:
        """Whether at least so many events came after the last follower."""
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
