"""Brings the projections up to date while no requests arrive, so that the first reader is fast."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf

QUIET_SECONDS = 0.1
"""Seconds without a request before reading begins."""
SLICE_SECONDS = 0.05
"""Seconds of one slice of reading; a request that arrives meanwhile waits no longer than that."""

BUSY_SECONDS = 1.0
"""Seconds between two slices while requests arrive all the time and a client waits for changes."""
BUSY_SLICE_SECONDS = 0.01
"""Seconds of such a slice: a small part of the time, so that senders are hardly delayed."""

_LOGGER = logging.getLogger("mock_mixpanel")


class IdleReader:
    """A thread that calls `catch_up(seconds)` until it returns True, while nothing arrives.

    It sleeps until `arrived` is called. While requests arrive all the time, it reads a short slice
    every `BUSY_SECONDS` if `watched` says that a client waits for changes.
    """

    def __init__(
        self,
        catch_up: Callable[[float], bool],
        watched: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catch_up, self._watched, self._clock = catch_up, watched, clock
        self._news, self._stopped = threading.Event(), threading.Event()
        self._last_slice = -inf
        self._readers = 0
        self._interrupted = False
        self._thread = threading.Thread(target=self._run, name="idle-reader", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def arrived(self) -> None:
        """Say that a request arrived."""
        if not self._news.is_set():
            self._news.set()

    def page_shown(self) -> None:
        """Say that a page was shown, which has read a slice of its own."""
        self._last_slice = self._clock()
        self.arrived()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Begin no slice in this block.

        A page takes the lock several times, and a slice between two of them would delay it, even
        with a fair lock. Blocks may overlap; the caller enters and leaves them in one thread.
        """
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1
            if self._interrupted and not self._readers:
                self._interrupted = False
                self._news.set()

    def stop(self) -> None:
        """End the thread; a slice that it is reading ends first."""
        self._stopped.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while self._news.wait() and not self._stopped.is_set():
            self._news.clear()
            self._stopped.wait(QUIET_SECONDS)
            try:
                self._read()
            except Exception:  # The next reader gets the same error.
                _LOGGER.debug("reading while idle failed", exc_info=True)

    def _read(self) -> None:
        """Read until nothing is left or the next request arrives."""
        if self._news.is_set():
            due = self._clock() - self._last_slice >= BUSY_SECONDS
            if due and self._watched():
                self._catch_up(BUSY_SLICE_SECONDS)
                self._last_slice = self._clock()
            return
        while not self._news.is_set() and not self._has_readers():
            if self._catch_up(SLICE_SECONDS):
                return

    def _has_readers(self) -> bool:
        """Whether a reader is at work; then the end of its block continues the reading."""
        if self._readers:
            self._interrupted = True
        return self._readers > 0
