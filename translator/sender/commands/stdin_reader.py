"""Reads the lines of an input or a pipe. Requests in flight never wait for the next line.

The lines of a pipe are read in a thread of their own, a little ahead of their use.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol

AHEAD = 4
"""Number of pieces of the input that are read ahead."""


class Lines(Protocol):
    """An input, line by line."""

    def take(self, room: int) -> Sequence[bytes] | None:
        """About `room` lines; an empty list if none is available now; None after the last.

        If reading fails it raises the error, such as OSError, after the lines before.
        """


class ReadyLines:
    """Lines that are all available, such as those of a file."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._failure: OSError | None = None

    def take(self, room: int) -> Sequence[bytes] | None:
        found: list[bytes] = []
        if self._failure is None:
            try:
                for line in islice(self._lines, room):
                    found.append(line)
            except OSError as error:
                self._failure = error
        if not found and self._failure:
            raise self._failure
        return found or None


class Arriving:
    """Lines in the pieces in which they arrive; another thread calls `wake` after each piece.

    `take` raises the exception of the reading thread after the lines before it.
    """

    def __init__(self, pieces: Iterator[Sequence[bytes]], wake: Callable[[], object]) -> None:
        self._queue: queue.Queue[Sequence[bytes] | None] = queue.Queue(AHEAD)
        self._ended = False
        self._failure: Exception | None = None
        # A daemon thread: a read that never returns must not keep the process alive.
        threading.Thread(target=self._read, args=(pieces, wake), daemon=True).start()

    def take(self, room: int) -> Sequence[bytes] | None:
        found: list[bytes] = []
        while not self._ended and len(found) < room:
            try:
                piece = self._queue.get_nowait()
            except queue.Empty:
                return found
            self._ended = piece is None
            found += piece or ()
        if not found and self._failure:
            raise self._failure
        return found or None

    def _read(self, pieces: Iterator[Sequence[bytes]], wake: Callable[[], object]) -> None:
        try:
            for piece in pieces:
                self._queue.put(piece)
                wake()
        except Exception as error:
            self._failure = error
        self._queue.put(None)
        wake()
