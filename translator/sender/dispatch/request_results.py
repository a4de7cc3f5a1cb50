"""The results of a request: a response gives one for each operation, or splits the request."""

from collections.abc import Sequence
from typing import NamedTuple

from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.batching import Batch
from translator.sender.dispatch.delivery_events import BatchSplit, DeliveryEvent
from translator.sender.http.failed_records import failures_by_place
from translator.sender.http.responses import InterpretedResponse, Meaning
from translator.sender.queue.queued_operation import QueuedOperation, Sharing

UNKNOWN = "it is unknown whether it arrived, and a second one would count twice"


class Settled(NamedTuple):
    """The result of some operations, and the reason if they are not delivered."""

    operations: Sequence[QueuedOperation]
    status: DeliveryStatus
    reason: str | None = None


class OutgoingRequest:
    """A request until it has a final response.

    `batches` are its parts after splits; the last one is sent next. `attempts` counts the failed
    attempts of that part. `round` and `successes` are those of its circuit breaker when the request
    was sent first.
    """

    __slots__ = ("attempts", "batches", "last_tries", "round", "successes")

    def __init__(self, batch: Batch) -> None:
        self.batches = [batch]
        self.attempts = 0
        self.last_tries = False
        self.round = 0
        self.successes = 0

    @property
    def batch(self) -> Batch:
        """The part that is sent next."""
        return self.batches[-1]


def final_results(
    request: OutgoingRequest, outcome: InterpretedResponse, events: list[DeliveryEvent]
) -> list[Settled]:
    """The results of a final response; removes the part from the request, or splits it."""
    batch = request.batch
    size = len(batch.operations)
    match outcome.meaning:
        case Meaning.DELIVERED if outcome.imported in (None, size):
            return [Settled(request.batches.pop().operations, DeliveryStatus.DELIVERED)]
        case Meaning.DELIVERED:
            reason = f"Mixpanel says that it stored {outcome.imported} of {size} records"
            return _divided(request, DeliveryStatus.REJECTED, reason, outcome, events)
        case Meaning.PARTIAL:
            failed = failures_by_place(batch, outcome)
            if failed is None:
                return _divided(request, DeliveryStatus.REJECTED, outcome.reason, outcome, events)
            request.batches.pop()
            return [
                Settled([queued], DeliveryStatus.REJECTED, failed[place])
                if place in failed
                else Settled([queued], DeliveryStatus.DELIVERED)
                for place, queued in enumerate(batch.operations)
            ]
        case Meaning.INVALID:
            return _divided(request, DeliveryStatus.REJECTED, outcome.reason, outcome, events)
        case Meaning.TOO_LARGE | Meaning.OUTDATED:
            return _divided(request, DeliveryStatus.DEAD_LETTERED, outcome.reason, outcome, events)
        case _:
            return [
                Settled(request.batches.pop().operations, DeliveryStatus.REJECTED, outcome.reason)
            ]


def _divided(
    request: OutgoingRequest,
    status: DeliveryStatus,
    reason: str | None,
    outcome: InterpretedResponse,
    events: list[DeliveryEvent],
) -> list[Settled]:
    """Split a part, so that only a bad record is lost."""
    operations = request.batch.operations
    if len(operations) == 1:
        return [Settled(request.batches.pop().operations, status, reason)]
    stored_none = outcome.meaning in (Meaning.TOO_LARGE, Meaning.OUTDATED)
    if not stored_none and operations[0].sharing is Sharing.ONCE:
        reason = f"{UNKNOWN}: one of {len(operations)} records was refused: {reason}"
        return [Settled(request.batches.pop().operations, DeliveryStatus.DEAD_LETTERED, reason)]
    halve(request, reason, outcome, events)
    return []


def halve(
    request: OutgoingRequest,
    reason: str | None,
    outcome: InterpretedResponse,
    events: list[DeliveryEvent],
) -> None:
    """Split the part that is sent next in two."""
    batch = request.batch
    events.append(BatchSplit(*batch.route, len(batch.operations), outcome.status, reason))
    request.batches[-1:] = reversed(batch.halves())
