"""The arrival times of operations, for the delivery delay and the age of the oldest."""

from bisect import bisect_left


class Arrivals:
    """The arrival times by operation number; numbers increase.

    One time is kept for each group that was stored together. `start`, in seconds since 1970, counts
    for operations from before, up to the number `last`.
    """

    def __init__(self, start: float, last: int = 0) -> None:
        self._lasts = [last]
        self._times = [start]

    @property
    def last(self) -> int:
        """The highest number that arrived."""
        return self._lasts[-1]

    def add(self, last: int, now: float) -> None:
        """A group of operations has arrived, up to the number `last`."""
        self._lasts.append(last)
        self._times.append(now)

    def of(self, number: int) -> float:
        """The arrival time of an operation, in seconds since 1970."""
        return self._times[min(bisect_left(self._lasts, number), len(self._times) - 1)]

    def forget(self, before: int) -> None:
        """Forget groups whose operations all have lower numbers; the last group is kept."""
        place = min(bisect_left(self._lasts, before), len(self._lasts) - 1)
        if place > 0:
            del self._lasts[:place], self._times[:place]
