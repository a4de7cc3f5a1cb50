"""Order: the operations of one person are sent in sequence, those of different people in parallel.

A queue holds the operations of one person (or group) that have no result yet. An operation that is
in several queues, such as an alias in those of both its ids, is sent when it is the first in all of
them. After an alias its ids share one queue.
"""

from collections import OrderedDict, deque

from translator.sender.queue.queued_operation import QueuedOperation

REMEMBERED_PEOPLE = 100_000
"""Maximum number of remembered people with several ids. Beyond it the least recently used are
forgotten, which matters only if two of their ids are used concurrently again."""


class OrderedQueue:
    """The operations of one ordering key.

    `first` is the first one that was not sent yet, if there is one, and `others` are those behind
    it: most queues never have more than one, and an empty deque is larger than an operation.
    `busy` more are under way, all in the request `owner`. Until `held_until`, in seconds, only an
    alias may be sent.
    """

    __slots__ = ("busy", "first", "held_until", "key", "others", "owner")

    def __init__(self, key: str, first: QueuedOperation) -> None:
        self.key = key
        self.first: QueuedOperation | None = first
        self.others: deque[QueuedOperation] | None = None
        self.busy = 0
        self.owner: object = None
        self.held_until = 0.0

    def append(self, queued: QueuedOperation) -> None:
        """Put an operation at the end."""
        if self.first is None:
            self.first = queued
        elif self.others is None:
            self.others = deque([queued])
        else:
            self.others.append(queued)

    def remove_first(self) -> None:
        """Remove the first operation: it is sent."""
        self.first = self.others.popleft() if self.others else None


class OrderedQueues:
    """All queues that are not empty, busy, or held."""

    def __init__(self, remembered: int = REMEMBERED_PEOPLE) -> None:
        self._queues: dict[str, OrderedQueue] = {}
        self._people: OrderedDict[str, list[str]] = OrderedDict()
        self._shared_key: dict[str, str] = {}
        self._remembered = remembered

    def of(self, queued: QueuedOperation) -> list[OrderedQueue]:
        """The queues of an operation that has been added."""
        return [self._queues[key] for key in queued.ordering_keys]

    def add(self, queued: QueuedOperation) -> bool:
        """Put an operation at the end of its queues; says whether it may be sent at once.

        Its `ordering_keys` become those of the queues, which aliases may have joined.
        """
        keys = queued.ordering_keys
        if self._shared_key:
            shared = tuple(dict.fromkeys(self._shared_key.get(key, key) for key in keys))
        else:
            shared = keys
        if queued.is_alias and len(keys) > 1:
            self._unite(keys, shared)
        queued.ordering_keys = shared
        first = True
        for key in shared:
            queue = self._queues.get(key)
            if queue is None:
                self._queues[key] = OrderedQueue(key, queued)
                continue
            if queue.first is not None or queue.busy:
                first = False
            queue.append(queued)
        return first

    def may_go(self, queued: QueuedOperation, now: float, owner: object = None) -> bool:
        """Whether an operation may be sent now, or in the request `owner` that is filled."""
        for key in queued.ordering_keys:
            queue = self._queues[key]
            if queue.first is not queued or (queue.busy and queue.owner is not owner):
                return False
            if queue.held_until > now and not queued.is_alias:
                return False
        return True

    def take(self, queued: QueuedOperation, owner: object) -> list[QueuedOperation]:
        """Move an operation from its queues into the request `owner`.

        Gives the operations that are the first in one of these queues then.
        """
        following = []
        for key in queued.ordering_keys:
            queue = self._queues[key]
            queue.remove_first()
            queue.busy += 1
            queue.owner = owner
            if queue.first is not None:
                following.append(queue.first)
        return following

    def settle(self, queued: QueuedOperation, now: float, hold: float = 0.0) -> list[OrderedQueue]:
        """An operation has its result; gives its queues that are free again and not empty, or held.

        With `hold` they stay closed for that number of seconds.
        """
        free = []
        for key in queued.ordering_keys:
            queue = self._queues[key]
            queue.busy -= 1
            if hold:
                queue.held_until = now + hold
            if queue.busy:
                continue
            queue.owner = None
            if queue.first is not None or queue.held_until > now:
                free.append(queue)
            else:
                del self._queues[key]
        return free

    def forget(self, queue: OrderedQueue, now: float) -> None:
        """Remove a queue that is empty, not busy and not held."""
        if self._queues.get(queue.key) is not queue:
            return
        if queue.first is None and not queue.busy and queue.held_until <= now:
            del self._queues[queue.key]

    def _unite(self, keys: tuple[str, ...], shared: tuple[str, ...]) -> None:
        """Let operations of any of these people share the queue of the first from now on."""
        queue = shared[0]
        members = [*keys]
        for key in shared:
            members += self._people.pop(key, [key])
        self._people[queue] = list(dict.fromkeys(members))
        for key in self._people[queue]:
            self._shared_key[key] = queue
        while len(self._people) > self._remembered:
            _, forgotten = self._people.popitem(last=False)
            for key in forgotten:
                self._shared_key.pop(key, None)
