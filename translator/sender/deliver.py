"""Operations in, verdicts out: what drives the dispatch, with clock, threads and network.

What it promises: the operations of a person arrive in order, and every operation gets exactly one
verdict. What it cannot promise: when a connection breaks after a request went out, nobody knows
whether Mixpanel has it. What may arrive twice (events with an insert id, `$set` and the like) is
sent again then. An `$add` or `$append` would count twice, so it is not: it becomes a dead letter
that says so, and a person decides.
"""

import queue
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from translator.core.operations import Operation
from translator.sender.books.storage import StorageError
from translator.sender.delivery_status import DeliveryResult, DeliveryStatus
from translator.sender.dispatch.batch_safety import (
    AGE_MARGIN_MS,
    is_idempotent,
    may_be_dropped_silently,
    too_old_for_track,
)
from translator.sender.dispatch.batching import Batch, BatchLimits, encode
from translator.sender.dispatch.dispatch import AliasPolicy, Dispatch, OutgoingRequest, Settled
from translator.sender.dispatch.queued_operation import QueuedOperation, Sharing, ordering_keys_of
from translator.sender.dispatch.retry import RetryPolicy
from translator.sender.http.destination_guard import DestinationError, destination
from translator.sender.http.responses import InterpretedResponse, Meaning, classify
from translator.sender.http.transport import ENDPOINTS, HttpTransport, NetworkError, Transport
from translator.sender.logs import LogEvent, log, log_delivery_event
from translator.sender.redaction import Redactor

HOLD_SECONDS = 1.5
"""How long the calls of a person wait after an alias: the doc's "~1 second", and a little more."""

CAPACITY_LETTERS = 20_000
CAPACITY_BYTES = 64 * 1024 * 1024
"""How much is in memory at a time; both may be exceeded by what one call of `take` gives."""

TAKEN_AT_ONCE = 2000

STORAGE_RETRY_SECONDS = 1.0
"""How often to try to store something while the disk takes nothing."""

STORAGE_PATIENCE = 5.0
"""For how many seconds a command that gives up tries to store something."""

LOOK_UP_SECONDS = 1.0
"""After how long a wait begins anew: a signal that another thread got does not end it."""

OUTDATED = "by now older than five days, which /track drops in silence: set apiSecret for /import"

TAKE_SECONDS = 0.1
"""How long operations are collected before those that came are sent."""

GIVE_WAY_SECONDS = 0.001
"""How long `run` waits after each lot, for the threads that send. Python runs one thread at
a time: beside one that never waits, each step of a request (compress, connect, send, read) starts
5 ms late."""


Stored = TypeVar("Stored")


class UndeliverableError(Exception):
    """An operation that cannot become a request; the text says why."""


class Source(Protocol):
    """Where operations come from, and where their results go.

    Each method may raise StorageError, with nothing changed: it is called again.
    """

    def take(self, room: int) -> Sequence[QueuedOperation] | None:
        """About `room` operations at most; none if there are none now; None after the last."""

    def sending(self, queued: Sequence[QueuedOperation]) -> None:
        """These are about to go out."""

    def settled(self, settled: Sequence[Settled]) -> None:
        """These have their verdicts."""


class Sender:
    """Delivers operations to Mixpanel, or to a mock of it.

    `base_urls` says where operations for a host go instead, for example
    `{"https://api.mixpanel.com": "http://127.0.0.1:8080"}`. An address that is not this machine is
    refused unless `live` is true. `alias` says what is done about calls that follow an alias, and
    `hold` for how many seconds. With several `workers` as many requests are under way at once.
    `now` gives the time in seconds since 1970. Close it after use, or use it as a context manager.
    """

    def __init__(
        self,
        base_urls: Mapping[str, str] | None = None,
        api_secret: str | None = None,
        *,
        live: bool = False,
        limits: BatchLimits | None = None,
        retry: RetryPolicy | None = None,
        transport: Transport | None = None,
        alias: AliasPolicy = AliasPolicy.HOLD,
        hold: float = HOLD_SECONDS,
        workers: int = 1,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._base_urls = dict(base_urls or {})
        self._live = live
        self._urls: dict[str, str] = {}
        self._retry = retry or RetryPolicy()
        self._has_secret = api_secret is not None
        self._secrets = {api_secret} if api_secret else set()
        self._redact = Redactor(self._secrets)
        self._transport: Transport = transport or HttpTransport(api_secret)
        self._replaced: list[Transport] = []
        self._dispatch = Dispatch(limits or BatchLimits(), self._retry, alias, hold)
        self._workers = workers
        self._pool: ThreadPoolExecutor | None = None
        self._answers: queue.SimpleQueue[tuple[OutgoingRequest, InterpretedResponse] | None] = (
            queue.SimpleQueue()
        )
        self._under_way = 0
        self._slept = 0.0
        self._now = now
        self._numbers = count()
        self._broken = False
        """Whether a run has begun and not come to its end."""

    def use_secret(self, api_secret: str | None) -> None:
        """Use another API secret for requests from now on."""
        self._has_secret = api_secret is not None
        self._secrets |= {api_secret} if api_secret else set()
        self._redact = Redactor(self._secrets)
        # A request that is under way ends with the old one.
        self._replaced.append(self._transport)
        self._transport = HttpTransport(api_secret)

    def base_url(self, host: str) -> str:
        """Where operations for `host` go. Raises DestinationError if they may go nowhere."""
        url = self._urls.get(host)
        if url is None:
            url = self._urls[host] = destination(host, self._base_urls, live=self._live)
        return url

    def prepare(
        self, operation: Operation, lanes: tuple[str, ...] | None = None, tag: Any = None
    ) -> QueuedOperation:
        """An operation on its way; without `lanes` they are those of the ids in its payload.

        Raises UndeliverableError if it cannot become a request, and DestinationError if it may go
        nowhere.
        """
        self.base_url(operation.host)
        if operation.endpoint not in ENDPOINTS:
            # It is put behind the base URL, and with "@elsewhere" it would lead there.
            raise UndeliverableError(f"Mixpanel has no endpoint {operation.endpoint!r:.100}")
        if operation.endpoint == "/import" and not self._has_secret:
            raise UndeliverableError("/import needs the project's API secret: set apiSecret")
        try:
            text = encode(operation.payload)
        except (ValueError, RecursionError) as error:
            raise UndeliverableError(f"the payload cannot be written as JSON: {error}") from error
        again = is_idempotent(operation)
        now = self._now()
        alone = may_be_dropped_silently(operation, len(text), now * 1000)
        if lanes is None:
            lanes = ordering_keys_of(operation)
        return QueuedOperation(next(self._numbers), operation, text, lanes, alone, again, tag, now)

    def send(self, operations: Iterable[Operation]) -> list[DeliveryResult]:
        """Deliver operations, those of a person in order, and say what became of each.

        Raises DestinationError, before anything is sent, if one of them may go nowhere.
        """
        listed = list(operations)
        for host in {operation.host for operation in listed}:
            self.base_url(host)
        verdicts: dict[int, DeliveryResult] = {}
        self.run(_Operations(self, listed, verdicts.__setitem__))
        return [verdicts[place] for place in range(len(listed))]

    def stream(
        self, operations: Iterable[Operation], tell: Callable[[DeliveryResult], object]
    ) -> None:
        """Deliver operations as they come, in bounded memory; `tell` hears what became of each.

        One that may go nowhere becomes a dead letter. The operations are asked for in this thread:
        while the next one is waited for, no answer is heard and nothing is sent again. What they
        raise is raised when those before have their verdicts.
        """
        source = _Operations(self, operations, lambda _, verdict: tell(verdict))
        self.run(source)
        if source.failure:
            raise source.failure

    def run(self, source: Source) -> None:
        """Deliver what a source gives until it has nothing more.

        Raises what the source raises. Then there is no telling what became of the rest, and another
        run would hear of it: it raises RuntimeError.
        """
        if self._broken:
            raise RuntimeError("a run of this sender was broken off: make a new sender")
        self._broken = True
        self._run(source)
        self._broken = False

    def _run(self, source: Source) -> None:
        open_ = True

        def take() -> Sequence[QueuedOperation] | None:
            return source.take(TAKEN_AT_ONCE)

        while True:
            self._settle(source, self._dispatch.abandoned(self._time()))
            step = None
            if self._under_way < self._workers:
                step = self._dispatch.next(self._time())
            self._tell()
            if isinstance(step, OutgoingRequest):
                self._ship(step, source)
                continue
            taken: Sequence[QueuedOperation] | None = ()
            if open_ and self._has_room():
                taken = self._stored(take)
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
        """Wait until no alias holds anybody, so that the next process may send what it likes.

        What a process that crashed had just sent nobody knows: then it is the longest wait.
        """
        seconds = self._dispatch.held_for(self._time(), anybody=after_crash)
        if seconds > 0:
            self._pause(seconds)

    def failing_hosts(self) -> dict[str, str]:
        """The hosts whose circuit is not closed, each with the reason of the last failure."""
        return self._dispatch.failing_hosts()

    def moment(self) -> float:
        """The time in seconds since 1970."""
        return self._now()

    def clock(self) -> float:
        """Seconds on the clock of the retries."""
        return self._retry.clock()

    def wake(self) -> None:
        """Say, from any thread, that the source may have something now."""
        self._answers.put(None)

    def close(self) -> None:
        """Close the kept connections."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
        for transport in (*self._replaced, self._transport):
            transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _has_room(self) -> bool:
        return self._dispatch.pending < CAPACITY_LETTERS and self._dispatch.bytes < CAPACITY_BYTES

    def _time(self) -> float:
        return self._retry.clock() + self._slept

    def _ship(self, shipment: OutgoingRequest, source: Source) -> None:
        batch = shipment.batch
        self._stored(lambda: source.sending(batch.operations))
        if self._workers == 1:
            self._answered(shipment, self._attempt(batch), source)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="sender")
        self._under_way += 1
        self._pool.submit(lambda: self._answers.put((shipment, self._attempt(batch))))

    def _attempt(self, batch: Batch) -> InterpretedResponse:
        endpoint = batch.route.endpoint
        if outdated := self._outdated(batch):
            if outdated < len(batch.operations) or not self._has_secret:
                return InterpretedResponse(Meaning.OUTDATED, OUTDATED)
            endpoint = "/import"
        url = self.base_url(batch.route.host)
        try:
            answer = self._transport.post(url, endpoint, batch.body())
            outcome = classify(answer.status, answer.headers, self._redact.body(answer.body))
            return outcome._replace(status=answer.status)
        except NetworkError as error:
            return InterpretedResponse(
                Meaning.RETRY, f"{url}: {self._redact(str(error))}", unclear=error.unclear
            )
        except Exception as error:
            # A defect of ours must cost one request, and no worker may die of it.
            log.debug(LogEvent("defect"), exc_info=True)
            return InterpretedResponse(
                Meaning.RETRY, f"the sender failed: {error!r:.200}", unclear=True
            )

    def _outdated(self, batch: Batch) -> int:
        """How many operations have become too old for /track while they waited.

        One that was too old from the beginning is sent: so it was decided elsewhere.
        """
        now, oldest = self._now(), batch.operations[0]
        if oldest.sharing is not Sharing.ALONE and now - oldest.at < AGE_MARGIN_MS / 1000:
            return 0  # all had more time than that when they were made
        return sum(
            too_old_for_track(queued.operation, now * 1000)
            and not too_old_for_track(queued.operation, queued.at * 1000)
            for queued in batch.operations
        )

    def _answered(
        self, shipment: OutgoingRequest, outcome: InterpretedResponse, source: Source
    ) -> None:
        settled = self._dispatch.answered(shipment, outcome, self._time())
        self._tell()
        self._settle(source, settled)

    def _tell(self) -> None:
        """Log what happened in the dispatch, for whoever watches."""
        news = self._dispatch.events
        if news:
            for each in news:
                log_delivery_event(each, self._redact, self._urls.get(each.host))
            news.clear()

    def _settle(self, source: Source, settled: list[Settled]) -> None:
        if settled:
            shown = [
                each._replace(reason=self._redact(each.reason)) if each.reason else each
                for each in settled
            ]
            self._stored(lambda: source.settled(shown))

    def _stored(self, write: Callable[[], Stored]) -> Stored:
        """Call what stores something, again and again while the disk takes nothing.

        Raises StorageError after STORAGE_PATIENCE seconds, if the retry policy gives up at all.
        """
        waited = 0.0
        while True:
            try:
                done = write()
            except StorageError as error:
                if not waited:
                    log.error(LogEvent("storage", state="failed", reason=str(error)))
                if self._retry.gives_up and waited >= STORAGE_PATIENCE:
                    raise
                self._pause(STORAGE_RETRY_SECONDS)
                waited += STORAGE_RETRY_SECONDS
            else:
                if waited:
                    log.warning(LogEvent("storage", state="recovered", waited=waited))
                return done

    def _await(self, seconds: float | None, source: Source) -> None:
        """Wait for an answer or a wake-up call, at most for so many seconds."""
        longest = LOOK_UP_SECONDS if seconds is None else min(seconds, LOOK_UP_SECONDS)
        try:
            found = self._answers.get(timeout=longest)
        except queue.Empty:
            return
        if found is not None:
            self._under_way -= 1
            self._answered(*found, source)

    def _pause(self, seconds: float) -> None:
        """Sleep. A sleep that is only played counts as slept."""
        before = self._retry.clock()
        (self._retry.sleep or time.sleep)(seconds)
        self._slept += max(0.0, seconds - (self._retry.clock() - before))


class _Operations:
    """Operations as a source; `tell` gets the place of each, from 0, and what became of it."""

    def __init__(
        self,
        sender: Sender,
        operations: Iterable[Operation],
        tell: Callable[[int, DeliveryResult], object],
    ) -> None:
        self._sender = sender
        self._left = self._surviving(operations)
        self._tell = tell
        self.failure: Exception | None = None
        """Why there are no more operations, if not because they have come to their end."""

    def take(self, room: int) -> Sequence[QueuedOperation] | None:
        queued: list[QueuedOperation] = []
        until = self._sender.clock() + TAKE_SECONDS
        for place, operation in self._left:
            try:
                queued.append(self._sender.prepare(operation, tag=place))
            except (UndeliverableError, DestinationError) as error:
                self._tell(
                    place, DeliveryResult(operation, DeliveryStatus.DEAD_LETTERED, str(error))
                )
            if len(queued) >= room or (queued and self._sender.clock() > until):
                break
        return queued or None

    def _surviving(self, operations: Iterable[Operation]) -> Iterator[tuple[int, Operation]]:
        """The operations with their places, to the end or to where they fail."""
        try:
            yield from enumerate(operations)
        except Exception as error:
            self.failure = error

    def sending(self, queued: Sequence[QueuedOperation]) -> None:
        """Nothing is kept."""

    def settled(self, settled: Sequence[Settled]) -> None:
        for operations, fate, reason in settled:
            for queued in operations:
                self._tell(queued.tag, DeliveryResult(queued.operation, fate, reason))
