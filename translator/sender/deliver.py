"""`Sender`: drives the dispatch with clock, threads and network.

The operations of a person arrive in order, and every operation gets exactly one result. When a
connection breaks after a request was sent, it is unknown whether Mixpanel has the records.
Idempotent operations (events with an insert id, `$set` and the like) are then sent again. An `$add`
or `$append` would count twice: it becomes a dead letter with that reason.
"""

import queue
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from translator.core.operations import Operation
from translator.sender.books.storage_retries import StorageRetries
from translator.sender.delivery_status import DeliveryResult
from translator.sender.dispatch.alias_hold import HOLD_SECONDS, AliasPolicy
from translator.sender.dispatch.batching import BatchLimits
from translator.sender.dispatch.dispatch import Dispatch
from translator.sender.dispatch.request_results import OutgoingRequest, Settled
from translator.sender.dispatch.retry import RetryPolicy
from translator.sender.http.attempts import DeliveryAttempts
from translator.sender.http.destination_guard import DestinationError
from translator.sender.http.responses import InterpretedResponse
from translator.sender.http.transport import Transport
from translator.sender.logs import log_delivery_event
from translator.sender.queue.preparation import Preparation
from translator.sender.queue.queued_operation import QueuedOperation
from translator.sender.source import OperationSource, Source

CAPACITY_OPERATIONS = 20_000
CAPACITY_BYTES = 64 * 1024 * 1024
"""Maximum operations and bytes in memory; one call of `take` may exceed both."""

TAKEN_AT_ONCE = 2000

LONGEST_WAIT_SECONDS = 1.0
"""A wait is repeated after this time: a signal that another thread received does not end it."""

GIVE_WAY_SECONDS = 0.001
"""Seconds that `run` waits after each batch, for the threads that send. Python runs one thread at a
time: if one thread never waits, each step of a request (compress, connect, send, read) in the
others starts 5 ms late.
"""


class Sender:
    """Delivers operations to Mixpanel, or to a mock of it.

    - `base_urls` maps a host to the base URL that replaces it, for example
      `{"https://api.mixpanel.com": "http://127.0.0.1:8080"}`. An address that is not this machine
      is refused unless `live` is true or its name is in `allowed`.
    - `alias` decides when calls that follow an alias are sent; with `AliasPolicy.HOLD`, `hold`
      seconds after it.
    - `workers` is the number of requests under way at once.
    - `now` gives the time in seconds since 1970.

    Close it after use, or use it as a context manager.
    """

    def __init__(
        self,
        base_urls: Mapping[str, str] | None = None,
        api_secret: str | None = None,
        *,
        live: bool = False,
        allowed: Collection[str] = (),
        limits: BatchLimits | None = None,
        retry: RetryPolicy | None = None,
        transport: Transport | None = None,
        alias: AliasPolicy = AliasPolicy.HOLD,
        hold: float = HOLD_SECONDS,
        workers: int = 1,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.preparation = Preparation(
            base_urls, live=live, allowed=allowed, has_secret=api_secret is not None, now=now
        )
        """Prepares operations for this sender, also in other threads."""
        self._retry = retry or RetryPolicy()
        self._attempts = DeliveryAttempts(self.preparation, api_secret, transport)
        self._dispatch = Dispatch(limits or BatchLimits(), self._retry, alias, hold)
        self._workers = workers
        self._pool: ThreadPoolExecutor | None = None
        self._answers: queue.SimpleQueue[tuple[OutgoingRequest, InterpretedResponse] | None] = (
            queue.SimpleQueue()
        )
        self._under_way = 0
        self._slept = 0.0
        self._storage = StorageRetries(self._retry.gives_up, self._pause)
        self._broken = False
        """Whether a run has begun and has not ended."""

    def use_secret(self, api_secret: str | None) -> None:
        """Use another API secret for requests from now on."""
        self._attempts.use_secret(api_secret)

    def base_url(self, host: str) -> str:
        """The base URL for operations of `host`. Raises DestinationError without one."""
        return self.preparation.base_url(host)

    def send(self, operations: Iterable[Operation]) -> list[DeliveryResult]:
        """Deliver operations, those of a person in order; gives the result of each.

        Raises DestinationError, before anything is sent, if there is no base URL for one of them.
        """
        listed = list(operations)
        for host in {operation.host for operation in listed}:
            self.base_url(host)
        results: dict[int, DeliveryResult] = {}
        self.run(OperationSource(self.preparation, self.clock, listed, results.__setitem__))
        return [results[place] for place in range(len(listed))]

    def stream(
        self, operations: Iterable[Operation], tell: Callable[[DeliveryResult], object]
    ) -> None:
        """Deliver operations as they come, in bounded memory; `tell` is called with each result.

        An operation without a base URL becomes a dead letter. The iterator is used in this thread:
        while it waits for its next operation, no response is processed and nothing is sent again.
        An exception that it raises is raised again when the operations before have their results.
        """
        source = OperationSource(
            self.preparation, self.clock, operations, lambda _, result: tell(result)
        )
        self.run(source)
        if source.failure:
            raise source.failure

    def run(self, source: Source) -> None:
        """Deliver the operations of a source until it has no more.

        Raises what the source raises. Then the results of the remaining operations are unknown, and
        another run of this sender raises RuntimeError.
        """
        if self._broken:
            raise RuntimeError("a run of this sender was interrupted: make a new sender")
        self._broken = True
        self._run(source)
        self._broken = False

    def _run(self, source: Source) -> None:
        open_ = True

        def take() -> Sequence[QueuedOperation] | None:
            return source.take(TAKEN_AT_ONCE)

        while True:
            self._settle(source, self._dispatch.take_given_up(self._time()))
            step = None
            if self._under_way < self._workers:
                step = self._dispatch.next(self._time())
            self._log_events()
            if isinstance(step, OutgoingRequest):
                self._ship(step, source)
                continue
            taken: Sequence[QueuedOperation] | None = ()
            if open_ and self._has_room():
                taken = self._storage.retried(take)
                open_ = taken is not None
                now = self._time()
                for queued in taken or ():
                    self._dispatch.accept(queued, now)
            if taken:
                self._await(GIVE_WAY_SECONDS if self._under_way else 0, source)
            elif self._under_way or (open_ and self._has_room()):
                self._await(step, source)
            elif self._dispatch.pending:
                assert step is not None, "operations are pending, but there is no time to wait for"
                self._pause(step)
            elif not open_:
                return

    def rest(self, *, after_crash: bool = False) -> None:
        """Wait for pending alias holds, so that the next process may send at once.

        After a crash it is unknown which aliases had just been sent: then wait for a whole hold.
        """
        seconds = self._dispatch.remaining_hold(self._time(), after_crash=after_crash)
        if seconds > 0:
            self._pause(seconds)

    def failing_hosts(self) -> dict[str, str]:
        """The hosts whose circuit is not closed, each with the reason of the last failure."""
        return self._dispatch.failing_hosts()

    def paused_hosts(self) -> dict[str, tuple[float, str]]:
        """The hosts that are paused: the remaining seconds and the reason."""
        return self._dispatch.paused_hosts(self._time())

    def moment(self) -> float:
        """The time in seconds since 1970."""
        return self.preparation.now()

    def clock(self) -> float:
        """Seconds on the clock of the retries."""
        return self._retry.clock()

    def wake(self) -> None:
        """Signal, from any thread, that the source may have operations now."""
        self._answers.put(None)

    def close(self) -> None:
        """Close the kept connections."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
        self._attempts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _has_room(self) -> bool:
        return (
            self._dispatch.pending < CAPACITY_OPERATIONS and self._dispatch.bytes < CAPACITY_BYTES
        )

    def _address(self, host: str) -> str | None:
        """The base URL that is used for a host, for the log."""
        try:
            return self.base_url(host)
        except DestinationError:
            return None

    def _time(self) -> float:
        return self._retry.clock() + self._slept

    def _ship(self, request: OutgoingRequest, source: Source) -> None:
        batch = request.batch
        self._storage.retried(lambda: source.sending(batch.operations))
        if self._workers == 1:
            self._answered(request, self._attempts.send(batch), source)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="sender")
        self._under_way += 1
        self._pool.submit(lambda: self._answers.put((request, self._attempts.send(batch))))

    def _answered(
        self, request: OutgoingRequest, outcome: InterpretedResponse, source: Source
    ) -> None:
        settled = self._dispatch.process_response(request, outcome, self._time())
        self._log_events()
        self._settle(source, settled)

    def _log_events(self) -> None:
        """Log the events of the dispatch."""
        events = self._dispatch.events
        if events:
            for each in events:
                log_delivery_event(each, self._attempts.redact, self._address(each.host))
            events.clear()

    def _settle(self, source: Source, settled: list[Settled]) -> None:
        if settled:
            shown = [
                each._replace(reason=self._attempts.redact(each.reason)) if each.reason else each
                for each in settled
            ]
            self._storage.retried(lambda: source.settled(shown))

    def _await(self, seconds: float | None, source: Source) -> None:
        """Wait for a response or for `wake`, at most for `seconds`."""
        longest = LONGEST_WAIT_SECONDS if seconds is None else min(seconds, LONGEST_WAIT_SECONDS)
        try:
            found = self._answers.get(timeout=longest)
        except queue.Empty:
            return
        if found is not None:
            self._under_way -= 1
            self._answered(*found, source)

    def _pause(self, seconds: float) -> None:
        """Sleep. Time that a fake `sleep` does not take is added to the clock."""
        before = self._retry.clock()
        (self._retry.sleep or time.sleep)(seconds)
        self._slept += max(0.0, seconds - (self._retry.clock() - before))
