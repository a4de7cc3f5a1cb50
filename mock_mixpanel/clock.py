"""The virtual clock: real time plus an offset, until it is frozen.

All times inside the server are its seconds since 1970, as a float.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

EARLIEST = 0.0
LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


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

    def change(
        self, *, now: float | None = None, advance: float = 0, freeze: bool | None = None
    ) -> None:
        """Go to `now` (seconds since 1970), then forward by `advance` seconds, and stop or go on.

        Raises ValueError, and changes nothing, for a negative `advance` and for a moment outside
        the years 1970 to 8999.
        """
        if advance < 0:
            raise ValueError("advance: expected 0 seconds or more; set now to go back")
        with self._lock:
            moment = (self._now() if now is None else now) + advance
            if not EARLIEST <= moment < LATEST:
                raise ValueError("now: expected a moment in the years 1970 to 8999")
            if self.frozen if freeze is None else freeze:
                self._stopped = moment
            else:
                self._stopped, self._offset = None, moment - self._real()

    def reset(self) -> None:
        """Back to real time."""
        with self._lock:
            self._stopped, self._offset = None, 0.0

    def _now(self) -> float:
        return self._real() + self._offset if self._stopped is None else self._stopped


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
