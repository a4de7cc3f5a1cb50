"""Operations that may be sent now, and which of them share a request."""

from bisect import insort
from collections.abc import Iterator
from operator import attrgetter

from translator.sender.dispatch.alias_hold import AliasHoldTimer
from translator.sender.dispatch.batching import BRACKET, Batch, BatchLimits, Route
from translator.sender.dispatch.ordering import OrderedQueues
from translator.sender.queue.queued_operation import QueuedOperation, Sharing

_number = attrgetter("number")

MOST_SHARED = {Sharing.ONCE: 50, Sharing.ALONE: 1}
"""Maximum number of records in a request that must not be sent twice, one for each person. After a
lost response, somebody has to check each of these records by hand.
"""


class SendableOperations:
    """The operations that are first in their queues, by what they may share a request with."""

    def __init__(
        self, limits: BatchLimits, queues: OrderedQueues, alias_hold: AliasHoldTimer
    ) -> None:
        self._limits = limits
        self._queues = queues
        self._alias_hold = alias_hold
        self._ready: dict[tuple[str, str, Sharing], list[QueuedOperation]] = {}
        """By host, endpoint and sharing; each list is in order."""

    def add(self, queued: QueuedOperation) -> None:
        """Add an operation that may be sent."""
        queued.ready = True
        key = (queued.host, queued.endpoint, queued.sharing)
        ready = self._ready.get(key)
        if ready is None:
            ready = self._ready[key] = []
        if not ready or ready[-1].number < queued.number:  # as nearly always
            ready.append(queued)
        else:
            insort(ready, queued, key=_number)

    def kinds(self) -> list[tuple[Route, Sharing]]:
        """The kinds of requests that operations are ready for, the oldest operation first."""
        kinds = sorted((ready[0].number, key) for key, ready in self._ready.items() if ready)
        return [(Route(host, endpoint), sharing) for _, (host, endpoint, sharing) in kinds]

    def batches(self, route: Route, sharing: Sharing, now: float) -> Iterator[Batch]:
        """Take all operations of a kind, batch by batch."""
        while self._ready[(*route, sharing)]:
            yield self.batch(route, sharing, now)

    def batch(self, route: Route, sharing: Sharing, now: float) -> Batch:
        """Take what may go to a route, the oldest first, and what may follow it in its queue."""
        ready = self._ready[(*route, sharing)]
        most = min(MOST_SHARED.get(sharing, self._limits.records), self._limits.records)
        room = self._limits.bytes - BRACKET
        owner = object()
        taken: list[QueuedOperation] = []
        count = 0
        for first in ready:
            if len(taken) == most or (taken and len(first.text) >= room):
                break
            count += 1
            queued: QueuedOperation | None = first
            while queued is not None:
                following = self._queues.take(queued, owner)
                taken.append(queued)
                room -= len(queued.text) + 1
                if len(taken) == most or sharing is Sharing.ONCE:
                    break
                if self._alias_hold.ends_request(queued):
                    break
                queued = None
                for one in following:
                    if one.sharing is sharing and self._may_follow(one, route, room, owner, now):
                        queued = one
                        break
        del ready[:count]
        taken.sort(key=_number)
        return Batch(route, tuple(taken))

    def _may_follow(
        self, queued: QueuedOperation, route: Route, room: int, owner: object, now: float
    ) -> bool:
        """Whether an operation may share the request of the one before it in a queue."""
        return (
            queued.endpoint == route.endpoint
            and queued.host == route.host
            and not queued.ready
            and len(queued.text) < room
            and (len(queued.ordering_keys) == 1 or self._queues.may_go(queued, now, owner))
        )
