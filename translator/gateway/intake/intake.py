"""Where messages wait between their arrival and their delivery.

A request prepares its messages (`prepare`) and submits them (`submit`). One writer thread puts the
messages of many requests into the spool with one commit, and answers them after it. The sender
takes operations from here, as from any source. Without a file the spool is in memory.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from translator.bulk import needs_check
from translator.core.operations import Failure, Json, Result
from translator.gateway.delivery.arrivals import Arrivals
from translator.gateway.delivery.observer import Observer
from translator.gateway.messages.deduplication import key_of, significant_text
from translator.gateway.messages.json_text import json_line
from translator.gateway.messages.prepared import Prepared
from translator.gateway.messages.visitor_address import with_address
from translator.sender.books.dead_letters import of_line
from translator.sender.books.ledger import Ledger
from translator.sender.books.message_status import MessageStatus
from translator.sender.books.spool import REMEMBERED_SECONDS, Spool
from translator.sender.books.storage import StorageError
from translator.sender.deliver import Sender
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.queued_operation import QueuedOperation
from translator.sender.dispatch.request_results import Settled
from translator.sender.logs import LogEvent

log = logging.getLogger("translator.gateway")

CAPACITY = 100_000
"""How many operations may wait; more are refused until there is room, and clients ask again."""

CAPACITY_BYTES = 256 * 1024 * 1024
"""How large they may be together if the spool is in memory."""

GROUP_MESSAGES = 2000
"""The writer adds requests to a group until it has so many messages."""

READY_OPERATIONS = 20_000
READY_BYTES = 64 * 1024 * 1024
"""How much is handed to the sender without reading it back from the spool."""

BATCH_OPERATIONS = 1000
BATCH_SECONDS = 0.05
"""The sender is woken for so many operations, or after this time: small requests cost as much as
large ones."""

FORGET_EVERY_SECONDS = 60.0
REMEMBERED_IN_MEMORY = 500_000
"""How many messages a spool in memory knows at most, to recognise those that are sent again."""

PROBE_SECONDS = 1.0
"""How often to try whether messages can be stored again, after a failure."""

STOP = None


class Taken(NamedTuple):
    """The outcome of storing a request. If it is not `stored`, nothing of it was taken in.

    `problem` then says why, for the client.
    """

    stored: bool
    messages: int = 0
    duplicates: int = 0
    problem: str = ""


class _Request(NamedTuple):
    messages: Sequence[Prepared]
    done: Callable[[Taken], object]


class Intake:
    """Takes messages from the server and gives their operations, in order, to one sender.

    `translate` gives the result of a message, and gets whether it is known to be valid JSON that is
    not nested too deep; it never raises.
    `bounded_memory`: the spool
    is in memory. `capacity` is in operations.
    """

    def __init__(
        self,
        sender: Sender,
        ledger: Ledger,
        spool: Spool,
        translate: Callable[[Any, bool], Result],
        *,
        observer: Observer | None = None,
        capacity: int = CAPACITY,
        bounded_memory: bool = False,
    ) -> None:
        self.translate = translate
        self.observer = observer or Observer()
        self.store_problem: str | None = None
        """Why the last group could not be stored; None if it was."""
        self.settle_problem: str | None = None
        """Why the results of operations cannot be stored now; None if they can."""
        self._sender = sender
        self._ledger = ledger
        self._spool = spool
        self._capacity = capacity
        self._capacity_bytes = CAPACITY_BYTES if bounded_memory else None
        self._remembered = REMEMBERED_IN_MEMORY if bounded_memory else None
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        """Guards the counters and what is ready; nothing slow happens under it."""
        self._waiting = spool.waiting()
        self._waiting_bytes = 0
        self._ready: deque[QueuedOperation] = deque()
        self._ready_bytes = 0
        self._spilled = self._waiting > 0
        """Whether the spool holds operations that are not in memory; then new ones stay there."""
        self._submitted = 0
        self._closed = False
        self._lines = 0
        self._forgot_at = sender.moment()
        self._arrivals = Arrivals(sender.moment(), spool.last_number())
        self._writer = threading.Thread(target=self._write, name="gateway-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._writer.start()

    def prepare(
        self,
        message: Any,
        refused: Failure | None = None,
        *,
        address: str | None = None,
        strict: bool = True,
    ) -> Prepared:
        """Translate a message; `refused` is why it must not be, if that is known already.

        `address` is the visitor's; it is added to the message, but does not make it another one:
        a client may send a message again from another network. Without `strict` the message may
        hold what JSON does not allow. Nothing is kept yet. Raises RecursionError for a message that
        is nested too deep to be written as JSON.
        """
        kind = message_id = None
        if isinstance(message, dict):
            text = significant_text(message, strict=strict)
            kind, message_id = message.get("type"), message.get("messageId")
        else:
            text = json_line(message, strict=strict)
        if address is not None:
            with_address(message, address)
        if refused is None:
            result = self.translate(message, strict and not needs_check(text))
        else:
            result = Result(message_id, error=refused)
        self._lines += 1
        entry = MessageStatus(self._lines, result.message_id, 0, key=key_of(text))
        again = {} if result.error is None else of_line(json_line(message, strict=strict))
        incoming = self._ledger.enter(entry, result, again)
        return Prepared(incoming, result, kind if isinstance(kind, str) else "")

    def room(self) -> bool:
        """Whether messages are taken in now."""
        if self._closed or self._waiting + self._submitted >= self._capacity:
            return False
        return self._capacity_bytes is None or self._waiting_bytes < self._capacity_bytes

    def accepts(self) -> bool:
        """Whether a call would be accepted now."""
        return self.room() and self.store_problem is None

    def submit(self, messages: Sequence[Prepared], done: Callable[[Taken], object]) -> None:
        """Store all messages of a request, or nothing; then call `done`, in another thread.

        A message that is known already was sent again by its client and is not taken in twice.
        """
        if not self.room():
            done(Taken(stored=False, problem="too much is waiting; send it again"))
            return
        with self._lock:
            self._submitted += sum(len(each.incoming.operations) for each in messages)
        self._requests.put(_Request(messages, done))

    def close(self) -> None:
        """Accept nothing more; the sender ends when everything accepted has a result."""
        self._closed = True
        self._requests.put(STOP)
        if self._writer.is_alive():
            self._writer.join()
        self._sender.wake()

    def waiting(self) -> int:
        """How many operations have no result yet."""
        return self._waiting

    def oldest_waiting(self) -> float:
        """The age of the oldest operation without a result, in seconds; 0 if nothing waits."""
        if not self._waiting:
            return 0.0
        first = self._spool.first_waiting()
        return 0.0 if first is None else max(0.0, self._sender.moment() - self._arrivals.of(first))

    def counts(self) -> Json:
        """The account of messages: read, delivered, skipped, rejected, dead_lettered."""
        return self._ledger.account.summary()

    # The writer

    def _write(self) -> None:
        """Store groups of requests until told to stop."""
        wake_at: float | None = None
        pending = 0
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
                pending += self._store(group)
                wake_at = clock() + BATCH_SECONDS if pending and wake_at is None else wake_at
            if wake_at is not None and (pending >= BATCH_OPERATIONS or clock() >= wake_at):
                self._sender.wake()
                wake_at, pending = None, 0

    def _probe(self) -> None:
        """Find out whether messages can be stored again."""
        with suppress(Exception):
            self._spool.probe()
            self.store_problem = None

    def _store(self, group: Sequence[_Request]) -> int:
        """Store requests and answer them; gives how many operations the sender may take."""
        if not group:
            return 0
        messages = [each for request in group for each in request.messages]
        try:
            added = self._ledger.take_in([each.incoming for each in messages])
        except Exception as error:
            if len(group) > 1 and not isinstance(error, StorageError):
                # One of them may be what cannot be stored: it must not stop the others.
                return sum(self._store([request]) for request in group)
            self._not_stored(group, error)
            return 0
        self.store_problem = None
        now = self._sender.moment()
        new = [each for each, is_new in zip(messages, added, strict=True) if is_new]
        operations = [operation for each in new for operation in each.incoming.operations]
        self._hand_over(operations, now)
        self._forget_submitted(group)
        self._observe(new, now)
        place = 0
        for request in group:
            size = len(request.messages)
            count = sum(added[place : place + size])
            place += size
            request.done(Taken(True, count, size - count))
        return len(operations)

    def _observe(self, messages: Sequence[Prepared], now: float) -> None:
        """Tell the observer; whatever fails there, the messages are stored."""
        try:
            self.observer.taken(messages, now)
        except Exception:
            log.exception(LogEvent("defect"))

    def _not_stored(self, group: Sequence[_Request], error: Exception) -> None:
        if self.store_problem is None:
            log.error(LogEvent("not_stored", reason=f"{error!s:.200}"), exc_info=True)
        self.store_problem = f"cannot store messages: {error!s:.200}"
        self._forget_submitted(group)
        for request in group:
            problem = "the messages cannot be stored now; send them again"
            request.done(Taken(stored=False, problem=problem))

    def _forget_submitted(self, group: Sequence[_Request]) -> None:
        with self._lock:
            for request in group:
                self._submitted -= sum(len(each.incoming.operations) for each in request.messages)

    def _hand_over(self, operations: Sequence[QueuedOperation], now: float) -> None:
        if not operations:
            return
        size = sum(len(operation.text) for operation in operations)
        with self._lock:
            self._arrivals.add(operations[-1].tag.number, now)
            self._waiting += len(operations)
            self._waiting_bytes += size
            if len(self._ready) >= READY_OPERATIONS or self._ready_bytes >= READY_BYTES:
                self._spilled = True
            if not self._spilled:
                # The sender may have read some from the spool before they were handed over here.
                taken = self._ledger.taken
                ready = [operation for operation in operations if operation.tag.number > taken]
                self._ready.extend(ready)
                self._ready_bytes += sum(len(operation.text) for operation in ready)

    # The source of the sender

    def take(self, room: int) -> Sequence[QueuedOperation] | None:
        """What waits longest, as a source of the sender."""
        self._forget()
        with self._lock:
            if self._ready:
                count = min(room, len(self._ready))
                operations = [self._ready.popleft() for _ in range(count)]
                self._ready_bytes -= sum(len(operation.text) for operation in operations)
                self._ledger.skip_backlog(operations[-1].tag.number)
                return operations
            spilled = self._spilled
        if spilled:
            operations = self._ledger.backlog(room)
            if operations:
                return operations
            if not self._unspill():
                self._sender.wake()
                return ()
        return None if self._closed and not self._writer.is_alive() else ()

    def _unspill(self) -> bool:
        """Whether nothing was added to the spool since its end was reached."""
        with self._lock:
            last = self._arrivals.last
            self._spilled = self._ledger.taken < last
            return not self._spilled

    def sending(self, operations: Sequence[QueuedOperation]) -> None:
        """As the ledger does."""
        with self._watched():
            self._ledger.sending(operations)

    def settled(self, settled: Sequence[Settled]) -> None:
        """As the ledger does."""
        with self._watched():
            self._ledger.settled(settled)
        now = self._sender.moment()
        with self._lock:
            for operations, _, _ in settled:
                self._waiting -= len(operations)
                self._waiting_bytes -= sum(len(operation.text) for operation in operations)
            if not self._waiting:
                self._waiting_bytes = 0
            waited = [
                (now - self._arrivals.of(operation.tag.number), len(operations))
                for operations, fate, _ in settled
                for operation in operations[:1]
                if fate is DeliveryStatus.DELIVERED
            ]
        self.observer.settled(settled, waited)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Remember whether the sender could store what the block stores."""
        try:
            yield
        except StorageError as error:
            self.settle_problem = f"cannot store results: {error!s:.200}"
            raise
        self.settle_problem = None

    def _forget(self) -> None:
        now = self._sender.moment()
        if now - self._forgot_at > FORGET_EVERY_SECONDS:
            more = self._spool.forget(now - REMEMBERED_SECONDS, keep=self._remembered)
            if not more:
                self._forgot_at = now
                first = self._spool.first_waiting()
                with self._lock:
                    self._arrivals.forget(self._arrivals.last if first is None else first)
