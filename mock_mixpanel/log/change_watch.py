"""Tells callers of changes by a long poll: new requests, and changes of clock, projects and faults.

A call waits until there is something new. It asks the store, so a change by any worker is seen. All
waiting calls of a process share one look at the store, and at most `MOST_WAITING` wait: a further
call is answered at once, and its caller asks again later.
"""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

MOST_WAITING = 16
"""Calls that wait at once in one process."""
LONGEST_WAIT = 30.0
"""Real seconds that one call waits at most."""
LOOK_EVERY = 0.2
"""Real seconds between two looks at the store."""


class Position(NamedTuple):
    """The id of the last request, and the version of clock, projects and faults.

    The version changes too when something is forgotten.
    """

    last: int
    version: int


class Answer(NamedTuple):
    """Where things are; `waited` is False if there were too many waiting calls."""

    position: Position
    changed: bool
    waited: bool


class ChangeWatch:
    """Waits for changes; `look` gives the position now. Threads may share it."""

    def __init__(
        self, look: Callable[[], Position], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look, self._clock = look, clock
        self._condition = threading.Condition()
        self._waiting = 0
        self._woken = 0
        self._seen: tuple[float, Position] | None = None

    def wait(self, after: int | None, version: int | None, seconds: float) -> Answer:
        """Wait until the position differs from this one, for at most so many real seconds.

        What is None is not compared. Without both the answer comes at once.
        """
        known = Position(-1 if after is None else after, -1 if version is None else version)
        position = self._position()
        if after is None and version is None:
            return Answer(position, changed=False, waited=True)

        def changed() -> bool:
            newer = after is not None and position.last > known.last
            return newer or (version is not None and position.version != known.version)

        if changed() or seconds <= 0:
            return Answer(position, changed(), waited=True)
        with self._condition:
            if self._waiting >= MOST_WAITING:
                return Answer(position, changed=False, waited=False)
            self._waiting += 1
            woken, end = self._woken, self._clock() + min(seconds, LONGEST_WAIT)
            try:
                while not changed() and self._woken == woken:
                    left = end - self._clock()
                    if left <= 0:
                        break
                    self._condition.wait(min(left, LOOK_EVERY))
                    position = self._position()
            finally:
                self._waiting -= 1
        return Answer(position, changed(), waited=True)

    def wake(self) -> None:
        """Answer all waiting calls now, as when the server stops."""
        with self._condition:
            self._woken += 1
            self._condition.notify_all()

    def _position(self) -> Position:
        """The position, at most `LOOK_EVERY` old while calls wait."""
        with self._condition:
            now = self._clock()
            if self._seen is None or not self._waiting or now - self._seen[0] >= LOOK_EVERY / 2:
                self._seen = now, self._look()
            return self._seen[1]
