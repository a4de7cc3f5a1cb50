"""Keeping the books: each message's operations from where they come from to their verdicts.

A ledger is a source for the sender. It writes down what must survive a crash (spool, dead letters)
before it lets go of it, reports every loss, and counts every message once.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence

from translator.core.operations import Json, Result
from translator.sender.books.dead_letters import DeadLetters, of_operation
from translator.sender.books.message_status import (
    Account,
    MessageStatus,
    message_loss,
    operation_loss,
)
from translator.sender.books.spool import (
    IncomingMessage,
    Loss,
    Spool,
    SpoolReference,
    StoredOperation,
)
from translator.sender.deliver import Sender, UndeliverableError
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.batch_safety import with_current_endpoint
from translator.sender.dispatch.dispatch import UNKNOWN, Settled
from translator.sender.dispatch.queued_operation import (
    QueuedOperation,
    ordering_keys_of,
    ordering_keys_of_people,
)
from translator.sender.http.destination_guard import DestinationError

Report = Callable[[Json], object]
"""Gets a loss as a JSON object, to be shown to a person."""


class Ledger:
    """The books of one sender. Without a spool nothing outlives the process."""

    def __init__(
        self,
        sender: Sender,
        report: Report,
        *,
        spool: Spool | None = None,
        dead_letters: DeadLetters | None = None,
    ) -> None:
        self.account = Account()
        self._sender = sender
        self._report = report
        self._spool = spool
        self._dead_letters = dead_letters or DeadLetters(None)
        self._run = spool.id if spool else uuid.uuid4().hex[:12]
        self._taken = 0

    def enter(self, entry: MessageStatus, result: Result, again: Json) -> IncomingMessage:
        """The letters of a translated message; what cannot become one is among its losses.

        Nothing is sent, kept or reported yet: `lose` does that for the losses of many messages at
        once. An operation for a host that leads nowhere, as dead letters of another project have
        one, is a loss too. `again` is what a dead letter says of a message that could not be
        translated. Any thread may call this.
        """
        letters: list[QueuedOperation] = []
        losses: list[Loss] = []
        if result.error is not None:
            entry.fates.add(DeliveryStatus.REJECTED)
            losses.append(Loss(f"L{entry.line}", message_loss(result), again))
        people = ordering_keys_of_people(result.people)
        for place, operation in enumerate(result.operations):
            lanes = people
            if not people or operation.endpoint == "/groups" or "event" in operation.payload:
                lanes = ordering_keys_of(operation, result.people)
            try:
                letters.append(self._sender.prepare(operation, lanes, SpoolReference(entry)))
            except (UndeliverableError, DestinationError) as error:
                entry.fates.add(DeliveryStatus.DEAD_LETTERED)
                loss = operation_loss(operation, DeliveryStatus.DEAD_LETTERED, str(error))
                losses.append(Loss(f"L{entry.line}.{place}", loss, of_operation(operation)))
        entry.left = len(letters)
        return IncomingMessage(entry, letters, losses)

    def lose(self, messages: Iterable[IncomingMessage]) -> None:
        """Report the losses of messages that are being taken in, and write their dead letters."""
        dead = [self._loss(entry, *loss) for entry, _, losses in messages for loss in losses]
        if dead:
            self._dead_letters.write(dead, self._sender.moment())

    def backlog(self, most: int) -> list[QueuedOperation]:
        """Letters of what the spool still holds, in order; none when there is no more."""
        letters: list[QueuedOperation] = []
        while self._spool is not None and not letters:
            kept = self._spool.after(self._taken, most)
            if not kept:
                break
            self._taken = kept[-1].number
            for one in kept:
                letter = self._revived(one)
                if letter is not None:
                    letters.append(letter)
        return letters

    @property
    def taken(self) -> int:
        """Up to which number the operations of the spool were taken."""
        return self._taken

    def skip_backlog(self, number: int) -> None:
        """What is in the spool up to a number has been taken already."""
        self._taken = max(self._taken, number)

    def sending(self, letters: Sequence[QueuedOperation]) -> None:
        """Mark in the spool what must not be sent twice."""
        if self._spool is not None and not letters[0].idempotent:
            self._spool.start([letter.tag.number for letter in letters])

    def settled(self, settled: Sequence[Settled]) -> None:
        """Write down verdicts."""
        touched: dict[int, MessageStatus] = {}
        dead: list[Json] = []
        for letters, fate, reason in settled:
            for letter in letters:
                entry: MessageStatus = letter.tag.entry
                entry.settle(fate)
                touched[id(entry)] = entry
                if fate is not DeliveryStatus.DELIVERED:
                    loss = operation_loss(letter.operation, fate, reason)
                    again = of_operation(letter.operation)
                    place = str(letter.tag.number or letter.number)
                    dead.append(self._loss(entry, place, loss, again))
        self._dead_letters.write(dead, self._sender.moment())
        if self._spool is not None:
            numbers = [letter.tag.number for each in settled for letter in each.operations]
            self._spool.settle(numbers, touched.values(), self._sender.moment())
        for entry in touched.values():
            if entry.fate is not None:
                self.account.add(entry.fate)

    def _revived(self, kept: StoredOperation) -> QueuedOperation | None:
        """The letter of an operation that was left in the spool, unless it must not be sent."""
        operation = kept.operation
        reason = None
        if kept.started:
            reason = f"the sender was stopped while it was on its way: {UNKNOWN}"
        if reason is None:
            operation = with_current_endpoint(operation, self._sender.moment() * 1000)
            try:
                return self._sender.prepare(
                    operation, kept.ordering_keys, SpoolReference(kept.entry, kept.number)
                )
            except UndeliverableError as error:
                reason = str(error)
        letter = QueuedOperation(0, operation, b"", tag=SpoolReference(kept.entry, kept.number))
        self.settled([Settled([letter], DeliveryStatus.DEAD_LETTERED, reason)])
        return None

    def _loss(self, entry: MessageStatus, place: str, loss: Json, again: Json) -> Json:
        """Report a loss; gives the dead letter, whose id is the same after a crash."""
        shown = {"line": entry.line, "messageId": entry.message_id, **loss}
        self._report(shown)
        return {"id": f"{self._run}:{place}", **shown, **again}


class Given:
    """Letters that are all there already, as a source."""

    def __init__(self, letters: Sequence[QueuedOperation], ledger: Ledger) -> None:
        self._letters: Sequence[QueuedOperation] | None = letters
        self._ledger = ledger

    def take(self, room: int) -> Sequence[QueuedOperation] | None:
        """All of them, once."""
        taken, self._letters = self._letters, None
        return taken or None

    def sending(self, letters: Sequence[QueuedOperation]) -> None:
        """As the ledger does."""
        self._ledger.sending(letters)

    def settled(self, settled: Sequence[Settled]) -> None:
        """As the ledger does."""
        self._ledger.settled(settled)
