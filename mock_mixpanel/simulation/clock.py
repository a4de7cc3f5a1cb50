"""The virtual clock: real time plus an offset, until it is frozen.

All times inside the server are seconds since 1970 of this clock, as a float.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mock_mixpanel.log.shared_settings import SharedSettings
from mock_mixpanel.log.stores.memory import MemoryStore

PART = "clock"
EARLIEST = 0.0
LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


class State(NamedTuple):
    """The offset from real time in seconds, or the time at which the clock is frozen."""

    offset: float
    stopped: float | None


class Clock:
    """The time of the whole server, workers included. `real` gives seconds since 1970."""

    def __init__(
        self, real: Callable[[], float] = time.time, shared: SharedSettings | None = None
    ) -> None:
        self._real = real
        self._shared = shared or SharedSettings(MemoryStore())

    @property
    def frozen(self) -> bool:
        """Whether the clock is frozen."""
        return self._state.stopped is not None

    def now(self) -> float:
        """Seconds since 1970."""
        offset, stopped = self._state
        return self._real() + offset if stopped is None else stopped

    def change(
        self, *, now: float | None = None, advance: float = 0, freeze: bool | None = None
    ) -> None:
        """Set the clock to `now` (seconds since 1970), advance it (seconds), freeze or run it.

        Raises ValueError, and changes nothing, for a negative `advance` and for a moment outside
        the years 1970 to 8999.
        """
        if advance < 0:
            raise ValueError("advance: expected 0 seconds or more; set now to go back")
        with self._shared.changing(PART) as state:
            moment = (self.now() if now is None else now) + advance
            if not EARLIEST <= moment < LATEST:
                raise ValueError("now: expected a moment in the years 1970 to 8999")
            if self.frozen if freeze is None else freeze:
                state["stopped"] = moment
            else:
                state |= {"stopped": None, "offset": moment - self._real()}

    def reset(self) -> None:
        """Return to real time."""
        with self._shared.changing(PART) as state:
            state.clear()

    @property
    def _state(self) -> State:
        return self._shared.view(PART, _state)


def _state(part: dict[str, Any] | None) -> State:
    part = part or {}
    return State(part.get("offset", 0.0), part.get("stopped"))


def iso(moment: float) -> str:
    """Seconds since 1970 as `2026-06-15T12:00:00.000Z`, rounded as the times of events are."""
    text = datetime.fromtimestamp(round(moment, 3), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def parse_iso(text: str) -> float:
    """An ISO 8601 time as seconds since 1970; without a zone it is UTC.

    Raises ValueError for any other text.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
