"""A long poll for changes: new requests, and changes of clock, projects and faults.

A call waits until there is something new. It reads the store, so a change by any worker or by
another mock is seen. A store that reports changes is read when it reports one, any other store
every `LOOK_EVERY` seconds. All waiting calls of a process share one look at the store, and at most
`MOST_WAITING` wait: a further call is answered at once, and its caller asks again later.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import cached_property
from math import inf
from typing import Any, NamedTuple

MOST_WAITING = 16
"""Calls that wait at once in one process."""
LONGEST_WAIT = 30.0
"""Real seconds that one call waits at most."""
WATCHED_SECONDS = 5.0
"""Real seconds after a call in which its caller is expected to call again."""
LOOK_EVERY = 0.2
"""Real seconds between two looks at a store that does not report changes."""
LOOK_AT_LEAST_EVERY = 5.0
"""The same for a store that does."""


class Position(NamedTuple):
    """The id of the last request, and the version of clock, projects and faults.

    The version changes too when something is forgotten.
    """

    last: int
    version: int


class KnownPosition(NamedTuple):
    """The position that a caller knows, and the real seconds that it waits for a change.

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


def _no_subscription(changed: Callable[[], None]) -> Callable[[], bool]:
    return lambda: False


class ChangeWatch:
    """Waits for changes. `look` gives the position now. Threads may share it.

    `subscribe` asks the store to call a function after each change; see `Store.subscribe`.
    """

    def __init__(
        self,
        look: Callable[[], Position],
        subscribe: Callable[[Callable[[], None]], Callable[[], bool]] = _no_subscription,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look, self._subscribe, self._clock = look, subscribe, clock
        self._changed = threading.Condition()
        self._waiting = 0
        self._woken = 0
        self._notified = 0
        """The number of changes that the store has reported."""
        self._listeners: list[Callable[[], None]] = []
        """The functions to call after a change, or on `wake`."""
        self._seen: tuple[float, int, Position] | None = None
        """The last look: when, after how many reported changes, and what."""
        self._called = -inf
        """When the last call began that waits."""

    @cached_property
    def _is_subscribed(self) -> Callable[[], bool]:
        """Whether the store reports changes now. Reporting begins with the first waiting call."""
        return self._subscribe(self._store_changed)

    def watched(self) -> bool:
        """Whether a call waits for changes, or has waited recently."""
        return self._waiting > 0 or self._clock() - self._called < WATCHED_SECONDS

    def now(self, known: KnownPosition) -> WatchResult:
        """The position now, without waiting."""
        position = self._look()
        return WatchResult(position, known.differs(position))

    def wait(self, known: KnownPosition) -> WatchResult:
        """Wait in this thread until the position differs from the known one."""
        notified = self._notified
        position = self._own_look()
        result = WatchResult(position, known.differs(position))
        if result.changed or not self._enter():
            return result._replace(waited=result.changed)
        woken, end = self._woken, self._end(known)
        try:
            while not result.changed and self._woken == woken and self._clock() < end:
                notified = self._wait_in_thread(
                    notified, min(end - self._clock(), self._interval())
                )
                position = self._shared_look()
                result = WatchResult(position, known.differs(position))
        finally:
            self._leave()
        return result

    async def wait_async(
        self,
        known: KnownPosition,
        in_thread: Callable[[Callable[[], Position]], Awaitable[Position]],
        gone: asyncio.Future[Any],
    ) -> WatchResult:
        """The same without a waiting thread.

        `in_thread` runs a query of the position, which may block. `gone` completes when the caller
        has disconnected.
        """
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(news.set)

        with self._listening(wake):
            position = await in_thread(self._own_look)
            result = WatchResult(position, known.differs(position))
            if result.changed or not self._enter():
                return result._replace(waited=result.changed)
            woken, end = self._woken, self._end(known)
            try:
                while not result.changed and self._woken == woken and not gone.done():
                    left = end - self._clock()
                    if left <= 0:
                        break
                    await _first(news.wait(), gone, min(left, self._interval()))
                    news.clear()
                    position = await in_thread(self._shared_look)
                    result = WatchResult(position, known.differs(position))
            finally:
                self._leave()
            return result

    def wake(self) -> None:
        """Answer all waiting calls now, for example when the server stops."""
        with self._changed:
            self._woken += 1
            self._notify()

    @contextmanager
    def _listening(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call a function, which must be quick, whenever waiting calls have to query the position
        again."""
        with self._changed:
            self._listeners.append(listener)
        try:
            yield
        finally:
            with self._changed:
                self._listeners.remove(listener)

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

    def _interval(self) -> float:
        """Real seconds until the next look at the store, if it reports no change before."""
        with self._changed:  # so that two first calls query the store once
            is_subscribed = self._is_subscribed
        return LOOK_AT_LEAST_EVERY if is_subscribed() else LOOK_EVERY

    def _store_changed(self) -> None:
        with self._changed:
            self._notified += 1
            self._notify()

    def _notify(self) -> None:
        """End all waits for the next look. Call it with the lock."""
        self._changed.notify_all()
        for listener in self._listeners:
            listener()

    def _wait_in_thread(self, notified: int, seconds: float) -> int:
        """Wait for a change after the first `notified` ones, for a number of seconds at most.

        Returns the number of changes that the store has reported.
        """
        with self._changed:
            if self._notified == notified:
                self._changed.wait(seconds)
            return self._notified

    def _own_look(self) -> Position:
        """The position at the start of a waiting call."""
        with self._changed:
            self._called = now = self._clock()
            self._seen = now, self._notified, self._look()
            return self._seen[2]

    def _shared_look(self) -> Position:
        """The position: not older than the last reported change, and than half a
        `LOOK_EVERY`."""
        with self._changed:
            now, notified = self._clock(), self._notified
            if (
                self._seen is None
                or self._seen[1] != notified
                or now - self._seen[0] >= LOOK_EVERY / 2
            ):
                self._seen = now, notified, self._look()
            return self._seen[2]


async def _first(news: Coroutine[Any, Any, Any], gone: asyncio.Future[Any], seconds: float) -> None:
    """Wait for the first of two, but not for longer than some seconds."""
    waiting = asyncio.ensure_future(news)
    await asyncio.wait([waiting, gone], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
