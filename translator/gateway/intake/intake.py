"""Stores the messages of requests before the requests are answered.

A request submits its messages. One writer thread puts the messages of many requests into the spool
with one commit, hands their operations to the delivery queue, and answers the requests. A spool in
memory takes messages at once, so the thread of the request does it, unless a dead letter has to be
written or the writer has earlier requests.
"""

import logging
import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from translator.core.operations import Json
from translator.gateway.delivery.delivery_queue import DeliveryQueue
from translator.gateway.delivery.observer import Observer
from translator.gateway.intake.intake_result import NOT_STORED, TOO_MUCH, Done, IntakeResult
from translator.gateway.translation.source_translation import TranslatedMessage
from translator.sender.books.ledger import AnySpool, Ledger
from translator.sender.books.memory_spool import MemorySpool
from translator.sender.books.message_status import MessageStatus
from translator.sender.books.spool_records import IncomingMessage
from translator.sender.books.storage import StorageError
from translator.sender.deliver import Sender
from translator.sender.logs import LogEvent
from translator.sender.queue.queued_operation import QueuedOperation

log = logging.getLogger("translator.gateway")

CAPACITY = 100_000
"""Maximum number of waiting operations. Beyond it requests are refused, and clients send them
again."""

CAPACITY_BYTES = 256 * 1024 * 1024
"""Maximum total size of waiting operations, in bytes, if the spool is in memory."""

GROUP_MESSAGES = 2000
"""The writer adds requests to a group until the group has this number of messages."""

BATCH_OPERATIONS = 1000
BATCH_SECONDS = 0.05
"""The sender is woken for this number of operations, or after this time: small requests cost as
much as large ones."""

PROBE_SECONDS = 1.0
"""Seconds between two attempts to write, after messages could not be stored."""

PROBE_BYTES = (16 * 1024, 4 * 1024 * 1024)
"""The room that is tried, at least and at most. In between it is four times the size of what could
not be stored: a page that changes is written as a whole."""

UNNUMBERED = 0
"""The number of an operation until the spool gives it one."""

STOP = None


class _WakeSender(NamedTuple):
    """Asks the writer to wake the sender soon."""


_WAKE_SENDER = _WakeSender()


class _Request(NamedTuple):
    messages: Sequence[IncomingMessage]
    operations: int
    done: Done


class Intake:
    """Takes the translated messages of one source from the server.

    `delivery` gets the operations of what is stored. `capacity` is in operations. Only one thread
    may submit.
    """

    def __init__(
        self,
        sender: Sender,
        ledger: Ledger,
        spool: AnySpool,
        delivery: DeliveryQueue,
        observer: Observer,
        *,
        capacity: int = CAPACITY,
    ) -> None:
        self.store_problem: str | None = None
        """The reason if the last group could not be stored, else None."""
        self._refused_bytes = 0
        """The size of what could not be stored."""
        self._sender = sender
        self._ledger = ledger
        self._spool = spool
        self._delivery = delivery
        self._observer = observer
        self._capacity = capacity
        self._in_memory = isinstance(spool, MemorySpool)
        self._capacity_bytes = CAPACITY_BYTES if self._in_memory else None
        self._requests: queue.SimpleQueue[_Request | _WakeSender | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        """Guards the counters of what is submitted."""
        self._submitted = 0
        """Operations that are not stored yet."""
        self._queued = 0
        """Requests that the writer has."""
        self._unwoken = 0
        """About how many operations were stored since the sender was woken."""
        self._wake_asked = False
        """Whether the writer is going to wake the sender."""
        self._closed = False
        self._lines = 0
        self._writer = threading.Thread(target=self._write, name="gateway-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._writer.start()

    def enter(self, translated: Sequence[TranslatedMessage]) -> list[IncomingMessage]:
        """Prepare translated messages for storing. Stores nothing yet."""
        entered: list[IncomingMessage] = []
        for key, message_id, kind, error, skipped, operations, losses in translated:
            self._lines += 1
            status = MessageStatus(self._lines, message_id, len(operations), key=key)
            lost = self._ledger.entered_losses(status, losses) if losses else ()
            queued = [QueuedOperation.of(UNNUMBERED, each, status) for each in operations]
            entered.append(IncomingMessage(status, queued, lost, skipped, kind, error))
        return entered

    def room(self) -> bool:
        """Whether there is room for messages now."""
        if self._closed or self._delivery.waiting + self._submitted >= self._capacity:
            return False
        return self._capacity_bytes is None or self._delivery.waiting_bytes < self._capacity_bytes

    def accepts(self) -> bool:
        """Whether a call would be accepted now."""
        return self.room() and self.store_problem is None

    def store_at_once(self, messages: Sequence[IncomingMessage]) -> IntakeResult | None:
        """Store all messages of a request, or nothing, if that does not block this thread.

        None if the writer has to store them: call `submit` then. A message that is known already
        was sent again by its client; it is not stored twice.
        """
        if not self.room():
            return IntakeResult(stored=False, problem=TOO_MUCH)
        if not self._in_memory or self._queued or any(each.losses for each in messages):
            return None
        try:
            added, operations = self._take_in(messages)
        except Exception as error:
            self._log_problem(error, messages)
            return IntakeResult(stored=False, problem=NOT_STORED)
        self._unwoken += operations
        if self._unwoken >= BATCH_OPERATIONS:
            self._wake()
        elif operations and not self._wake_asked:
            self._wake_asked = True
            self._requests.put(_WAKE_SENDER)
        return IntakeResult.of(added)

    def submit(self, messages: Sequence[IncomingMessage], done: Done) -> None:
        """Let the writer store all messages of a request, or nothing, and call `done` then."""
        if not self.room():
            done(IntakeResult(stored=False, problem=TOO_MUCH))
            return
        operations = sum([len(each.operations) for each in messages])
        with self._lock:
            self._submitted += operations
            self._queued += 1
        self._requests.put(_Request(messages, operations, done))

    def close(self) -> None:
        """Accept nothing more; the sender ends when everything accepted has a result."""
        self._closed = True
        self._requests.put(STOP)
        if self._writer.is_alive():
            self._writer.join()
        self._delivery.end()

    def counts(self) -> Json:
        """The account of messages: read, delivered, skipped, rejected, dead_lettered."""
        return self._ledger.account.summary()

    def _wake(self) -> None:
        self._unwoken = 0
        self._delivery.release()

    # The writer

    def _write(self) -> None:
        """Store groups of requests until told to stop."""
        wake_at: float | None = None
        clock = self._sender.clock
        while True:
            group: list[_Request] = []
            with suppress(queue.Empty):
                timeout = PROBE_SECONDS if self.store_problem else None
                if wake_at is not None:
                    timeout = max(0.0, wake_at - clock())
                request = self._requests.get(timeout=timeout)
                messages = 0
                while request is not STOP:
                    if isinstance(request, _WakeSender):
                        wake_at = clock() + BATCH_SECONDS if wake_at is None else wake_at
                        break
                    group.append(request)
                    messages += len(request.messages)
                    if messages >= GROUP_MESSAGES or self._requests.empty():
                        break
                    request = self._requests.get()
                if request is STOP:
                    self._store(group)
                    return
            if self.store_problem and not group:
                self._probe()
            if group:
                self._unwoken += self._store(group)
                if self._unwoken and wake_at is None:
                    wake_at = clock() + BATCH_SECONDS
            if wake_at is not None and (self._unwoken >= BATCH_OPERATIONS or clock() >= wake_at):
                self._wake_asked = False
                self._wake()
                wake_at = None

    def _probe(self) -> None:
        """Check whether messages can be stored again."""
        with suppress(Exception):
            least, most = PROBE_BYTES
            self._spool.probe(min(max(4 * self._refused_bytes, least), most))
            self.store_problem = None

    def _store(self, group: Sequence[_Request]) -> int:
        """Store requests and answer them; gives how many operations the sender may take."""
        if not group:
            return 0
        messages = [each for request in group for each in request.messages]
        try:
            added, operations = self._take_in(messages)
        except Exception as error:
            if len(group) > 1 and not isinstance(error, StorageError):
                # One of them may be what cannot be stored: it must not stop the others.
                return sum(self._store([request]) for request in group)
            self._not_stored(group, error)
            return 0
        self._forget_submitted(group)
        place = 0
        for request in group:
            end = place + len(request.messages)
            request.done(IntakeResult.of(added[place:end]))
            place = end
        return operations

    # Any thread

    def _take_in(self, messages: Sequence[IncomingMessage]) -> tuple[list[bool], int]:
        """Store messages and hand them over to delivery.

        Says of each whether it is new, and how many operations the sender may take.
        """
        added = self._ledger.take_in(messages)
        self.store_problem = None
        now = self._sender.moment()
        new = messages
        if not all(added):
            new = [each for each, is_new in zip(messages, added, strict=True) if is_new]
        operations = [operation for each in new for operation in each.operations]
        self._delivery.add(operations, now)
        self._observe(new, now)
        return added, len(operations)

    def _observe(self, messages: Sequence[IncomingMessage], now: float) -> None:
        """Notify the observer; if that fails, the messages are still stored."""
        try:
            self._observer.taken(messages, now)
        except Exception:
            log.exception(LogEvent("defect"))

    def _not_stored(self, group: Sequence[_Request], error: Exception) -> None:
        self._log_problem(error, [each for request in group for each in request.messages])
        self._forget_submitted(group)
        for request in group:
            request.done(IntakeResult(stored=False, problem=NOT_STORED))

    def _log_problem(self, error: Exception, messages: Sequence[IncomingMessage]) -> None:
        if self.store_problem is None:
            # A full disk is not a defect of the code, so the log has no trace.
            trace = not isinstance(error, StorageError)
            log.error(LogEvent("not_stored", reason=f"{error!s:.200}"), exc_info=trace)
        self._refused_bytes = sum(each.size for each in messages)
        self.store_problem = f"cannot store messages: {error!s:.200}"

    def _forget_submitted(self, group: Sequence[_Request]) -> None:
        with self._lock:
            for request in group:
                self._submitted -= request.operations
                self._queued -= 1
