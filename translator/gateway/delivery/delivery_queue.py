"""The operations that wait for their delivery, as the source of one sender.

The writer adds operations that are stored. They are kept in memory as far as there is room; the
rest is read back from the spool.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from translator.gateway.delivery.arrivals import Arrivals
from translator.gateway.delivery.observer import Observer
from translator.sender.books.ledger import AnySpool, Ledger
from translator.sender.books.spool import REMEMBERED_SECONDS
from translator.sender.books.storage import StorageError
from translator.sender.deliver import Sender
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.request_results import Settled
from translator.sender.queue.queued_operation import QueuedOperation

READY_OPERATIONS = 20_000
READY_BYTES = 64 * 1024 * 1024
"""Maximum size of operations in memory; more are read back from the spool."""

FORGET_EVERY_SECONDS = 60.0


class DeliveryQueue:
    """Operations of one source without a result: one thread adds, the sender's thread takes.

    `remembered` is the maximum number of settled messages in the spool (None: no limit).
    """

    def __init__(
        self,
        sender: Sender,
        ledger: Ledger,
        spool: AnySpool,
        observer: Observer,
        *,
        remembered: int | None = None,
    ) -> None:
        self.settle_problem: str | None = None
        """The reason why results cannot be stored now; None if they can."""
        self._sender = sender
        self._ledger = ledger
        self._spool = spool
        self._observer = observer
        self._remembered = remembered
        self._lock = threading.Lock()
        """Guards the counters and what is ready; nothing slow happens under it."""
        self._waiting = spool.waiting()
        self._waiting_bytes = 0
        self._ready: deque[QueuedOperation] = deque()
        self._ready_bytes = 0
        self._spilled = self._waiting > 0
        """Whether the spool holds operations that are not in memory; then new ones stay there."""
        self._released = False
        """Whether the sender may take what is ready; until then more is collected."""
        self._ended = False
        self._forgot_at = sender.moment()
        self._arrivals = Arrivals(sender.moment(), spool.last_number())

    @property
    def waiting(self) -> int:
        """The number of operations without a result."""
        return self._waiting

    @property
    def waiting_bytes(self) -> int:
        """The total size, in bytes, of the waiting operations that were added since the start."""
        return self._waiting_bytes

    def oldest_waiting(self) -> float:
        """The age of the oldest operation without a result, in seconds; 0 if nothing waits."""
        if not self._waiting:
            return 0.0
        first = self._spool.first_waiting()
        return 0.0 if first is None else max(0.0, self._sender.moment() - self._arrivals.of(first))

    def add(self, operations: Sequence[QueuedOperation], now: float) -> None:
        """These operations are stored, at `now` in seconds since 1970."""
        if not operations:
            return
        size = sum([len(operation.text) for operation in operations])
        with self._lock:
            self._arrivals.add(operations[-1].number, now)
            self._waiting += len(operations)
            self._waiting_bytes += size
            if len(self._ready) >= READY_OPERATIONS or self._ready_bytes >= READY_BYTES:
                self._spilled = True
            if not self._spilled:
                # The sender may have read some from the spool before they were handed over here.
                taken = self._ledger.taken
                ready = [operation for operation in operations if operation.number > taken]
                self._ready.extend(ready)
                same = len(ready) == len(operations)
                self._ready_bytes += size if same else sum(len(each.text) for each in ready)

    def release(self) -> None:
        """Let the sender take what was added until now.

        Without this it would take a few operations after each response: small requests to Mixpanel
        cost as much as large ones.
        """
        with self._lock:
            self._released = True
        self._sender.wake()

    def end(self) -> None:
        """Accept no more operations; the sender ends when every operation has a result."""
        self._ended = True
        self._sender.wake()

    def take(self, room: int) -> Sequence[QueuedOperation] | None:
        """The next operations, the oldest first; a method of the sender's source."""
        self._forget()
        with self._lock:
            if self._ready:
                if not (self._released or self._ended):
                    return ()
                count = min(room, len(self._ready))
                operations = [self._ready.popleft() for _ in range(count)]
                self._ready_bytes -= sum(len(operation.text) for operation in operations)
                self._ledger.skip_backlog(operations[-1].number)
                self._released = bool(self._ready)
                return operations
            spilled, last = self._spilled, self._arrivals.last
        if spilled:
            operations = self._ledger.backlog(room)
            if operations:
                return operations
            if not self._unspill(last):
                self._sender.wake()
                return ()
        return None if self._ended else ()

    def _unspill(self, last: int) -> bool:
        """Whether nothing was added to the spool since its end was reached.

        `last` was the highest number before the spool was read to its end. The operations up to it
        are given out or, if a run before settled them, not in the spool any more.
        """
        self._ledger.skip_backlog(last)
        with self._lock:
            self._spilled = last < self._arrivals.last
            return not self._spilled

    def sending(self, operations: Sequence[QueuedOperation]) -> None:
        """See `Ledger`."""
        with self._watched():
            self._ledger.sending(operations)

    def settled(self, settled: Sequence[Settled]) -> None:
        """See `Ledger`."""
        with self._watched():
            self._ledger.settled(settled)
        now = self._sender.moment()
        with self._lock:
            for operations, _, _ in settled:
                self._waiting -= len(operations)
                self._waiting_bytes -= sum([len(operation.text) for operation in operations])
            if not self._waiting:
                self._waiting_bytes = 0
            waited = [
                (now - self._arrivals.of(operation.number), len(operations))
                for operations, status, _ in settled
                for operation in operations[:1]
                if status is DeliveryStatus.DELIVERED
            ]
        self._observer.settled(settled, waited)

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
