"""The virtual clock: real time plus an offset, until it is frozen.

All times inside the server are its seconds since 1970, as a float.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

EARLIEST = 0.0
LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class Clock:
    """One moment for the whole server. `real` gives seconds since 1970."""

    def __init__(self, real: Callable[[], float] = time.time) -> None:
        self._real = real
        self._offset = 0.0
        self._stopped: float | None = None
        self._lock = threading.Lock()

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._stopped is not None

    def now(self) -> float:
        """Seconds since 1970."""
        with self._lock:
            return self._now()

    def set(self, moment: float) -> None:
        """Go to a moment (seconds since 1970) and, unless frozen, on from there.

        Raises ValueError outside the years 1970 to 9998.
        """
        with self._lock:
            self._go(moment)

    def advance(self, seconds: float) -> None:
        """Go forward. Raises ValueError for negative seconds and beyond the year 9998."""
        if not seconds >= 0:
            raise ValueError("time only moves forward: seconds must be 0 or more; set now instead")
        with self._lock:
            self._go(self._now() + seconds)

    def freeze(self, frozen: bool = True) -> None:
        """Stop at the present moment, or go on from it."""
        with self._lock:
            now = self._now()
            self._stopped = now if frozen else None
            self._offset = now - self._real()

    def reset(self) -> None:
        """Back to real time."""
        with self._lock:
            self._stopped, self._offset = None, 0.0

    def _now(self) -> float:
        return self._real() + self._offset if self._stopped is None else self._stopped

    def _go(self, moment: float) -> None:
        if not EARLIEST <= moment < LATEST:
            raise ValueError("the moment must lie in the years 1970 to 9998")
        if self._stopped is None:
            self._offset = moment - self._real()
        else:
            self._stopped = moment


def iso(moment: float) -> str:
    """Seconds since 1970 as `2026-06-15T12:00:00.000Z`."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def parse_iso(text: str) -> float:
    """An ISO 8601 time as seconds since 1970; without a zone it is UTC.

    Raises ValueError if it is none.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
