"""Tells callers of changes by a long poll: new requests, and changes of clock, projects and faults.

A call waits until there is something new. It asks the store, so a change by any worker is seen. All
waiting calls of a process share one look at the store, and at most `MOST_WAITING` wait: a further
call is answered at once, and its caller asks again later.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import NamedTuple

MOST_WAITING = 16
"""Calls that wait at once in one process."""
LONGEST_WAIT = 30.0
"""Real seconds that one call waits at most."""
WATCHED_SECONDS = 5.0
"""Real seconds after a call in which its caller is expected to call again."""
LOOK_EVERY = 0.2
"""Real seconds between two looks at the store."""


class Position(NamedTuple):
    """The id of the last request, and the version of clock, projects and faults.

    The version changes too when something is forgotten.
    """

    last: int
    version: int


class KnownPosition(NamedTuple):
    """What a caller knows, and how many real seconds it waits for a change.

    What is None is not compared.
    """

    last: int | None
    version: int | None
    seconds: float

    def differs(self, position: Position) -> bool:
        """Whether there is something new."""
        newer = self.last is not None and position.last > self.last
        return newer or (self.version is not None and position.version != self.version)


class WatchResult(NamedTuple):
    """The position now. `waited` is False if too many calls wait already."""

    position: Position
    changed: bool
    waited: bool = True


class ChangeWatch:
    """Waits for changes. `look` gives the position now. Threads may share it."""

    def __init__(
        self, look: Callable[[], Position], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look, self._clock = look, clock
        self._changed = threading.Condition()
        self._waiting = 0
        self._woken = 0
        self._seen: tuple[float, Position] | None = None
        self._called = -inf
        """When the last call began that waits."""

    def watched(self) -> bool:
        """Whether somebody waits for changes, or did so a moment ago."""
        return self._waiting > 0 or self._clock() - self._called < WATCHED_SECONDS

    def now(self, known: KnownPosition) -> WatchResult:
        """The position now, without waiting."""
        if known.seconds > 0:
            self._called = self._clock()
        position = self._look()
        return WatchResult(position, known.differs(position))

    def wait(self, known: KnownPosition) -> WatchResult:
        """Wait in this thread until the position differs from the known one."""
        result = self.now(known)
        if result.changed or not self._enter():
            return result._replace(waited=result.changed)
        woken, end = self._woken, self._end(known)
        try:
            with self._changed:
                while not result.changed and self._woken == woken and self._clock() < end:
                    self._changed.wait(min(end - self._clock(), LOOK_EVERY))
                    position = self._shared_look()
                    result = WatchResult(position, known.differs(position))
        finally:
            self._leave()
        return result

    async def wait_async(
        self,
        known: KnownPosition,
        in_thread: Callable[[Callable[[], Position]], Awaitable[Position]],
        gone: Callable[[], bool],
    ) -> WatchResult:
        """The same without a thread that waits.

        `in_thread` runs a look, which may ask a database. `gone` says that the caller has left.
        """
        position = await in_thread(self._look)
        result = WatchResult(position, known.differs(position))
        if result.changed or not self._enter():
            return result._replace(waited=result.changed)
        woken, end = self._woken, self._end(known)
        try:
            while not result.changed and self._woken == woken and not gone():
                left = end - self._clock()
                if left <= 0:
                    break
                await asyncio.sleep(min(left, LOOK_EVERY))
                position = await in_thread(self._shared_look)
                result = WatchResult(position, known.differs(position))
        finally:
            self._leave()
        return result

    def wake(self) -> None:
        """Answer all waiting calls now, as when the server stops."""
        with self._changed:
            self._woken += 1
            self._changed.notify_all()

    def _enter(self) -> bool:
        """Count a waiting call; False if there are too many."""
        with self._changed:
            free = self._waiting < MOST_WAITING
            self._waiting += free
            return free

    def _leave(self) -> None:
        with self._changed:
            self._waiting -= 1

    def _end(self, known: KnownPosition) -> float:
        return self._clock() + min(known.seconds, LONGEST_WAIT)

    def _shared_look(self) -> Position:
        """The position, at most half a `LOOK_EVERY` old."""
        with self._changed:
            now = self._clock()
            if self._seen is None or now - self._seen[0] >= LOOK_EVERY / 2:
                self._seen = now, self._look()
            return self._seen[1]
