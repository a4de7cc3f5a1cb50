"""What is kept of the events of one person for one definition: counts, not events.

With a lookback window there is one tally for each hour in which something happened, and windows end
at full hours (they are updated hourly), so nothing is lost by it: an hour is in the window or not.
Without one, a single tally holds all history. No result depends on the order of arrival.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

HOUR_MS = 3_600_000
ALL_HISTORY = 0
"""The hour under which everything is kept if there is no window."""


class Tally:
    """Count, sum and extremes of some numbers; of counted events only the count is used.

    Sums are exact decimals: 0.1 and 0.2 make 0.3, in whichever order they came.
    """

    __slots__ = ("count", "greatest", "least", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = Decimal(0)
        self.least: float | None = None
        self.greatest: float | None = None

    def add(self, value: float | None = None) -> None:
        """Count one event, with its number if there is one to aggregate."""
        self.count += 1
        if value is not None:
            self.total += Decimal(str(value))
            self._stretch(value, value)

    def merge(self, other: "Tally") -> None:
        """Take in what another tally holds."""
        self.count += other.count
        self.total += other.total
        if other.least is not None and other.greatest is not None:
            self._stretch(other.least, other.greatest)

    def _stretch(self, low: float, high: float) -> None:
        self.least = low if self.least is None else min(self.least, low)
        self.greatest = high if self.greatest is None else max(self.greatest, high)


class Order:
    """When an event happened, as far as needed to tell whether `at_least` of it are before, or
    after, some moment: the first so many and the last so many of the hour.
    """

    __slots__ = ("moments",)

    def __init__(self) -> None:
        self.moments: list[int] = []

    def add(self, moment: int, at_least: int) -> None:
        """Note one."""
        insort(self.moments, moment)
        self._thin(at_least)

    def merge(self, other: "Order", at_least: int) -> None:
        """Take in what another one holds."""
        self.moments = sorted([*self.moments, *other.moments])
        self._thin(at_least)

    def _thin(self, at_least: int) -> None:
        if len(self.moments) > 2 * at_least:
            del self.moments[at_least:-at_least]

    def before(self, moment: float) -> int:
        """How many came before: exact below `at_least`, else at least that."""
        return bisect_left(self.moments, moment)

    def after(self, moment: float) -> int:
        """How many came after: exact below `at_least`, else at least that."""
        return len(self.moments) - bisect_right(self.moments, moment)


def total_of(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    return whole


def plain_number(value: Any) -> float | None:
    """A decimal as the number that JSON has: whole ones without a fraction. None stays None."""
    if value is None:
        return None
    number = float(value)
    whole = int(value)
    return whole if whole == value and abs(whole) < 2**53 else number
