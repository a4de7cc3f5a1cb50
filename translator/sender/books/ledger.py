"""The ledger of a run: each message from its acceptance to the results of its operations.

Data that must survive a crash (spool, dead letters) is stored before it leaves memory. Every loss
is reported, and every message is counted once.
"""

import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence

from translator.core.operations import Json, Operation, Result
from translator.sender.books.dead_letters import (
    DeadLetters,
    dead_letter,
    loss_of,
    of_operation,
    of_unreadable,
)
from translator.sender.books.memory_spool import MemorySpool
from translator.sender.books.message_status import (
    Account,
    MessageStatus,
    message_loss,
    operation_loss,
    worse,
)
from translator.sender.books.spool import Spool
from translator.sender.books.spool_records import IncomingMessage, Loss, Settlement
from translator.sender.books.spool_rows import StoredOperation
from translator.sender.books.storage import StorageError
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.request_results import UNKNOWN, Settled
from translator.sender.http.destination_guard import DestinationError
from translator.sender.logs import LogEvent, log
from translator.sender.queue.event_age import with_current_endpoint
from translator.sender.queue.preparation import Preparation, UndeliverableError
from translator.sender.queue.queued_operation import QueuedOperation

Report = Callable[[Json], object]
"""Called with a loss as a JSON object, to show it to a person."""

AnySpool = Spool | MemorySpool

EXPORTED_AT_ONCE = 10_000


class Ledger:
    """The ledger of one sender. Without a spool it is lost with the process.

    `enter` and `take_in` may be called in other threads than the sender's, which calls the rest.
    """

    def __init__(
        self,
        preparation: Preparation,
        report: Report,
        *,
        spool: AnySpool | None = None,
        dead_letters: DeadLetters | None = None,
    ) -> None:
        self.account = Account()
        self.storage_problem: str | None = None
        """The reason why dead letters wait to be written to their file, else None."""
        self._preparation = preparation
        self._report = report
        self._spool = spool
        self._dead_letters = dead_letters or DeadLetters(None)
        self._unwritten: list[bytes] = []
        """Dead letters that are not in their file yet, without a spool."""
        self._taken = 0
        self._lock = threading.RLock()
        """Guards the account and the dead letters that are not in their file yet."""

    def enter(self, status: MessageStatus, result: Result, content: Json) -> IncomingMessage:
        """A translated message, ready to be taken in: its operations, and its dead letters.

        Changes nothing else. An operation that cannot be sent at all becomes a dead letter, such as
        one for an unknown host. `content` is that of the dead letter of a message that could not be
        translated.
        """
        operations, undeliverable = self._preparation.of_result(result)
        status.left = len(operations)
        losses = self.entered_losses(status, losses_of(result, content, undeliverable))
        queued = [self._preparation.queue(each, status) for each in operations]
        return IncomingMessage(status, queued, losses, result.skipped)

    def entered_losses(
        self, status: MessageStatus, losses: Sequence[tuple[Json, Json]]
    ) -> list[Loss]:
        """The losses of a message, as `losses_of` gives them, with their dead letters.

        They become part of the message's status.
        """
        for shown, _ in losses:
            status.worst = worse(status.worst, DeliveryStatus(shown["fate"]))
        return [self._loss(status, shown, content) for shown, content in losses]

    def take_in(self, messages: Iterable[IncomingMessage]) -> list[bool]:
        """Take in messages, all or none, and report what is lost of them.

        With a spool they are on disk when this returns. Returns for each whether it was accepted: a
        known message is not. Raises StorageError, with nothing changed, if they cannot be stored.
        """
        listed = list(messages)
        added = [True] * len(listed)
        if self._spool is not None:
            added = self._spool.add(listed, self._preparation.now())
        taken = [each for each, is_new in zip(listed, added, strict=True) if is_new]
        with self._lock:
            # Nearly every message becomes operations alone, which are counted later.
            for each in [each for each in taken if not each.operations or each.skipped]:
                if not each.operations:
                    self.account.add(each.status.worst)
                for code, reason in each.skipped:
                    self.account.add_code(code)
                    if log.isEnabledFor(logging.INFO):
                        where = {"line": each.status.line, "messageId": each.status.message_id}
                        log.info(LogEvent("skipped", **where, code=code, reason=reason))
            self._lost([loss for each in taken for loss in each.losses])
        return added

    def backlog(self, most: int) -> list[QueuedOperation]:
        """The next operations of the spool, in order; none when there are no more.

        Raises StorageError, with nothing changed, if a result cannot be stored.
        """
        operations: list[QueuedOperation] = []
        while self._spool is not None and not operations:
            stored = self._spool.after(self._taken, most)
            if not stored:
                break
            refused: list[Settled] = []
            unreadable: dict[int, Json] = {}
            for one in stored:
                queued, reason = self._restored(one)
                if reason is None:
                    operations.append(queued)
                else:
                    refused.append(Settled([queued], DeliveryStatus.DEAD_LETTERED, reason))
                if one.problem is not None:
                    unreadable[one.number] = of_unreadable(one.operation)
            if refused:
                self.settled(refused, unreadable)
            self._taken = stored[-1].number
        return operations

    @property
    def taken(self) -> int:
        """The number up to which the operations of the spool have been given out."""
        return self._taken

    def skip_backlog(self, number: int) -> None:
        """The operations of the spool up to a number have been given out already."""
        self._taken = max(self._taken, number)

    def sending(self, operations: Sequence[QueuedOperation]) -> None:
        """Mark operations that must not be sent twice in the spool. Raises StorageError."""
        if self._spool is not None and not operations[0].idempotent:
            self._spool.start([queued.number for queued in operations])

    def settled(
        self, settled: Sequence[Settled], contents: Mapping[int, Json] | None = None
    ) -> None:
        """Store results. Raises StorageError, with nothing changed, if that fails.

        `contents` are those of dead letters that are not the operation itself, by its number.
        """
        dead: list[Loss] = []
        for operations, delivery_status, reason in settled:
            if delivery_status is not DeliveryStatus.DELIVERED:
                for queued in operations:
                    content = (contents or {}).get(queued.number)
                    content = content or of_operation(queued.operation)
                    loss = operation_loss(queued.operation, delivery_status, reason)
                    dead.append(self._loss(queued.tag, loss, content))
        settlements = _settlements(settled)
        if self._spool is not None:
            numbers = [queued.number for operations, _, _ in settled for queued in operations]
            lines = [loss.line for loss in dead]
            self._spool.settle(numbers, settlements, self._preparation.now(), lines)
        with self._lock:
            for left, worst, messages in settlements:
                for status in messages:
                    status.left, status.worst = left, worst
                if not left:
                    self.account.add(worst, len(messages))
            self._lost(dead)

    def export(self) -> None:
        """Append the dead letters that wait to their file. Raises StorageError."""
        while True:
            if self._spool is not None:
                rows = self._spool.dead_letters(EXPORTED_AT_ONCE)
                lines = [line for _, line in rows]
            else:
                lines = self._unwritten
            if not lines:
                self.storage_problem = None
                return
            self._dead_letters.append(lines)
            if self._spool is not None:
                self._spool.remove_dead_letters(rows[-1][0])
            else:
                self._unwritten = []

    def export_left_behind(self) -> None:
        """Report a damaged spool, and write the dead letters that a crash kept from their file."""
        if self._spool is not None:
            if self._spool.damage is not None:
                self._report({"code": "spool_damaged", "reason": self._spool.damage})
            for _, line in self._spool.dead_letters(EXPORTED_AT_ONCE):
                self._report(loss_of(line))
            self._try_to_export()

    def _lost(self, losses: Sequence[Loss]) -> None:
        """Report losses, and write their dead letters, which the spool holds already."""
        if not losses:
            return
        if self._spool is None:
            self._unwritten += [loss.line for loss in losses]
        for _, shown in losses:
            if "code" in shown:
                self.account.add_code(shown["code"])
            self._report(shown)
        self._try_to_export()

    def _try_to_export(self) -> None:
        """Write dead letters to their file; if that fails now, they wait."""
        try:
            self.export()
        except StorageError as error:
            if self.storage_problem is None:
                log.error(LogEvent("storage", reason=str(error)))
            self.storage_problem = str(error)

    def _restored(self, stored: StoredOperation) -> tuple[QueuedOperation, str | None]:
        """An operation of the spool, and the reason why it must not be sent, if there is one."""
        operation = stored.operation
        reason = stored.problem
        if reason is None and stored.started:
            reason = f"the sender was stopped while it was on its way: {UNKNOWN}"
        if reason is None:
            operation = with_current_endpoint(operation, self._preparation.now() * 1000)
            try:
                queued = self._preparation.prepare(operation, stored.ordering_keys, stored.status)
                queued.number = stored.number
                return queued, None
            except (UndeliverableError, DestinationError) as error:
                reason = str(error)
        return QueuedOperation(stored.number, operation, b"", tag=stored.status), reason

    def _loss(self, status: MessageStatus, loss: Json, content: Json) -> Loss:
        shown = {"line": status.line, "messageId": status.message_id, **loss}
        return Loss(dead_letter(uuid.uuid4().hex, self._preparation.now(), shown, content), shown)


def _settlements(settled: Sequence[Settled]) -> list[Settlement]:
    """The states of messages once some operations have these results; nothing is changed."""
    states: dict[MessageStatus, tuple[int, DeliveryStatus]] = {}
    for operations, delivery_status, _ in settled:
        for queued in operations:
            status: MessageStatus = queued.tag
            left, worst = states.get(status) or (status.left, status.worst)
            states[status] = (left - 1, worse(worst, delivery_status))
    alike: dict[tuple[int, DeliveryStatus], list[MessageStatus]] = {}
    for status, state in states.items():
        alike.setdefault(state, []).append(status)
    return [Settlement(left, worst, messages) for (left, worst), messages in alike.items()]


def losses_of(
    result: Result, content: Json, undeliverable: Sequence[tuple[Operation, str]]
) -> list[tuple[Json, Json]]:
    """The losses of a message: for each its report and the content of a dead letter.

    `content` is that of the message; `undeliverable` are operations that cannot be sent, with the
    reason.
    """
    losses = [(message_loss(result), content)] if result.error is not None else []
    for operation, reason in undeliverable:
        loss = operation_loss(operation, DeliveryStatus.DEAD_LETTERED, reason)
        losses.append((loss, of_operation(operation)))
    return losses
