"""Retries of failed writes, such as on a full disk."""

from collections.abc import Callable
from typing import TypeVar

from translator.sender.books.storage import StorageError
from translator.sender.logs import LogEvent, log

RETRY_SECONDS = 1.0
"""Seconds between two tries of a write."""

PATIENCE_SECONDS = 5.0
"""Seconds during which a command that gives up repeats a write."""

Stored = TypeVar("Stored")


class StorageRetries:
    """Repeats a write until it succeeds.

    `pause` waits for a number of seconds. If `gives_up` is true, a write fails for good after
    PATIENCE_SECONDS.
    """

    def __init__(self, gives_up: bool, pause: Callable[[float], None]) -> None:
        self._gives_up, self._pause = gives_up, pause

    def retried(self, write: Callable[[], Stored]) -> Stored:
        """The result of `write`. Raises its last StorageError when the time is up."""
        waited = 0.0
        while True:
            try:
                done = write()
            except StorageError as error:
                if not waited:
                    log.error(LogEvent("storage", state="failed", reason=str(error)))
                if self._gives_up and waited >= PATIENCE_SECONDS:
                    raise
                self._pause(RETRY_SECONDS)
                waited += RETRY_SECONDS
            else:
                if waited:
                    log.warning(LogEvent("storage", state="recovered", waited=waited))
                return done
