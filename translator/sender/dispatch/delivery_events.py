"""Events of a delivery for its log, besides the results. The dispatch collects them."""

from typing import NamedTuple

from translator.sender.dispatch.circuit_breaker import CircuitState


class RetryScheduled(NamedTuple):
    """A request had no final response, and is sent again after `wait` seconds at the earliest.

    `attempt` counts its failed attempts. `status` is the HTTP status, None without a response.
    """

    host: str
    endpoint: str
    records: int
    attempt: int
    wait: float
    status: int | None
    reason: str | None


class BatchSplit(NamedTuple):
    """A request is sent again in two halves: it is too large, or one of its records is bad."""

    host: str
    endpoint: str
    records: int
    status: int | None
    reason: str | None


class CircuitChanged(NamedTuple):
    """The circuit breaker of a host changed; while it is open, for `wait` seconds."""

    host: str
    state: CircuitState
    wait: float | None
    reason: str | None


class AliasHold(NamedTuple):
    """An alias was delivered, and the calls of that person wait for `seconds`."""

    host: str
    wait: float


DeliveryEvent = RetryScheduled | BatchSplit | CircuitChanged | AliasHold
