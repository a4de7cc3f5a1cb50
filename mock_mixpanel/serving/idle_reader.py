"""Brings the projections up to date while no requests arrive, so that the first reader is fast."""

import logging
import threading
from collections.abc import Callable

QUIET_SECONDS = 0.1
"""How long no request arrives before reading begins."""
SLICE_SECONDS = 0.02
"""How long one slice of reading takes; a request that arrives meanwhile waits no longer."""

_LOGGER = logging.getLogger("mock_mixpanel")


class IdleReader:
    """A thread that calls `catch_up(seconds)` until it returns True, while nothing arrives.

    It sleeps until `arrived` is called.
    """

    def __init__(self, catch_up: Callable[[float], bool]) -> None:
        self._catch_up = catch_up
        self._news, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="idle-reader", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def arrived(self) -> None:
        """Say that a request arrived."""
        if not self._news.is_set():
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
                while not self._news.is_set() and not self._catch_up(SLICE_SECONDS):
                    pass
            except Exception:  # The next reader gets the same error.
                _LOGGER.debug("reading while idle failed", exc_info=True)
