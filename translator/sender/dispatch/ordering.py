"""Who waits for whom: the queued of one person keep their order, different people go in parallel.

A lane holds the queued of one person (or group) that are not settled yet. What lies in several
lanes, such as an alias in those of both its ids, goes when it is the first in all of them. From an
alias on its ids share a lane.
"""

from collections import OrderedDict, deque

from translator.sender.dispatch.queued_operation import QueuedOperation

REMEMBERED_PEOPLE = 100_000
"""How many people with several ids are remembered; of more, the longest unused are forgotten,
which matters only for one whose ids are used at the same moment again."""


class OrderedQueue:
    """`waiting` are its queued in order; `busy` more are under way, all in the request `owner`.

    Until `held_until` (seconds) nothing but an alias leaves it.
    """

    __slots__ = ("busy", "held_until", "key", "owner", "waiting")

    def __init__(self, key: str) -> None:
        self.key = key
        self.waiting: deque[QueuedOperation] = deque()
        self.busy = 0
        self.owner: object = None
        self.held_until = 0.0


class OrderedQueues:
    """All lanes in which something waits, is under way, or is held."""

    def __init__(self, remembered: int = REMEMBERED_PEOPLE) -> None:
        self._queues: dict[str, OrderedQueue] = {}
        self._people: OrderedDict[str, list[str]] = OrderedDict()
        self._lane_key: dict[str, str] = {}
        self._remembered = remembered

    def of(self, queued: QueuedOperation) -> list[OrderedQueue]:
        """The lanes of a queued that has been added."""
        return [self._queues[key] for key in queued.ordering_keys]

    def add(self, queued: QueuedOperation) -> bool:
        """Put a queued at the end of its lanes; whether it is the first in all, none of them busy.

        Its `lanes` become the names under which they are kept.
        """
        keys = queued.ordering_keys
        if self._lane_key:
            shared = tuple(dict.fromkeys(self._lane_key.get(key, key) for key in keys))
        else:
            shared = keys
        if queued.is_alias and len(keys) > 1:
            self._unite(keys, shared)
        queued.ordering_keys = shared
        first = True
        for key in shared:
            lane = self._queues.get(key)
            if lane is None:
                lane = self._queues[key] = OrderedQueue(key)
            elif lane.waiting or lane.busy:
                first = False
            lane.waiting.append(queued)
        return first

    def may_go(self, queued: QueuedOperation, now: float, owner: object = None) -> bool:
        """Whether nothing is before a queued, but what is in the request `owner` itself."""
        for key in queued.ordering_keys:
            lane = self._queues[key]
            if lane.waiting[0] is not queued or (lane.busy and lane.owner is not owner):
                return False
            if lane.held_until > now and not queued.is_alias:
                return False
        return True

    def take(self, queued: QueuedOperation, owner: object) -> list[QueuedOperation]:
        """Move a queued that may go from its lanes into the request `owner`.

        Gives the queued that then are the first in one of these lanes.
        """
        following = []
        for key in queued.ordering_keys:
            lane = self._queues[key]
            waiting = lane.waiting
            waiting.popleft()
            lane.busy += 1
            lane.owner = owner
            if waiting:
                following.append(waiting[0])
        return following

    def settle(self, queued: QueuedOperation, now: float, hold: float = 0.0) -> list[OrderedQueue]:
        """A queued is done with; the lanes that are free again. `hold`: for so many seconds not."""
        free = []
        for key in queued.ordering_keys:
            lane = self._queues[key]
            lane.busy -= 1
            if hold:
                lane.held_until = now + hold
            if not lane.busy:
                lane.owner = None
                free.append(lane)
        return free

    def forget(self, lane: OrderedQueue, now: float) -> None:
        """Let go of a lane that has nothing to keep."""
        if self._queues.get(lane.key) is not lane:
            return
        if not lane.waiting and not lane.busy and lane.held_until <= now:
            del self._queues[lane.key]

    def _unite(self, keys: tuple[str, ...], shared: tuple[str, ...]) -> None:
        """From now on queued of any of these people go to the lane of the first."""
        lane = shared[0]
        members = [*keys]
        for key in shared:
            members += self._people.pop(key, [key])
        self._people[lane] = list(dict.fromkeys(members))
        for key in self._people[lane]:
            self._lane_key[key] = lane
        while len(self._people) > self._remembered:
            _, forgotten = self._people.popitem(last=False)
            for key in forgotten:
                self._lane_key.pop(key, None)
