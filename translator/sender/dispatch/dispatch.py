"""The dispatch: it groups queued operations into requests and turns responses into results.

A state machine without clock, threads or network: its caller passes the time, sends the requests
and reports the responses. It keeps these promises:

- operations that share an ordering key leave one request at a time, in order, with any
  endpoints;
- operations without a common key do not wait for each other and may share requests;
- every operation gets exactly one result.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from itertools import count

from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch import delivery_events
from translator.sender.dispatch.alias_hold import AliasHoldTimer, AliasPolicy
from translator.sender.dispatch.batching import Batch, BatchLimits, Route
from translator.sender.dispatch.circuit_breaker import CircuitBreaker, CircuitState
from translator.sender.dispatch.ordering import OrderedQueue, OrderedQueues
from translator.sender.dispatch.request_results import (
    UNKNOWN,
    OutgoingRequest,
    Settled,
    final_results,
    halve,
)
from translator.sender.dispatch.retry import RetryPolicy
from translator.sender.dispatch.sendable_operations import SendableOperations
from translator.sender.http.responses import InterpretedResponse, Meaning
from translator.sender.queue.queued_operation import QueuedOperation


class Dispatch:
    """Decides which operations are sent next, and processes responses.

    `limits` are those of a request. `hold` is how long calls wait after an alias, in seconds. The
    methods get the time as `now`, in seconds on any clock.
    """

    def __init__(
        self, limits: BatchLimits, retry: RetryPolicy, alias: AliasPolicy, hold: float
    ) -> None:
        self._retry = retry
        self._alias_hold = AliasHoldTimer(alias, hold)
        self._queues = OrderedQueues()
        self._ready = SendableOperations(limits, self._queues, self._alias_hold)
        self._to_resend: deque[OutgoingRequest] = deque()
        self._timers: list[tuple[float, int, OutgoingRequest | OrderedQueue]] = []
        self._ticks = count()
        self._circuits: dict[str, CircuitBreaker] = {}
        self.pending = 0
        """The number of operations without a result."""
        self.bytes = 0
        """The size of their JSON texts."""
        self.events: list[delivery_events.DeliveryEvent] = []
        """Events since the caller emptied the list, the oldest first."""

    def accept(self, queued: QueuedOperation, now: float) -> None:
        """Accept a queued operation; its number must be higher than all before."""
        self.pending += 1
        self.bytes += len(queued.text)
        if self._queues.add(queued):
            self._make_ready(queued, now)

    def next(self, now: float) -> OutgoingRequest | float | None:
        """The next request; or the seconds until there may be one; or None: wait for a response.

        Call it again after each response and each accepted operation.
        """
        self._run_timers(now)
        shortest = self._timers[0][0] - now if self._timers else None
        for _ in range(len(self._to_resend)):
            request = self._to_resend.popleft()
            wait = self._circuit(request.batch.route).wait(now)
            if wait == 0:
                return self._sent(request, now)
            self._to_resend.append(request)
            shortest = _shorter(shortest, wait)
        for route, sharing in self._ready.kinds():
            wait = self._circuit(route).wait(now)
            if wait == 0:
                return self._sent(OutgoingRequest(self._ready.batch(route, sharing, now)), now)
            shortest = _shorter(shortest, wait)
        return shortest

    def process_response(
        self, request: OutgoingRequest, outcome: InterpretedResponse, now: float
    ) -> list[Settled]:
        """Process the response to a request; returns the results of the operations that it
        completes."""
        route = request.batch.route
        circuit = self._circuit(route)
        before = circuit.state
        if outcome.meaning is Meaning.RETRY:
            settled = self._retry_or_give_up(request, outcome, circuit, now)
        else:
            if outcome.meaning is Meaning.OUTDATED:
                circuit.request_withdrawn()
            else:
                circuit.response_received()
            settled = final_results(request, outcome, self.events)
            if request.batches:
                request.attempts = self._retry.attempts - 1 if request.last_tries else 0
                self._to_resend.append(request)
        self._report_change(before, circuit, route, now)
        for operations, status, _ in settled:
            self._release(operations, status, now)
        return settled

    def remaining_hold(self, now: float, *, after_crash: bool = False) -> float:
        """The seconds until the last alias hold ends; `after_crash` those of a whole hold."""
        return self._alias_hold.remaining(now, after_crash=after_crash)

    def failing_hosts(self) -> dict[str, str]:
        """The hosts whose circuit is not closed, each with the reason of the last failure."""
        return {
            host: circuit.reason
            for host, circuit in list(self._circuits.items())
            if circuit.state is not CircuitState.CLOSED
        }

    def paused_hosts(self, now: float) -> dict[str, tuple[float, str]]:
        """The hosts that are paused: the remaining seconds and the reason."""
        waits = ((host, each.pause(now), each.reason) for host, each in [*self._circuits.items()])
        return {host: (seconds, reason) for host, seconds, reason in waits if seconds > 0}

    def take_given_up(self, now: float) -> list[Settled]:
        """Remove the operations whose host has been given up; returns their results."""
        settled: list[Settled] = []
        while batches := self._take_failing_fast(now):
            for batch in batches:
                circuit = self._circuit(batch.route)
                reason = f"given up: {batch.route.host} does not respond: {circuit.reason}"
                settled.append(Settled(batch.operations, DeliveryStatus.DEAD_LETTERED, reason))
                self._release(batch.operations, DeliveryStatus.DEAD_LETTERED, now)
        return settled

    def _take_failing_fast(self, now: float) -> list[Batch]:
        """Remove the batches for hosts that have been given up."""
        if not any(circuit.fails_fast(now) for circuit in self._circuits.values()):
            return []
        waiting = [what for _, _, what in self._timers if isinstance(what, OutgoingRequest)]
        batches: list[Batch] = []
        for request in (*self._to_resend, *waiting):
            if self._circuit(request.batch.route).fails_fast(now):
                while request.batches:
                    batches.append(request.batches.pop())
        self._to_resend = deque(each for each in self._to_resend if each.batches)
        self._timers = [
            timer
            for timer in self._timers
            if isinstance(timer[2], OrderedQueue) or timer[2].batches
        ]
        heapq.heapify(self._timers)
        for route, sharing in self._ready.kinds():
            if self._circuit(route).fails_fast(now):
                batches.extend(self._ready.batches(route, sharing, now))
        return batches

    def _circuit(self, route: Route) -> CircuitBreaker:
        if route.host not in self._circuits:
            self._circuits[route.host] = CircuitBreaker(self._retry)
        return self._circuits[route.host]

    def _make_ready(self, queued: QueuedOperation, now: float) -> None:
        """Make an operation ready if it is the first in its queues; if a queue is held, set a
        timer."""
        if queued.ready:
            return
        if not self._queues.may_go(queued, now):
            for queue in self._queues.of(queued):
                if queue.held_until > now:
                    self._set_timer(queue.held_until, queue)
            return
        self._ready.add(queued)

    def _set_timer(self, when: float, what: OutgoingRequest | OrderedQueue) -> None:
        heapq.heappush(self._timers, (when, next(self._ticks), what))

    def _run_timers(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            _, _, what = heapq.heappop(self._timers)
            if isinstance(what, OutgoingRequest):
                self._to_resend.append(what)
            elif what.first is not None:
                self._make_ready(what.first, now)
            else:
                self._queues.forget(what, now)

    def _sent(self, request: OutgoingRequest, now: float) -> OutgoingRequest:
        route = request.batch.route
        circuit = self._circuit(route)
        before = circuit.state
        request.round = circuit.request_sent()
        self._report_change(before, circuit, route, now)
        if request.attempts == 0:
            request.successes = circuit.successes
        return request

    def _report_change(
        self, before: CircuitState, circuit: CircuitBreaker, route: Route, now: float
    ) -> None:
        """Report a change of a circuit breaker."""
        state = circuit.state
        if state is not before:
            wait = circuit.wait(now) if state is CircuitState.OPEN else None
            reason = None if state is CircuitState.CLOSED else circuit.reason
            self.events.append(delivery_events.CircuitChanged(route.host, state, wait, reason))

    def _retry_or_give_up(
        self,
        request: OutgoingRequest,
        outcome: InterpretedResponse,
        circuit: CircuitBreaker,
        now: float,
    ) -> list[Settled]:
        asked = self._retry.asked_wait(outcome.retry_after)
        route, operations = request.batch
        circuit.request_failed(request.round, now, asked, outcome.reason or "")
        request.attempts += 1
        if outcome.unclear and not all(queued.idempotent for queued in operations):
            return self._given_up(request, f"{UNKNOWN}: {outcome.reason}")
        others = circuit.successes > request.successes
        exhausted = request.attempts >= self._retry.attempts
        endless = (asked or 0) > self._retry.patience
        if self._retry.gives_up:
            final = exhausted or circuit.given_up or endless
        else:
            final = exhausted and others
        if not final:
            wait = self._retry.wait(request.attempts) if asked is None else asked
            self._set_timer(now + wait, request)
            size, tries = len(operations), request.attempts
            self.events.append(
                delivery_events.RetryScheduled(
                    *route, size, tries, wait, outcome.status, outcome.reason
                )
            )
            return []
        if len(operations) > 1 and others and not endless:
            # Other requests succeed, so one of these records may be the cause.
            request.last_tries = True
            halve(request, outcome.reason, outcome, self.events)
            request.attempts = self._retry.attempts - 1
            self._to_resend.append(request)
            return []
        return self._given_up(request, f"given up after the last try: {outcome.reason}")

    def _given_up(self, request: OutgoingRequest, reason: str) -> list[Settled]:
        operations = request.batches.pop().operations
        if request.batches:
            request.attempts = self._retry.attempts - 1 if request.last_tries else 0
            self._to_resend.append(request)
        return [Settled(operations, DeliveryStatus.DEAD_LETTERED, reason)]

    def _release(
        self, operations: Sequence[QueuedOperation], status: DeliveryStatus, now: float
    ) -> None:
        self.pending -= len(operations)
        for queued in operations:
            self.bytes -= len(queued.text)
            hold = self._alias_hold.begin(queued, status, now)
            if hold:
                self.events.append(delivery_events.AliasHold(queued.host, hold))
            for queue in self._queues.settle(queued, now, hold):
                if queue.first is not None:
                    self._make_ready(queue.first, now)
                else:
                    self._set_timer(queue.held_until, queue)


def _shorter(first: float | None, second: float | None) -> float | None:
    return second if first is None else first if second is None else min(first, second)
