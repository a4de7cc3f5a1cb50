"""The `send` command: lines in, deliveries out, and an account of every message.

A limited number of messages is in memory at a time, however long the input is.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from translator.core.operations import Json, Result
from translator.sender.books.dead_letters import DeadLetters, of_line
from translator.sender.books.ledger import Ledger
from translator.sender.books.message_status import MessageStatus
from translator.sender.books.spool import IncomingMessage, Spool
from translator.sender.commands.progress import Progress
from translator.sender.commands.stdin_reader import Given, Lines
from translator.sender.deliver import Sender
from translator.sender.dispatch.batching import encode
from translator.sender.dispatch.dispatch import Settled
from translator.sender.dispatch.queued_operation import QueuedOperation
from translator.sender.http.destination_guard import DestinationError
from translator.sender.logs import LogEvent, log

EXIT_DELIVERED, EXIT_LOST, EXIT_USAGE = 0, 1, 2


def run_send(
    lines: Iterable[bytes] | Lines,
    translate_line: Callable[[bytes], Result],
    sender: Sender,
    host: str,
    *,
    out: TextIO,
    err: TextIO,
    progress: bool = False,
    spool: Spool | None = None,
    dead_letters: DeadLetters | None = None,
    again: Callable[[bytes], Json] = of_line,
) -> int:
    """Translate and deliver messages, one a line; give the exit code.

    `host` is where the settings lead, such as `https://api.mixpanel.com`. `out` gets the summary as
    one JSON object, `err` one JSON object for each loss, and a running count if `progress`.

    What is in the spool is delivered first. After a run that did not come to its end the same input
    goes on where that one stopped: lines that were taken in are not taken in again. `again` gives
    what a dead letter says of a line that could not be translated.

    The exit code is 0 if nothing was lost, 1 if something was, and 2, with nothing read or sent, if
    operations for `host` may go nowhere.
    """
    try:
        sender.base_url(host)
    except DestinationError as error:
        print(f"Error: {error}", file=err)
        return EXIT_USAGE
    with Progress(err, shown=progress) as shown:

        def report(loss: Json) -> None:
            shown.write(encode(loss).decode())

        ledger = Ledger(sender, report, spool=spool, dead_letters=dead_letters)
        if spool is not None and spool.interrupted:
            sender.rest(after_crash=True)
        given = Given(lines) if isinstance(lines, Iterable) else lines
        source = _Source(given, translate_line, ledger, sender, spool, shown, again)
        sender.run(source)
        sender.rest()
    if spool is not None:
        spool.clear()
    summary = ledger.account.summary()
    log.info(LogEvent("stop", **summary))
    print(encode(summary).decode(), file=out)
    return EXIT_LOST if ledger.account.lost else EXIT_DELIVERED


class _Source:
    """The lines of an input as a source of letters, after what the spool holds."""

    def __init__(
        self,
        lines: Lines,
        translate_line: Callable[[bytes], Result],
        ledger: Ledger,
        sender: Sender,
        spool: Spool | None,
        progress: Progress,
        again: Callable[[bytes], Json],
    ) -> None:
        self._lines = lines
        self._number = 0
        self._translate = translate_line
        self._ledger = ledger
        self._sender = sender
        self._spool = spool
        self._progress = progress
        self._again = again
        self._behind = spool is not None

    def take(self, room: int) -> Sequence[QueuedOperation] | None:
        if self._behind:
            letters = self._ledger.backlog(room)
            if letters:
                return letters
            self._behind = False
        lines = self._lines.take(room)
        if not lines:
            return None if lines is None else ()
        taken = self._enter(lines)
        self._progress.show(self._ledger.account)
        if not taken:
            # There may be more lines; but first others have their turn, such as an answer.
            self._sender.wake()
        return taken

    def sending(self, letters: Sequence[QueuedOperation]) -> None:
        self._ledger.sending(letters)

    def settled(self, settled: Sequence[Settled]) -> None:
        self._ledger.settled(settled)
        self._progress.show(self._ledger.account)

    def _enter(self, lines: Sequence[bytes]) -> list[QueuedOperation]:
        fresh: list[IncomingMessage] = []
        for number, line in enumerate(lines, start=self._number + 1):
            self._number = number
            key = b""
            if self._spool is not None:
                key = _key(number, line)
                if self._known(key):
                    continue
            result = self._translate(line)
            entry = MessageStatus(number, result.message_id, 0, key=key)
            fresh.append(self._ledger.enter(entry, result, self._again(line)))
        self._ledger.lose(fresh)
        if self._spool is not None and fresh:
            self._spool.add(fresh, self._sender.moment())
        for message in fresh:
            if message.entry.fate is not None:
                self._ledger.account.add(message.entry.fate)
        letters = [letter for message in fresh for letter in message.operations]
        if letters and self._spool is not None:
            self._ledger.skip_backlog(letters[-1].tag.number)
        return letters

    def _known(self, key: bytes) -> bool:
        """Whether a run before took in this line; what became of it then counts."""
        assert self._spool is not None
        known, fate = self._spool.known(key)
        if fate is not None:
            self._ledger.account.add(fate)
        return known


def _key(number: int, line: bytes) -> bytes:
    """What tells a line from the others: its place and its text."""
    return hashlib.blake2b(b"%d %b" % (number, line), digest_size=16).digest()
