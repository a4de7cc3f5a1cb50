"""The aggregates that are kept for one person and one definition, instead of events.

With a lookback window there is one aggregate for each hour that has events. Windows end at full
hours, so an hour is either inside the window or outside. Without a window, one aggregate holds all
history. No result depends on the order of arrival.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

HOUR_MS = 3_600_000
ALL_HISTORY = 0
"""The key of the only aggregate if there is no window."""


class Aggregate:
    """Count, sum, minimum and maximum of numbers; for counted events only the count is used.

    Sums are exact decimals: 0.1 + 0.2 is 0.3, in any order.
    """

    __slots__ = ("count", "greatest", "least", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = Decimal(0)
        self.least: float | None = None
        self.greatest: float | None = None

    def add(self, value: float | None = None) -> None:
        """Add one event, with its number if the definition aggregates a property."""
        self.count += 1
        if value is not None:
            self.total += Decimal(str(value))
            self._stretch(value, value)

    def merge(self, other: "Aggregate") -> None:
        """Add everything in another aggregate."""
        self.count += other.count
        self.total += other.total
        if other.least is not None and other.greatest is not None:
            self._stretch(other.least, other.greatest)

    def _stretch(self, low: float, high: float) -> None:
        self.least = low if self.least is None else min(self.least, low)
        self.greatest = high if self.greatest is None else max(self.greatest, high)


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


def total_of(aggregates: Iterable[Aggregate]) -> Aggregate:
    """The sum of all aggregates."""
    whole = Aggregate()
    for aggregate in aggregates:
        whole.merge(aggregate)
    return whole


def plain_number(value: Any) -> float | None:
    """A decimal as a JSON number; whole numbers have no fraction. None stays None."""
    if value is None:
        return None
    number = float(value)
    whole = int(value)
    return whole if whole == value and abs(whole) < 2**53 else number
