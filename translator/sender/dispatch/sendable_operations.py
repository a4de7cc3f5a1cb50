"""Operations that may be sent now, and which of them share a request."""

import heapq
from collections.abc import Iterator
from operator import attrgetter

from translator.sender.dispatch.alias_hold import AliasHoldTimer
from translator.sender.dispatch.batching import BRACKET, Batch, BatchLimits, Route
from translator.sender.dispatch.ordering import OrderedQueues
from translator.sender.dispatch.queued_operation import QueuedOperation, Sharing

MOST_SHARED = {Sharing.ONCE: 50, Sharing.ALONE: 1}
"""How many records share a request at most.

A request has only one record of each person that must not be sent twice. After a lost response, a
person has to check each of these records by hand.
"""


class SendableOperations:
    """The operations that are first in their queues, by what they may share a request with."""

    def __init__(
        self, limits: BatchLimits, queues: OrderedQueues, alias_hold: AliasHoldTimer
    ) -> None:
        self._limits = limits
        self._queues = queues
        self._alias_hold = alias_hold
        self._heaps: dict[tuple[Route, Sharing], list[tuple[int, QueuedOperation]]] = {}

    def add(self, queued: QueuedOperation) -> None:
        """Add an operation that may be sent."""
        queued.ready = True
        key = (Route(queued.host, queued.endpoint), queued.sharing)
        heap = self._heaps.get(key)
        if heap is None:
            heap = self._heaps[key] = []
        heapq.heappush(heap, (queued.number, queued))

    def kinds(self) -> list[tuple[Route, Sharing]]:
        """The kinds of requests that operations are ready for, the oldest operation first."""
        return sorted(
            (key for key, heap in self._heaps.items() if heap),
            key=lambda key: self._heaps[key][0][0],
        )

    def batches(self, route: Route, sharing: Sharing, now: float) -> Iterator[Batch]:
        """Take all operations of a kind, batch by batch."""
        while self._heaps[route, sharing]:
            yield self.batch(route, sharing, now)

    def batch(self, route: Route, sharing: Sharing, now: float) -> Batch:
        """Take what may go to a route, the oldest first, and what may follow it in its queue."""
        heap = self._heaps[route, sharing]
        most = min(MOST_SHARED.get(sharing, self._limits.records), self._limits.records)
        room = self._limits.bytes - BRACKET
        owner = object()
        taken: list[QueuedOperation] = []
        while heap and len(taken) < most:
            queued: QueuedOperation | None = heap[0][1]
            if taken and len(heap[0][1].text) >= room:
                break
            heapq.heappop(heap)
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
        taken.sort(key=attrgetter("number"))
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
