"""What a person at a terminal sees while messages are delivered."""

from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO

from tqdm import tqdm

from translator.sender.books.message_status import Account
from translator.terminal_text import printable

FORMAT = "{n_fmt} messages, {rate_fmt}, {elapsed}{postfix}"


def write_line(line: str, stream: TextIO) -> None:
    """A line of text on a stream, from any thread, above a running count if there is one.

    Control characters are escaped. A pipe whose reader is gone does not stop delivery.
    """
    with suppress(BrokenPipeError):
        tqdm.write(printable(line), file=stream)


class Progress:
    """A line on a stream with what was read, how fast, and what became of it.

    Without `shown` only what is written through it appears.
    """

    def __init__(self, stream: TextIO, *, shown: bool) -> None:
        self._stream = stream
        self._bar = tqdm(
            disable=not shown,
            file=stream,
            unit=" messages",
            bar_format=FORMAT,
            dynamic_ncols=True,
            mininterval=0.2,
        )

    def show(self, account: Account) -> None:
        """Bring the line up to date, if it is time."""
        if not self._bar.disable:
            counts = account.summary()
            self._bar.set_postfix(
                {name: count for name, count in counts.items() if name != "read"}, refresh=False
            )
            self._bar.update(counts["read"] - self._bar.n)

    def write(self, line: str) -> None:
        """A line of text that stays."""
        write_line(line, self._stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()
