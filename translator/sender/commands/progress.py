"""The progress display of a delivery on a terminal: lines, and a running count below them.

`rich` is loaded when a count is shown, so that the sender as a library starts without it.
"""

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TextIO

from translator.sender.books.message_status import Account
from translator.terminal_text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

REFRESHES_PER_SECOND = 5

_lock = threading.Lock()
_shown: dict[int, "Console"] = {}
"""The consoles with a running count, by their stream."""


def write_line(line: str, stream: TextIO) -> None:
    """Write a line of text on a stream, from any thread, above a running count if there is one.

    Control characters are escaped. A pipe whose reader is gone does not stop delivery.
    """
    text = printable(line)
    with suppress(BrokenPipeError):
        console = _shown.get(id(stream))
        if console is not None:
            console.print(text, soft_wrap=True, markup=False, highlight=False, emoji=False)
        else:
            with _lock:
                stream.write(f"{text}\n")
                stream.flush()


class Progress:
    """A line on a stream: the number of messages read, the rate, and their statuses.

    Without `shown` there is no progress line.
    """

    def __init__(self, stream: TextIO, *, shown: bool) -> None:
        self._stream = stream
        self._began = self._updated = time.monotonic()
        self._account: Account | None = None
        self._live = _live(stream) if shown else None

    def show(self, account: Account) -> None:
        """Bring the line up to date, if it is time."""
        self._account = account
        now = time.monotonic()
        if self._live is not None and now - self._updated >= 1 / REFRESHES_PER_SECOND:
            self._updated = now
            self._live.update(self._text(account))

    def write(self, line: str) -> None:
        """Write a line of text above the progress line."""
        write_line(line, self._stream)

    def _text(self, account: Account) -> "Text":
        from rich.text import Text

        counts = account.summary()
        read = counts.pop("read")
        seconds = time.monotonic() - self._began
        rate = read / seconds if seconds else 0.0
        statuses = ", ".join(f"{name}={count}" for name, count in counts.items())
        return Text(f"{read} messages, {rate:.0f} messages/s, {seconds:.0f} s, {statuses}")

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
            _shown[id(self._stream)] = self._live.console
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            if self._account is not None:
                self._live.update(self._text(self._account))
            _shown.pop(id(self._stream), None)
            self._live.stop()


def _live(stream: TextIO) -> "Live":
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream, force_terminal=True)
    return Live(console=console, refresh_per_second=REFRESHES_PER_SECOND)
