"""What a person who watches a delivery may want to know, besides what became of each message.

The dispatch tells these; it does not know who listens.
"""

from typing import NamedTuple

from translator.sender.dispatch.circuit_breaker import CircuitState


class RetryScheduled(NamedTuple):
    """A request had no final answer, and is sent again after `wait` seconds at the earliest.

    `attempt` is how often it was tried in vain, `status` the answer's HTTP status, None if no
    answer came.
    """

    host: str
    endpoint: str
    records: int
    attempt: int
    wait: float
    status: int | None
    reason: str | None


class BatchSplit(NamedTuple):
    """A request of so many records goes again in two halves: too large, or one of them is bad."""

    host: str
    endpoint: str
    records: int
    status: int | None
    reason: str | None


class CircuitChanged(NamedTuple):
    """A host is seen in another light; while it is open, it is not asked for `wait` seconds."""

    host: str
    state: CircuitState
    wait: float | None
    reason: str | None


class AliasHold(NamedTuple):
    """An alias has arrived, and that person's calls wait so many seconds."""

    host: str
    wait: float


DeliveryEvent = RetryScheduled | BatchSplit | CircuitChanged | AliasHold
