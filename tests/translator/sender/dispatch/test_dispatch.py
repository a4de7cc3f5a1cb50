"""The dispatch, a state machine, driven by the tests."""

import random
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translator.sender.build import EU, NOW, US, event, update
from translator.core.operations import Operation
from translator.sender import AliasPolicy, BatchLimits
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.circuit_breaker import CircuitState
from translator.sender.dispatch.delivery_events import CircuitChanged
from translator.sender.dispatch.dispatch import Dispatch
from translator.sender.dispatch.request_results import OutgoingRequest, Settled
from translator.sender.dispatch.retry import RetryPolicy
from translator.sender.http.responses import FailedRecord, InterpretedResponse, Meaning
from translator.sender.queue.batch_safety import is_idempotent, may_be_dropped_silently
from translator.sender.queue.payload_text import encode
from translator.sender.queue.queued_operation import QueuedOperation, ordering_keys_of

DELIVERED = InterpretedResponse(Meaning.DELIVERED)
DOWN = InterpretedResponse(Meaning.RETRY, "HTTP 503: down")


class Judged(NamedTuple):
    """A queued and what became of it."""

    queued: QueuedOperation
    status: DeliveryStatus
    reason: str | None


class Driven:
    """A dispatch with what it was given, and a clock that only we move."""

    def __init__(
        self,
        *operations: Operation,
        alias: AliasPolicy = AliasPolicy.HOLD,
        limits: BatchLimits | None = None,
        gives_up: bool = True,
    ) -> None:
        retry = RetryPolicy(jitter=lambda: 0.5, gives_up=gives_up)
        self.dispatch = Dispatch(limits or BatchLimits(), retry, alias, 1.5)
        self.now = 100.0
        self.count = 0
        self.settled: list[Judged] = []
        self.add(*operations)

    def add(self, *operations: Operation, people: tuple[Any, ...] = ()) -> None:
        for operation in operations:
            text = encode(operation.payload)
            again = is_idempotent(operation)
            queued = QueuedOperation(
                self.count,
                operation,
                text,
                ordering_keys_of(operation, people),
                alone=may_be_dropped_silently(operation, len(text), NOW * 1000),
                idempotent=again,
            )
            self.count += 1
            self.dispatch.accept(queued, self.now)

    def send(self) -> OutgoingRequest:
        """The request that is to be sent now."""
        request = self.dispatch.next(self.now)
        assert isinstance(request, OutgoingRequest), request
        return request

    def sendable(self) -> list[list[str]]:
        """All requests that may be under way at once, by the names of their records."""
        found = []
        while isinstance(request := self.dispatch.next(self.now), OutgoingRequest):
            found.append(names(request))
        return found

    def wait(self) -> float:
        """Let the time pass that it says to wait; gives the seconds."""
        seconds = self.dispatch.next(self.now)
        assert isinstance(seconds, float), seconds
        self.now += seconds
        return seconds

    def answer(self, request: OutgoingRequest, outcome: InterpretedResponse = DELIVERED) -> None:
        self.note(self.dispatch.process_response(request, outcome, self.now))

    def note(self, settled: list[Settled]) -> None:
        """Keep what became of each queued."""
        self.settled += [
            Judged(queued, each.status, each.reason)
            for each in settled
            for queued in each.operations
        ]

    def run(self) -> list[list[str]]:
        """Everything that is sent, if all is delivered and nothing has to be waited for."""
        found = []
        while isinstance(request := self.dispatch.next(self.now), OutgoingRequest):
            found.append(names(request))
            self.answer(request)
        return found


def names(request: OutgoingRequest) -> list[str]:
    """Events by name, updates by person."""
    payloads = [queued.operation.payload for queued in request.batch.operations]
    return [payload.get("event") or payload["$distinct_id"] for payload in payloads]


def alias(old: str, new: str) -> Operation:
    properties = {"token": "T", "distinct_id": old, "alias": new}
    return Operation("/track", US, {"event": "$create_alias", "properties": properties})


def of(person: str, name: str) -> Operation:
    return event(name, distinct_id=person)


def put(person: str) -> Operation:
    return update(person, "$set", {"n": 1})


def test_people_share_requests() -> None:
    """What may go to one endpoint goes in one request, in order of arrival."""
    driven = Driven(of("ann", "A"), of("bob", "B"), of("ann", "C"))
    assert driven.run() == [["A", "B", "C"]]


def test_the_order_of_a_person_holds_over_endpoints() -> None:
    """A person's event waits for the update before it; others do not."""
    driven = Driven(put("ann"), of("ann", "A"), of("bob", "B"), put("bob"))
    assert driven.sendable() == [["ann"], ["B"]]


def test_after_an_answer_the_next_of_a_person_goes() -> None:
    """One request after the other, each as large as it can be."""
    driven = Driven(put("ann"), of("ann", "A"), of("ann", "B"), put("ann"), put("bob"))
    assert driven.run() == [["ann", "bob"], ["A", "B"], ["ann"]]


def test_hosts_and_endpoints_are_kept_apart() -> None:
    """A request goes to one endpoint of one residency."""
    driven = Driven(event("A", host=EU), event("B"), event("C", "/import"), event("D", host=EU))
    assert driven.run() == [["A"], ["B"], ["C"], ["D"]]


def test_limit_of_records() -> None:
    """A request holds at most 2000 records."""
    driven = Driven(*[event("A")] * 2001)
    assert [len(sent) for sent in driven.run()] == [2000, 1]


@pytest.mark.parametrize(("spare", "expected"), [(0, [["A", "B"]]), (-1, [["A"], ["B"]])])
@pytest.mark.parametrize("people", [("ann", "ann"), ("ann", "bob")])
def test_limit_of_bytes(spare: int, expected: list[list[str]], people: tuple[str, str]) -> None:
    """A body that just fits is one request, and one byte less makes it two."""
    pair = [of(person, name) for person, name in zip(people, "AB", strict=True)]
    size = len(Driven(*pair).send().batch.body())
    assert Driven(*pair, limits=BatchLimits(bytes=size + spare)).run() == expected


def test_oversized_record_travels_alone() -> None:
    """A record beyond the limit is still sent, and left to the server to judge."""
    driven = Driven(
        of("ann", "A"), event("B", distinct_id="bob", text="x" * 500), limits=BatchLimits(bytes=300)
    )
    assert driven.run() == [["A"], ["B"]]


def test_doubtful_records_travel_alone() -> None:
    """What must not hide behind others has a request of its own; the others share theirs."""
    driven = Driven(of("ann", "A"), of("null", "B"), of("bob", "C"))
    assert driven.run() == [["A", "C"], ["B"]]


def test_increments_share_a_request_with_each_other() -> None:
    """Increments of different people share a request, 50 at most; of one person, none do."""
    add = [update(f"p{n}", "$add", {"n": 1}) for n in range(60)]
    assert [len(names) for names in Driven(*add).run()] == [50, 10]
    ann = update("ann", "$add", {"n": 1})
    driven = Driven(put("bob"), ann, ann, update("cid", "$add", {"n": 1}), put("ann"))
    assert driven.run() == [["bob"], ["ann", "cid"], ["ann"], ["ann"]]


def test_a_doubtful_increment_travels_alone() -> None:
    """One that Mixpanel might drop in silence must not be hidden by the answer to others."""
    odd = update("odd", "$add", {"n": "1"})
    driven = Driven(update("ann", "$add", {"n": 1}), odd, update("bob", "$add", {"n": 1}))
    assert driven.run() == [["ann", "bob"], ["odd"]]


def test_alias_none() -> None:
    """Without a strategy the calls after an alias go with it."""
    driven = Driven(alias("dev", "ann"), of("ann", "A"), alias=AliasPolicy.NONE)
    assert driven.run() == [["$create_alias", "A"]]


def test_alias_flush() -> None:
    """With `flush` they go when the alias has been answered, and other people's at once."""
    driven = Driven(alias("dev", "ann"), of("ann", "A"), of("bob", "B"), alias=AliasPolicy.FLUSH)
    assert driven.run() == [["$create_alias", "B"], ["A"]]


def test_alias_hold() -> None:
    """With `hold` they go a moment after the answer, and other people's at once."""
    driven = Driven(alias("dev", "ann"), of("ann", "A"), of("bob", "B"))
    assert driven.run() == [["$create_alias", "B"]]
    driven.add(of("ann", "C"), of("dev", "D"), of("bob", "E"))
    assert driven.run() == [["E"]]
    assert driven.wait() == 1.5
    assert driven.run() == [["A", "C", "D"]]


def test_hold_is_bounded() -> None:
    """An alias after an alias does not wait, so a person is never held for longer than once."""
    driven = Driven(alias("a", "ann"), alias("b", "ann"), of("ann", "A"))
    assert driven.run() == [["$create_alias"], ["$create_alias"]]
    assert driven.wait() == 1.5
    assert driven.run() == [["A"]]


def test_a_refused_alias_holds_nobody() -> None:
    """There is nothing to wait for if Mixpanel does not know of the alias."""
    driven = Driven(alias("dev", "ann"), of("ann", "A"))
    driven.answer(driven.send(), InterpretedResponse(Meaning.INVALID, "no"))
    assert driven.run() == [["A"]]


def test_ids_of_an_alias_share_a_lane() -> None:
    """After an alias the calls of all its ids keep their order, the anonymousId's too."""
    driven = Driven(alias=AliasPolicy.FLUSH)
    driven.add(alias("old", "ann"), people=("ann", "device"))
    assert driven.run() == [["$create_alias"]]
    driven.add(put("ann"), of("old", "A"), put("device"))
    assert driven.run() == [["ann"], ["A"], ["device"]]


def test_an_alias_waits_for_both_its_people() -> None:
    """What both ids sent before the alias arrives before it."""
    driven = Driven(put("dev"), put("ann"), alias("dev", "ann"))
    assert driven.run() == [["dev", "ann"], ["$create_alias"]]


def test_two_people_become_one_when_their_aliases_meet() -> None:
    """Aliases chain: all ids of the chain share one queue."""
    driven = Driven(alias=AliasPolicy.FLUSH)
    driven.add(alias("a", "b"), alias("c", "d"), alias("b", "d"))
    driven.run()
    driven.add(put("a"), of("b", "B"), put("c"), of("d", "D"))
    assert driven.run() == [["a"], ["B"], ["c"], ["D"]]


def test_groups_keep_their_order() -> None:
    """Updates of a group keep their order across senders, and so do those of each sender."""
    group = {"$token": "T", "$group_key": "company", "$group_id": "acme", "$set": {}}
    driven = Driven()
    driven.add(put("ann"), people=("ann",))
    driven.add(Operation("/groups", US, group | {"$distinct_id": "first"}), people=("ann",))
    driven.add(Operation("/groups", US, group | {"$distinct_id": "second"}), people=("bob",))
    driven.add(of("bob", "B"), people=("bob",))
    assert driven.run() == [["ann"], ["first"], ["second"], ["B"]]


def test_a_divided_request_keeps_its_order() -> None:
    """The halves go one after the other, and nothing of their people goes between."""
    driven = Driven(of("ann", "A"), of("bob", "B"), of("cid", "C"), of("dan", "D"), put("ann"))
    driven.answer(driven.send(), InterpretedResponse(Meaning.TOO_LARGE, "HTTP 413"))
    first = driven.send()
    assert (names(first), driven.sendable()) == (["A", "B"], [])
    driven.answer(first)
    second = driven.send()
    assert names(second) == ["C", "D"]
    assert driven.sendable() == [["ann"]]


def test_what_nobody_knows_is_not_sent_twice() -> None:
    """After a lost answer an `$add` is a dead letter that says so; an event is sent again."""
    driven = Driven(update("ann", "$add", {"n": 1}), of("bob", "B"))
    lost = InterpretedResponse(Meaning.RETRY, "it broke", unclear=True)
    driven.answer(driven.send(), lost)
    driven.answer(driven.send(), lost)
    assert [each[1:] for each in driven.settled] == [
        (
            DeliveryStatus.DEAD_LETTERED,
            "it is unknown whether it arrived, and a second one would count twice: it broke",
        )
    ]
    driven.wait()
    assert driven.run() == [["B"]]


def test_partial_failures_by_index() -> None:
    """Of an import only what the answer names is rejected."""
    driven = Driven(*[event(name, "/import") for name in "ABC"])
    failed = (FailedRecord(1, None, "time: bad"),)
    driven.answer(
        driven.send(), InterpretedResponse(Meaning.PARTIAL, "HTTP 400", failed=failed, imported=2)
    )
    assert [each[1:] for each in driven.settled] == [
        (DeliveryStatus.DELIVERED, None),
        (DeliveryStatus.REJECTED, "time: bad"),
        (DeliveryStatus.DELIVERED, None),
    ]


def test_a_paused_host_is_known_by_its_pause() -> None:
    """A host that asked to wait is paused for so long, although its circuit is closed; one whose
    request failed without such a wish is not."""
    driven = Driven(of("ann", "A"), gives_up=False)
    driven.answer(driven.send(), DOWN)
    assert driven.dispatch.paused_hosts(driven.now) == {}
    driven.wait()
    driven.answer(driven.send(), InterpretedResponse(Meaning.RETRY, "HTTP 429", retry_after=30.0))
    driven.now += 10
    assert driven.dispatch.failing_hosts() == {}
    assert driven.dispatch.paused_hosts(driven.now) == {US: (20.0, "HTTP 429")}
    driven.now += 20
    assert driven.dispatch.paused_hosts(driven.now) == {}


def test_retry_after_holds_the_whole_host() -> None:
    """Retry-After delays all requests to that host, and none to other hosts."""
    driven = Driven(put("ann"), of("bob", "B"), event("C", host=EU, distinct_id="cid"))
    driven.answer(driven.send(), InterpretedResponse(Meaning.RETRY, "HTTP 429", retry_after=30.0))
    assert driven.run() == [["C"]]
    assert driven.wait() == 30.0
    assert driven.run() == [["ann"], ["B"]]


def test_a_host_that_is_down_is_asked_by_one() -> None:
    """After three failures in a row one request at a time finds out whether the host is back."""
    driven = Driven(put("ann"), of("bob", "B"), event("C", "/import", distinct_id="cid"))
    for _ in range(3):
        driven.answer(driven.send(), DOWN)
    assert [driven.wait(), driven.wait()] == [5.0, 6.0]
    probe = driven.send()
    assert None is driven.dispatch.next(driven.now)
    driven.answer(probe)
    assert len(driven.sendable()) == 2


def test_requests_at_once_count_as_one_failure() -> None:
    """What was under way when the trouble began does not make it worse."""
    driven = Driven(put("ann"), of("bob", "B"), event("C", "/import", distinct_id="cid"))
    under_way = [driven.send() for _ in range(3)]
    for request in under_way:
        driven.answer(request, DOWN)
    assert driven.wait() == 5.0
    assert len(driven.sendable()) == 3


def test_a_dead_host_is_given_up_for_all() -> None:
    """A million messages do not wait a million times for a host that does not respond."""
    driven = Driven(*[update(f"p{n}", "$add", {"n": 1}) for n in range(2000)])
    tries = 0
    while driven.dispatch.pending:
        driven.note(driven.dispatch.take_given_up(driven.now))
        step = driven.dispatch.next(driven.now)
        if isinstance(step, OutgoingRequest):
            tries += 1
            driven.answer(step, DOWN)
        elif step is not None:
            driven.now += step
    assert [each.status for each in driven.settled] == [DeliveryStatus.DEAD_LETTERED] * 2000
    assert tries < 20
    assert driven.now - 100 < 60
    assert driven.settled[-1].reason == f"given up: {US} does not respond: HTTP 503: down"


def test_a_gateway_waits_for_ever() -> None:
    """With `gives_up` false an outage of a day loses nothing."""
    driven = Driven(update("ann", "$add", {"n": 1}), gives_up=False)
    while driven.now < 100 + 86400:
        driven.answer(driven.send(), DOWN)
        driven.wait()
    assert driven.settled == []
    assert driven.run() == [["ann"]]


def test_what_was_not_sent_says_nothing_of_a_host() -> None:
    """In a long outage an event that became too old does not count as an answer of the host."""
    driven = Driven(put("ann"), of("bob", "B"), gives_up=False)
    while driven.now < 100 + 86400:
        step = driven.dispatch.next(driven.now)
        if isinstance(step, OutgoingRequest):
            late = driven.now > 100 + 43200 and names(step) == ["B"]
            driven.answer(step, InterpretedResponse(Meaning.OUTDATED, "too old") if late else DOWN)
        else:
            assert step is not None
            driven.now += step
    assert [(each.queued.operation.payload["event"], each.reason) for each in driven.settled] == [
        ("B", "too old")
    ]
    states = [each.state for each in driven.dispatch.events if isinstance(each, CircuitChanged)]
    assert CircuitState.CLOSED not in states


@pytest.mark.parametrize("gives_up", [True, False])
def test_poison_is_isolated(gives_up: bool) -> None:
    """A record that the server cannot stomach becomes a dead letter, its neighbours do not."""
    driven = Driven(*[of(name, name) for name in "ABCDEFGH"], gives_up=gives_up)
    others = 0
    while driven.dispatch.pending:
        step = driven.dispatch.next(driven.now)
        if isinstance(step, OutgoingRequest):
            poisoned = "F" in names(step)
            driven.answer(
                step, InterpretedResponse(Meaning.RETRY, "HTTP 500") if poisoned else DELIVERED
            )
        elif isinstance(step, float):
            driven.now += step
        if others < 9:
            others += 1
            driven.add(put("else"))
    lost = [each for each in driven.settled if each.status is not DeliveryStatus.DELIVERED]
    assert [(each.queued.operation.payload["event"], each.reason) for each in lost] == [
        ("F", "given up after the last try: HTTP 500")
    ]


people = st.sampled_from(["ann", "bob", "cid", "dev"])
operations = st.one_of(
    st.builds(put, people),
    st.builds(of, people, st.just("E")),
    st.builds(lambda person: update(person, "$add", {"n": 1}), people),
    st.builds(lambda person: event("I", "/import", distinct_id=person), people),
    st.builds(alias, people, people),
)
outcomes = st.sampled_from(
    [
        *[DELIVERED] * 4,
        DOWN,
        InterpretedResponse(Meaning.RETRY, "lost", unclear=True),
        InterpretedResponse(Meaning.RETRY, "429", retry_after=7.0),
        InterpretedResponse(Meaning.INVALID, "0"),
        InterpretedResponse(Meaning.TOO_LARGE, "413"),
        InterpretedResponse(Meaning.REFUSED, "401"),
        InterpretedResponse(Meaning.PARTIAL, "400", failed=(FailedRecord(0, None, "bad"),)),
    ]
)


@given(
    st.lists(operations, max_size=30),
    st.lists(outcomes, max_size=60),
    st.sampled_from(list(AliasPolicy)),
    st.integers(1, 5),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_every_letter_once_and_in_order(
    given_operations: list[Operation],
    answers: list[InterpretedResponse],
    strategy: AliasPolicy,
    workers: int,
    gives_up: bool,
    seed: int,
) -> None:
    """Whatever is answered, in whatever order, each queued has one verdict, in its lanes' order."""
    chance = random.Random(seed)
    driven = Driven(
        *given_operations, alias=strategy, limits=BatchLimits(records=3), gives_up=gives_up
    )
    under_way: list[OutgoingRequest] = []
    script = iter(answers)
    while driven.dispatch.pending:
        driven.note(driven.dispatch.take_given_up(driven.now))
        step = driven.dispatch.next(driven.now) if len(under_way) < workers else None
        if isinstance(step, OutgoingRequest):
            busy = {
                key
                for other in under_way
                for x in other.batch.operations
                for key in x.ordering_keys
            }
            assert not busy & {key for x in step.batch.operations for key in x.ordering_keys}
            under_way.append(step)
        elif under_way:
            request = under_way.pop(chance.randrange(len(under_way)))
            driven.answer(request, next(script, DELIVERED))
        elif driven.dispatch.pending:
            assert isinstance(step, float), "operations wait, but nothing is there to wait for"
            driven.now += step
    assert list(range(len(given_operations))) == sorted(one.queued.number for one in driven.settled)
    last: dict[str, int] = {}
    for each in driven.settled:
        for lane in each.queued.ordering_keys:
            assert last.get(lane, -1) < each.queued.number
            last[lane] = each.queued.number
