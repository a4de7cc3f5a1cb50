"""Who waits for whom: the letters of one person keep their order, different people go in parallel.

A lane holds the letters of one person (or group) that are not settled yet. What lies in several
lanes, such as an alias in those of both its ids, goes when it is the first in all of them. From an
alias on its ids share a lane.
"""

from collections import OrderedDict, deque

from translator.sender.dispatch.queued_operation import Letter

REMEMBERED_PEOPLE = 100_000
"""How many people with several ids are remembered; of more, the longest unused are forgotten,
which matters only for one whose ids are used at the same moment again."""


class Lane:
    """`waiting` are its letters in order; `busy` more are under way, all in the request `owner`.

    Until `held_until` (seconds) nothing but an alias leaves it.
    """

    __slots__ = ("busy", "held_until", "key", "owner", "waiting")

    def __init__(self, key: str) -> None:
        self.key = key
        self.waiting: deque[Letter] = deque()
        self.busy = 0
        self.owner: object = None
        self.held_until = 0.0


class Lanes:
    """All lanes in which something waits, is under way, or is held."""

    def __init__(self, remembered: int = REMEMBERED_PEOPLE) -> None:
        self._lanes: dict[str, Lane] = {}
        self._people: OrderedDict[str, list[str]] = OrderedDict()
        self._lane_key: dict[str, str] = {}
        self._remembered = remembered

    def of(self, letter: Letter) -> list[Lane]:
        """The lanes of a letter that has been added."""
        return [self._lanes[key] for key in letter.lanes]

    def add(self, letter: Letter) -> bool:
        """Put a letter at the end of its lanes; whether it is the first in all, none of them busy.

        Its `lanes` become the names under which they are kept.
        """
        keys = letter.lanes
        if self._lane_key:
            shared = tuple(dict.fromkeys(self._lane_key.get(key, key) for key in keys))
        else:
            shared = keys
        if letter.is_alias and len(keys) > 1:
            self._unite(keys, shared)
        letter.lanes = shared
        first = True
        for key in shared:
            lane = self._lanes.get(key)
            if lane is None:
                lane = self._lanes[key] = Lane(key)
            elif lane.waiting or lane.busy:
                first = False
            lane.waiting.append(letter)
        return first

    def may_go(self, letter: Letter, now: float, owner: object = None) -> bool:
        """Whether nothing is before a letter, but what is in the request `owner` itself."""
        for key in letter.lanes:
            lane = self._lanes[key]
            if lane.waiting[0] is not letter or (lane.busy and lane.owner is not owner):
                return False
            if lane.held_until > now and not letter.is_alias:
                return False
        return True

    def take(self, letter: Letter, owner: object) -> list[Letter]:
        """Move a letter that may go from its lanes into the request `owner`.

        Gives the letters that then are the first in one of these lanes.
        """
        following = []
        for key in letter.lanes:
            lane = self._lanes[key]
            waiting = lane.waiting
            waiting.popleft()
            lane.busy += 1
            lane.owner = owner
            if waiting:
                following.append(waiting[0])
        return following

    def settle(self, letter: Letter, now: float, hold: float = 0.0) -> list[Lane]:
        """A letter is done with; the lanes that are free again. `hold`: for so many seconds not."""
        free = []
        for key in letter.lanes:
            lane = self._lanes[key]
            lane.busy -= 1
            if hold:
                lane.held_until = now + hold
            if not lane.busy:
                lane.owner = None
                free.append(lane)
        return free

    def forget(self, lane: Lane, now: float) -> None:
        """Let go of a lane that has nothing to keep."""
        if self._lanes.get(lane.key) is not lane:
            return
        if not lane.waiting and not lane.busy and lane.held_until <= now:
            del self._lanes[lane.key]

    def _unite(self, keys: tuple[str, ...], shared: tuple[str, ...]) -> None:
        """From now on letters of any of these people go to the lane of the first."""
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
