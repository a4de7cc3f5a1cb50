"""A program that answers each line with a line, and its failures."""

import os
import queue
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

MAX_LINE_CHARACTERS = 64 << 20
"""A longer answer is refused."""

STDERR_LINES = 20
"""Number of last lines of its error stream that are kept."""

UNASKED_CHARACTERS = 200
"""Maximum characters of an unexpected line in an error."""

_NOT_UTF8 = re.compile("[\udc80-\udcff]")

END_SECONDS = 5
"""Seconds that a program may take to end once its input has ended."""


class ProcessBroken(Exception):
    """The program did not answer a line with a line. The text says what it did instead."""


class DriverProcess:
    """The program, started without a shell. Raises OSError if it cannot be started."""

    def __init__(self, words: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the user names the program
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            # Bytes that are not UTF-8 become lone surrogates, which `exchange` finds.
            errors="surrogateescape",
            # A group of its own: what it starts is ended with it.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin = self._process.stdin
        self._outputs = (self._process.stdout, self._process.stderr)
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._last_words: deque[str] = deque(maxlen=STDERR_LINES)
        self._readers = [
            threading.Thread(target=_read_lines, args=(self._outputs[0], self._lines.put)),
            threading.Thread(target=_read_lines, args=(self._outputs[1], self._hear)),
        ]
        for reader in self._readers:
            reader.daemon = True
            reader.start()

    def exchange(self, text: str, timeout_seconds: float) -> str:
        """The line that answers a line. Raises ProcessBroken if it does not come in time."""
        if not self._lines.empty():
            raise ProcessBroken(self._unasked(self._lines.get()))
        late = threading.Event()
        watchdog = threading.Timer(timeout_seconds, self._kill, [late])
        watchdog.start()
        try:
            self._stdin.write(text)
            self._stdin.flush()
            # The timer ends the wait too; this limit is for a program that survives the kill.
            line = self._lines.get(timeout=timeout_seconds + END_SECONDS)
        except (OSError, queue.Empty):
            line = None
        finally:
            watchdog.cancel()
        if line is not None and line.endswith("\n"):
            if not line.isascii() and _NOT_UTF8.search(line):
                raise ProcessBroken("the program answered with bytes that are not UTF-8")
            return line
        if late.is_set():
            raise ProcessBroken(f"the program did not answer within {timeout_seconds:g} seconds")
        if line is not None and len(line) == MAX_LINE_CHARACTERS:
            raise ProcessBroken(
                f"the program answered with a line of more than {len(line)} characters"
            )
        raise ProcessBroken(f"{self._ended()} and did not answer")

    def _unasked(self, line: str | None) -> str:
        if line is None:
            return f"{self._ended()} before it got the command"
        shown = line if len(line) <= UNASKED_CHARACTERS else f"{line[:UNASKED_CHARACTERS]} ..."
        return f"the program wrote a line before it got the command: {shown!r}"

    def _ended(self) -> str:
        """The way in which the program ended; it has closed its output."""
        with suppress(subprocess.TimeoutExpired):
            return f"the program ended with exit status {self._process.wait(END_SECONDS)}"
        return "the program closed its output"

    def end(self) -> str:
        """End the program; the last lines of its error stream."""
        with suppress(OSError):
            self._stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self._kill()
        self._process.wait()
        for reader in self._readers:
            reader.join(END_SECONDS)
        if not any(reader.is_alive() for reader in self._readers):
            for output in self._outputs:
                output.close()
        return "".join(self._last_words)

    def _kill(self, late: threading.Event | None = None) -> None:
        if late is not None:
            late.set()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _hear(self, line: str | None) -> None:
        if line is not None:
            self._last_words.append(line.encode(errors="surrogateescape").decode(errors="replace"))


def _read_lines(stream: IO[str], take: Callable[[str | None], object]) -> None:
    """Every line that comes, then None."""
    with suppress(OSError, ValueError):
        while line := stream.readline(MAX_LINE_CHARACTERS):
            take(line)
    take(None)
