"""The parts of a state: an aggregate of numbers, or the times of events."""

from bisect import bisect_left, bisect_right, insort
from decimal import Context, Decimal
from typing import Any

HOUR_MS = 3_600_000


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
