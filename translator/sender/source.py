"""Sources of operations for the sender: the protocol, and one for operations in memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from translator.core.operations import Operation
from translator.sender.delivery_status import DeliveryResult, DeliveryStatus
from translator.sender.dispatch.request_results import Settled
from translator.sender.http.destination_guard import DestinationError
from translator.sender.queue.preparation import Preparation, UndeliverableError
from translator.sender.queue.queued_operation import QueuedOperation

TAKE_SECONDS = 0.1
"""Seconds that operations are collected before they are sent."""


class Source(Protocol):
    """A source of operations, which also receives their results.

    Each method may raise StorageError, with nothing changed: it is called again.
    """

    def take(self, room: int) -> Sequence[QueuedOperation] | None:
        """About `room` operations; an empty list if none is available now; None after the last."""

    def sending(self, queued: Sequence[QueuedOperation]) -> None:
        """Called before these operations are sent."""

    def settled(self, settled: Sequence[Settled]) -> None:
        """Called with operations that have their results."""


class OperationSource:
    """Operations as a source; `tell` is called with the place of each, from 0, and its result.

    `clock` gives seconds on any clock.
    """

    def __init__(
        self,
        preparation: Preparation,
        clock: Callable[[], float],
        operations: Iterable[Operation],
        tell: Callable[[int, DeliveryResult], object],
    ) -> None:
        self._preparation = preparation
        self._clock = clock
        self._left = self._surviving(operations)
        self._tell = tell
        self.failure: Exception | None = None
        """The exception that ended the iterator; None if it came to its end."""

    def take(self, room: int) -> Sequence[QueuedOperation] | None:
        queued: list[QueuedOperation] = []
        until = self._clock() + TAKE_SECONDS
        for place, operation in self._left:
            try:
                queued.append(self._preparation.prepare(operation, tag=place))
            except (UndeliverableError, DestinationError) as error:
                self._tell(
                    place, DeliveryResult(operation, DeliveryStatus.DEAD_LETTERED, str(error))
                )
            if len(queued) >= room or (queued and self._clock() > until):
                break
        return queued or None

    def _surviving(self, operations: Iterable[Operation]) -> Iterator[tuple[int, Operation]]:
        """The operations with their places, until the end or an exception."""
        try:
            yield from enumerate(operations)
        except Exception as error:
            self.failure = error

    def sending(self, queued: Sequence[QueuedOperation]) -> None:
        """Do nothing: this source stores no state."""

    def settled(self, settled: Sequence[Settled]) -> None:
        for operations, status, reason in settled:
            for queued in operations:
                self._tell(queued.tag, DeliveryResult(queued.operation, status, reason))
