"""The command `send`: translates and delivers lines, and counts every message.

A limited number of messages is in memory at a time, however long the input is.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TextIO

from translator.core.operations import Json, Result
from translator.sender.books.dead_letters import DeadLetters, of_line
from translator.sender.books.ledger import Ledger
from translator.sender.books.message_status import Account, MessageStatus
from translator.sender.books.spool import INPUT_KEY, Spool
from translator.sender.books.spool_records import FinishedRun, IncomingMessage
from translator.sender.books.storage import StorageError
from translator.sender.commands.input_history import HistoricInput
from translator.sender.commands.progress import Progress
from translator.sender.commands.stdin_reader import Lines, ReadyLines
from translator.sender.deliver import Sender
from translator.sender.dispatch.request_results import Settled
from translator.sender.http.destination_guard import DestinationError
from translator.sender.logs import LogEvent, log
from translator.sender.queue.payload_text import encode
from translator.sender.queue.queued_operation import QueuedOperation

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
    content: Callable[[bytes], Json] = of_line,
    again: str | None = None,
    line_number: Callable[[int], int] = int,
) -> int:
    """Translate and deliver messages, one on each line; returns the exit code.

    `host` is the host of the settings, such as `https://api.mixpanel.com`. `out` gets the summary
    as one JSON object, `err` one JSON object for each loss, and a running count if `progress`.
    `content` gives the content of the dead letter of a line that could not be translated.
    `line_number` gives the number that reports name, for the place of a line among `lines`, from 1.

    The operations in the spool are delivered first. After a run that did not finish, the same input
    continues where that run stopped. After a run that finished, its input is not delivered again
    unless `again` is the id of that run; if the input has grown, only its new lines are delivered.

    The exit code is 0 if nothing was lost, 1 if something was or if something could not be stored,
    and 2, with nothing read or sent, for wrong usage.
    """
    try:
        sender.base_url(host)
        if spool is not None and again is not None:
            _repeat(spool, again)
    except (DestinationError, ValueError) as error:
        print(f"Error: {error}", file=err)
        return EXIT_USAGE
    with Progress(err, shown=progress) as shown:

        def report(loss: Json) -> None:
            shown.write(encode(loss).decode())

        ledger = Ledger(sender.preparation, report, spool=spool, dead_letters=dead_letters)
        run = _Run(ledger, sender, spool, translate_line, shown, content, line_number)
        given = ReadyLines(lines) if isinstance(lines, Iterable) else lines
        problem = run.deliver(given)
    summary = ledger.account.full()
    if run.delivered_before:
        summary["delivered_before"] = run.delivered_before
    if spool is not None and spool.damage is not None:
        summary["damage"] = spool.damage
    if problem is not None:
        summary["error"] = problem
        if spool is not None:
            summary["waiting"] = spool.waiting()
    log.info(LogEvent("stop", **{name: summary[name] for name in summary if name != "codes"}))
    print(encode(summary).decode(), file=out)
    lost = ledger.account.lost or not summary.keys().isdisjoint({"damage", "error"})
    return EXIT_LOST if lost else EXIT_DELIVERED


def _repeat(spool: Spool, run: str) -> None:
    """Allow the input of a finished run once more. Raises ValueError if there is no such run."""
    finished = spool.finished
    if finished is None:
        if spool.repeats != run:
            raise ValueError(f"the spool has no finished run {run}; omit --again")
    elif finished.id == run:
        spool.begin_input(repeats=run)
    elif finished.repeats != run:
        raise ValueError(f"the run that finished last is {finished.id}, not {run}")


class _Run:
    """One run of `send` or `resend`: a source of operations for the sender."""

    def __init__(
        self,
        ledger: Ledger,
        sender: Sender,
        spool: Spool | None,
        translate_line: Callable[[bytes], Result],
        progress: Progress,
        content: Callable[[bytes], Json],
        line_number: Callable[[int], int],
    ) -> None:
        self.delivered_before = 0
        """The number of lines that a finished run has delivered."""
        self._ledger = ledger
        self._sender = sender
        self._spool = spool
        self._translate = translate_line
        self._progress = progress
        self._content = content
        self._line_number = line_number
        self._lines: Lines
        self._history: HistoricInput | None = None
        self._finished: FinishedRun | None = None
        self._number = 0
        self._unstored: list[IncomingMessage] = []
        """Messages that were read but could not be stored yet."""
        self._behind = spool is not None
        self._unreadable: str | None = None
        """Why the input cannot be read to its end."""

    def deliver(self, lines: Lines) -> str | None:
        """Deliver everything; gives the problem that ended it early, if there was one."""
        sender, spool = self._sender, self._spool
        self._lines = lines
        try:
            if spool is not None:
                if spool.interrupted:
                    sender.rest(after_crash=True)
                self._ledger.export_left_behind()
                self._finished = spool.finished
                self._history = HistoricInput(lines, self._finished, self._begin, sender.wake)
                self._lines = self._history
            sender.run(self)
            self._ledger.export()
            if spool is not None and self._unreadable is None:
                self._finish(spool)
        except StorageError as error:
            return str(error)
        finally:
            if self._history is not None:
                self._history.close()
        sender.rest()
        return self._unreadable

    def take(self, room: int) -> Sequence[QueuedOperation] | None:
        """The next operations, first those that the spool holds."""
        if self._behind:
            operations = self._ledger.backlog(room)
            if operations:
                return operations
            self._behind = False
        if not self._unstored:
            lines = self._take_lines(room)
            self._continue_finished()
            if not lines:
                return None if lines is None else ()
            self._unstored = self._read(lines)
        self._ledger.take_in(self._unstored)
        taken = [queued for message in self._unstored for queued in message.operations]
        self._unstored = []
        if taken and self._spool is not None:
            self._ledger.skip_backlog(taken[-1].number)
        self._progress.show(self._ledger.account)
        if not taken:
            # There may be more lines, but a response is processed first.
            self._sender.wake()
        return taken

    def _take_lines(self, room: int) -> Sequence[bytes] | None:
        """The next lines of the input; it ends where it cannot be read."""
        if self._unreadable is None:
            try:
                return self._lines.take(room)
            except OSError as error:
                self._unreadable = (
                    f"the input cannot be read to its end: {error}; the lines before are delivered"
                )
        return None

    def sending(self, operations: Sequence[QueuedOperation]) -> None:
        """See `Ledger`."""
        self._ledger.sending(operations)

    def settled(self, settled: Sequence[Settled]) -> None:
        """See `Ledger`."""
        self._ledger.settled(settled)
        self._progress.show(self._ledger.account)

    def _begin(self) -> None:
        """Record that another input begins than the finished one."""
        if self._finished is not None and self._spool is not None:
            self._spool.begin_input()
            self._finished = None

    def _continue_finished(self) -> None:
        """Count what a finished run has delivered, once it is clear that it was this input."""
        if self._history is None or self.delivered_before == self._history.delivered:
            return
        finished = self._finished
        assert finished is not None, "its lines were recognized"
        self.delivered_before = self._number = self._history.delivered
        account = Account(finished.summary)
        account.merge(self._ledger.account)
        self._ledger.account = account
        hint = f"--again {finished.id} sends these lines again"
        at = datetime.fromtimestamp(finished.at, UTC).isoformat(timespec="seconds")
        said = {"run": finished.id, "finished_at": at, "lines": finished.lines, "hint": hint}
        log.warning(LogEvent("delivered_before", **said))

    def _finish(self, spool: Spool) -> None:
        """Remember that the whole input is delivered."""
        assert self._history is not None
        digest = self._history.digest
        if self._finished is not None and digest.lines == self._finished.lines:
            return  # nothing was added to the finished input
        spool.finish(
            FinishedRun(
                uuid.uuid4().hex[:12],
                self._sender.moment(),
                digest.lines,
                digest.digests(),
                self._ledger.account.full(),
                spool.repeats,
            )
        )

    def _read(self, lines: Sequence[bytes]) -> list[IncomingMessage]:
        """Translate the lines that are not known from a run before."""
        fresh: list[IncomingMessage] = []
        for line in lines:
            self._number += 1
            key = b""
            if self._spool is not None:
                key = _key(self._number, line)
                if self._known(key):
                    continue
            result = self._translate(line)
            status = MessageStatus(self._line_number(self._number), result.message_id, 0, key=key)
            fresh.append(self._ledger.enter(status, result, self._content(line)))
        return fresh

    def _known(self, key: bytes) -> bool:
        """Whether a run before took in this line; its status then counts."""
        assert self._spool is not None
        known, status = self._spool.known(key)
        if status is not None:
            self._ledger.account.add(status)
        return known


def _key(number: int, line: bytes) -> bytes:
    """The key of a line: made of its place and its text."""
    return INPUT_KEY + hashlib.blake2b(b"%d %b" % (number, line), digest_size=16).digest()
