"""What is sent next: letters into requests, answers into verdicts.

A state machine without clock, threads or network: whoever drives it says what time it is (seconds
on any clock), sends what it gives, and tells the answer. It keeps these promises:

- the letters of a lane leave one request at a time, in order, whatever endpoints they are for;
- lanes do not wait for each other, but share requests;
- every letter gets exactly one verdict.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from itertools import count
from operator import attrgetter
from typing import NamedTuple

from translator.sender.delivery_status import Fate
from translator.sender.dispatch import delivery_events
from translator.sender.dispatch.batching import BRACKET, Batch, Limits, Place
from translator.sender.dispatch.circuit_breaker import Circuit, State
from translator.sender.dispatch.ordering import Lane, Lanes
from translator.sender.dispatch.queued_operation import Letter
from translator.sender.dispatch.retry import RetryPolicy
from translator.sender.http.failed_records import failures_by_place
from translator.sender.http.responses import Meaning, Outcome

UNKNOWN = "it is unknown whether it arrived, and a second one would count twice"


class Alias(StrEnum):
    """What is done about the calls of a person that follow an alias (doc#alias-using-cloud-mode).

    `none`: nothing, they may share its request. `flush`: they go when it has been answered. `hold`:
    they go a moment after that, so that Mixpanel knows the new id when they arrive.
    """

    NONE = "none"
    FLUSH = "flush"
    HOLD = "hold"


class Settled(NamedTuple):
    """What became of some letters, and why if they are not delivered."""

    letters: Sequence[Letter]
    fate: Fate
    reason: str | None = None


class Shipment:
    """A request until it has a final answer.

    `batches` are what it has been divided into; the last one is sent next. `attempts` is how often
    that one was tried in vain, `round` and `successes` what its circuit said when it first went.
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
        """What is sent next."""
        return self.batches[-1]


class Dispatch:
    """`hold` is in seconds; `limits` are those of a request."""

    def __init__(self, limits: Limits, retry: RetryPolicy, alias: Alias, hold: float) -> None:
        self._limits = limits
        self._retry = retry
        self._alias = alias
        self._hold = hold if alias is Alias.HOLD else 0.0
        self._last_hold = 0.0
        self._lanes = Lanes()
        self._ready: dict[tuple[Place, bool], list[tuple[int, Letter]]] = {}
        """Letters that may go, by place, those that go alone apart."""
        self._again: deque[Shipment] = deque()
        self._timers: list[tuple[float, int, Shipment | Lane]] = []
        self._ticks = count()
        self._circuits: dict[str, Circuit] = {}
        self.letters = 0
        """How many have no verdict yet."""
        self.bytes = 0
        """The size of their texts."""
        self.news: list[delivery_events.News] = []
        """What happened since somebody emptied it, the oldest first."""

    def accept(self, letter: Letter, now: float) -> None:
        """Take a letter; its number must be higher than all before."""
        self.letters += 1
        self.bytes += len(letter.text)
        if self._lanes.add(letter):
            self._offer(letter, now)

    def next(self, now: float) -> Shipment | float | None:
        """A request to send; or the seconds to wait for one; or None if only an answer helps.

        Ask again after every answer and everything accepted.
        """
        self._wake(now)
        shortest = self._timers[0][0] - now if self._timers else None
        for _ in range(len(self._again)):
            shipment = self._again.popleft()
            wait = self._circuit(shipment.batch.place).wait(now)
            if wait == 0:
                return self._sent(shipment, now)
            self._again.append(shipment)
            shortest = _shorter(shortest, wait)
        for place, alone in sorted(
            (key for key, heap in self._ready.items() if heap),
            key=lambda key: self._ready[key][0][0],
        ):
            wait = self._circuit(place).wait(now)
            if wait == 0:
                return self._sent(Shipment(self._fill(place, alone, now)), now)
            shortest = _shorter(shortest, wait)
        return shortest

    def answered(self, shipment: Shipment, outcome: Outcome, now: float) -> list[Settled]:
        """Tell what was answered to a request; gives what is settled by it."""
        place = shipment.batch.place
        circuit = self._circuit(place)
        before = circuit.state
        if outcome.meaning is Meaning.RETRY:
            settled = self._unanswered(shipment, outcome, circuit, now)
        else:
            if outcome.meaning is Meaning.OUTDATED:
                circuit.not_asked()
            else:
                circuit.answered()
            settled = self._understood(shipment, outcome)
            if shipment.batches:
                shipment.attempts = self._retry.attempts - 1 if shipment.last_tries else 0
                self._again.append(shipment)
        self._compare(before, circuit, place, now)
        for letters, fate, _ in settled:
            self._release(letters, fate, now)
        return settled

    def held_for(self, now: float, *, anybody: bool = False) -> float:
        """How many seconds the longest hold goes on; with `anybody` as if one had just begun."""
        return self._hold if anybody else max(0.0, self._last_hold - now)

    def abandoned(self, now: float) -> list[Settled]:
        """The letters that are given up without a further try, because their host is hopeless."""
        settled: list[Settled] = []
        while batches := self._hopeless(now):
            for batch in batches:
                circuit = self._circuit(batch.place)
                reason = f"given up: {batch.place.host} answers nobody: {circuit.reason}"
                settled.append(Settled(batch.letters, Fate.DEAD_LETTERED, reason))
                self._release(batch.letters, Fate.DEAD_LETTERED, now)
        return settled

    def _hopeless(self, now: float) -> list[Batch]:
        """What is to be sent to a host of which nothing is to be hoped."""
        if not any(circuit.hopeless(now) for circuit in self._circuits.values()):
            return []
        waiting = [what for _, _, what in self._timers if isinstance(what, Shipment)]
        batches: list[Batch] = []
        for shipment in (*self._again, *waiting):
            if self._circuit(shipment.batch.place).hopeless(now):
                while shipment.batches:
                    batches.append(shipment.batches.pop())
        self._again = deque(each for each in self._again if each.batches)
        self._timers = [
            timer for timer in self._timers if isinstance(timer[2], Lane) or timer[2].batches
        ]
        heapq.heapify(self._timers)
        for (place, alone), heap in self._ready.items():
            while heap and self._circuit(place).hopeless(now):
                batches.append(self._fill(place, alone, now))
        return batches

    def _circuit(self, place: Place) -> Circuit:
        if place.host not in self._circuits:
            self._circuits[place.host] = Circuit(self._retry)
        return self._circuits[place.host]

    def _offer(self, letter: Letter, now: float) -> None:
        """Let a letter go if nothing is before it; if its lane is held, when that is over."""
        if letter.ready:
            return
        if not self._lanes.may_go(letter, now):
            for lane in self._lanes.of(letter):
                if lane.held_until > now:
                    self._remind(lane.held_until, lane)
            return
        letter.ready = True
        operation = letter.operation
        key = (Place(operation.host, operation.endpoint), letter.alone)
        heap = self._ready.get(key)
        if heap is None:
            heap = self._ready[key] = []
        heapq.heappush(heap, (letter.number, letter))

    def _remind(self, when: float, what: Shipment | Lane) -> None:
        heapq.heappush(self._timers, (when, next(self._ticks), what))

    def _wake(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            _, _, what = heapq.heappop(self._timers)
            if isinstance(what, Shipment):
                self._again.append(what)
            elif what.waiting:
                self._offer(what.waiting[0], now)
            else:
                self._lanes.forget(what, now)

    def _fill(self, place: Place, alone: bool, now: float) -> Batch:
        """Take what may go to a place, the oldest first, and what then may follow in its lane."""
        heap = self._ready[place, alone]
        most = 1 if alone else self._limits.records
        room = self._limits.bytes - BRACKET
        owner = object()
        taken: list[Letter] = []
        while heap and len(taken) < most:
            letter: Letter | None = heap[0][1]
            if taken and len(heap[0][1].text) >= room:
                break
            heapq.heappop(heap)
            while letter is not None:
                following = self._lanes.take(letter, owner)
                taken.append(letter)
                room -= len(letter.text) + 1
                if len(taken) == most or (letter.is_alias and self._alias is not Alias.NONE):
                    break
                letter = None
                for one in following:
                    if self._may_follow(one, place, room, owner, now):
                        letter = one
                        break
        taken.sort(key=attrgetter("number"))
        return Batch(place, tuple(taken))

    def _may_follow(
        self, letter: Letter, place: Place, room: int, owner: object, now: float
    ) -> bool:
        """Whether a letter may share the request of the one that was before it in a lane."""
        endpoint, host, _ = letter.operation
        return (
            endpoint == place.endpoint
            and host == place.host
            and not letter.alone
            and not letter.ready
            and len(letter.text) < room
            and (len(letter.lanes) == 1 or self._lanes.may_go(letter, now, owner))
        )

    def _sent(self, shipment: Shipment, now: float) -> Shipment:
        place = shipment.batch.place
        circuit = self._circuit(place)
        before = circuit.state
        shipment.round = circuit.asked()
        self._compare(before, circuit, place, now)
        if shipment.attempts == 0:
            shipment.successes = circuit.successes
        return shipment

    def _compare(self, before: State, circuit: Circuit, place: Place, now: float) -> None:
        """Tell it if a circuit is not as it was before."""
        state = circuit.state
        if state is not before:
            wait = circuit.wait(now) if state is State.OPEN else None
            reason = None if state is State.CLOSED else circuit.reason
            self.news.append(delivery_events.Circuit(place.host, state, wait, reason))

    def _understood(self, shipment: Shipment, outcome: Outcome) -> list[Settled]:
        """What a final answer settles; the batch is gone from the shipment, or divided."""
        batch = shipment.batch
        size = len(batch.letters)
        match outcome.meaning:
            case Meaning.DELIVERED if outcome.imported in (None, size):
                return [Settled(shipment.batches.pop().letters, Fate.DELIVERED)]
            case Meaning.DELIVERED:
                reason = f"Mixpanel says that it stored {outcome.imported} of {size} records"
                return self._divided(shipment, Fate.REJECTED, reason, outcome)
            case Meaning.PARTIAL:
                failed = failures_by_place(batch, outcome)
                if failed is None:
                    return self._divided(shipment, Fate.REJECTED, outcome.reason, outcome)
                shipment.batches.pop()
                return [
                    Settled([letter], Fate.REJECTED, failed[place])
                    if place in failed
                    else Settled([letter], Fate.DELIVERED)
                    for place, letter in enumerate(batch.letters)
                ]
            case Meaning.INVALID:
                return self._divided(shipment, Fate.REJECTED, outcome.reason, outcome)
            case Meaning.TOO_LARGE | Meaning.OUTDATED:
                return self._divided(shipment, Fate.DEAD_LETTERED, outcome.reason, outcome)
            case _:
                return [Settled(shipment.batches.pop().letters, Fate.REJECTED, outcome.reason)]

    def _divided(
        self, shipment: Shipment, fate: Fate, reason: str | None, outcome: Outcome
    ) -> list[Settled]:
        """Send the halves of a batch one after the other, so that only a bad record is lost."""
        if len(shipment.batch.letters) == 1:
            return [Settled(shipment.batches.pop().letters, fate, reason)]
        self._halve(shipment, reason, outcome)
        return []

    def _halve(self, shipment: Shipment, reason: str | None, outcome: Outcome) -> None:
        batch = shipment.batch
        self.news.append(
            delivery_events.Split(*batch.place, len(batch.letters), outcome.status, reason)
        )
        shipment.batches[-1:] = reversed(batch.halves())

    def _unanswered(
        self, shipment: Shipment, outcome: Outcome, circuit: Circuit, now: float
    ) -> list[Settled]:
        asked = outcome.retry_after
        place, letters = shipment.batch
        circuit.failed(shipment.round, now, asked, outcome.reason or "")
        shipment.attempts += 1
        if outcome.unclear and not all(letter.repeatable for letter in letters):
            return self._given_up(shipment, f"{UNKNOWN}: {outcome.reason}")
        others = circuit.successes > shipment.successes
        exhausted = shipment.attempts >= self._retry.attempts
        endless = (asked or 0) > self._retry.patience
        if self._retry.gives_up:
            final = exhausted or circuit.given_up or endless
        else:
            final = exhausted and others
        if not final:
            wait = self._retry.wait(shipment.attempts) if asked is None else asked
            self._remind(now + wait, shipment)
            size, tries = len(letters), shipment.attempts
            self.news.append(
                delivery_events.Retry(*place, size, tries, wait, outcome.status, outcome.reason)
            )
            return []
        if len(letters) > 1 and others and not endless:
            # Others get through: one of these may be what the server cannot stomach.
            shipment.last_tries = True
            self._halve(shipment, outcome.reason, outcome)
            shipment.attempts = self._retry.attempts - 1
            self._again.append(shipment)
            return []
        return self._given_up(shipment, f"given up after the last try: {outcome.reason}")

    def _given_up(self, shipment: Shipment, reason: str) -> list[Settled]:
        letters = shipment.batches.pop().letters
        if shipment.batches:
            shipment.attempts = self._retry.attempts - 1 if shipment.last_tries else 0
            self._again.append(shipment)
        return [Settled(letters, Fate.DEAD_LETTERED, reason)]

    def _release(self, letters: Sequence[Letter], fate: Fate, now: float) -> None:
        self.letters -= len(letters)
        for letter in letters:
            self.bytes -= len(letter.text)
            hold = 0.0
            if letter.is_alias and fate is Fate.DELIVERED and self._hold:
                hold = self._hold
                self._last_hold = now + hold
                self.news.append(delivery_events.Hold(letter.operation.host, hold))
            for lane in self._lanes.settle(letter, now, hold):
                if lane.waiting:
                    self._offer(lane.waiting[0], now)
                elif lane.held_until > now:
                    self._remind(lane.held_until, lane)
                else:
                    self._lanes.forget(lane, now)


def _shorter(first: float | None, second: float | None) -> float | None:
    return second if first is None else first if second is None else min(first, second)
