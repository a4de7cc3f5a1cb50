"""When a request is sent again, and how long the sender waits before."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.translator.sender.build import US, event, recorded_retry, statuses, update
from tests.translator.sender.stub import Reply, Stub
from translator.sender import DeliveryResult, DeliveryStatus, Sender


def test_waits_double_with_jitter(sender: Sender, stub: Stub, sleeps: list[float]) -> None:
    """Waits are 2 s doubling, plus 1 to 5 s of jitter, and five tries are the end of it."""
    stub.script = [Reply(503, b"down")] * 5
    operation = event("A")
    verdicts = sender.send([operation])
    reason = "given up after the last try: HTTP 503: down"
    assert verdicts == [DeliveryResult(operation, DeliveryStatus.DEAD_LETTERED, reason)]
    assert sleeps == [5.0, 7.0, 11.0, 19.0]
    assert len(stub.received) == 5


def test_waits_end_at_a_minute(stub: Stub, sleeps: list[float]) -> None:
    """The doubling stops at 60 s."""
    stub.script = [Reply(503)] * 7
    with Sender({US: stub.url}, retry=recorded_retry(sleeps, attempts=8)) as sender:
        assert statuses(sender.send([event("A")])) == [DeliveryStatus.DELIVERED]
    assert sleeps == [5.0, 7.0, 11.0, 19.0, 35.0, 63.0, 63.0]


@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 3.0), (1.0, 7.0)])
def test_jitter_is_one_to_five_seconds(stub: Stub, jitter: float, wait: float) -> None:
    """The jitter on the first wait of 2 s is at least 1 s and at most 5 s."""
    sleeps: list[float] = []
    stub.script = [Reply(500)]
    policy = replace(recorded_retry(sleeps), jitter=lambda: jitter)
    with Sender({US: stub.url}, retry=policy) as sender:
        sender.send([event("A")])
    assert sleeps == [wait]


@pytest.mark.parametrize(
    "replies",
    [
        [Reply(429)],
        [Reply(502)],
        [Reply(drop=True)],
        [Reply(200, b'{"status": 0, "error": "a temporary failure occurred"}')],
        [Reply(200, b"")],
        [Reply(500), Reply(drop=True), Reply(429), Reply(503)],
    ],
)
def test_passing_trouble_loses_nothing(
    sender: Sender, stub: Stub, replies: Sequence[Reply]
) -> None:
    """A record is sent again, unchanged, until it arrives."""
    stub.script = list(replies)
    assert statuses(sender.send([event("A")])) == [DeliveryStatus.DELIVERED]
    assert len(stub.received) == len(replies) + 1
    assert len({request.body for request in stub.received}) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(
    sender: Sender, stub: Stub, sleeps: list[float], status: int
) -> None:
    """The server's wish replaces our own wait."""
    stub.script = [Reply(status, headers={"Retry-After": "17"}), Reply(status)]
    assert statuses(sender.send([event("A")])) == [DeliveryStatus.DELIVERED]
    assert sleeps == [17.0, 7.0]


@pytest.mark.parametrize("seconds", ["601", "9" * 20, "9" * 400])
def test_endless_retry_after_does_not_stop_a_gateway(
    stub: Stub, sleeps: list[float], seconds: str
) -> None:
    """A sender that never gives up waits ten minutes at most, however long it is asked to wait."""
    stub.script = [Reply(429, headers={"Retry-After": seconds})]
    policy = replace(recorded_retry(sleeps), gives_up=False)
    with Sender({US: stub.url}, retry=policy) as sender:
        assert statuses(sender.send([event("A")])) == [DeliveryStatus.DELIVERED]
    assert sleeps == [600.0]


def test_endless_retry_after_is_given_up(sender: Sender, stub: Stub, sleeps: list[float]) -> None:
    """A wait beyond ten minutes is reported instead of waited for."""
    stub.script = [Reply(429, b"tomorrow", headers={"Retry-After": "601"})]
    [verdict] = sender.send([event("A")])
    assert verdict[1:] == (
        DeliveryStatus.DEAD_LETTERED,
        "given up after the last try: HTTP 429: tomorrow",
    )
    assert sleeps == []
    assert len(stub.received) == 1


def test_longest_wait(sender: Sender, stub: Stub, sleeps: list[float]) -> None:
    """Ten minutes, to the second, are still waited for."""
    stub.script = [Reply(429, headers={"Retry-After": "600"})]
    assert statuses(sender.send([event("A")])) == [DeliveryStatus.DELIVERED]
    assert sleeps == [600.0]


def test_nothing_listens(sleeps: list[float], stub: Stub) -> None:
    """Without a server every operation is accounted for."""
    url = stub.url
    stub.server_close()
    with Sender({US: url}, retry=recorded_retry(sleeps, attempts=2)) as sender:
        [verdict] = sender.send([event("A")])
    assert verdict.status == DeliveryStatus.DEAD_LETTERED
    why = "no connection, or it was closed before the response"
    assert verdict.reason == f"given up after the last try: {url}: {why}"
    assert sleeps == [5.0]


def test_order_holds_through_retries(sender: Sender, stub: Stub) -> None:
    """While a person's request is retried, nothing of the same person overtakes it."""
    stub.script = [Reply(), Reply(503), Reply(503)]
    sender.send([event("A"), update("ann", "$set", {}), event("B")])
    assert stub.names() == [["A"], ["ann"], ["ann"], ["ann"], ["B"]]


def test_others_go_on_meanwhile(sender: Sender, stub: Stub) -> None:
    """While one person's request waits to be retried, others are served."""
    stub.script = [Reply(503)]
    sender.send([update("ann", "$add", {"n": 1}), event("B"), event("C", distinct_id="cid")])
    assert stub.names() == [["ann"], ["C"], ["ann"], ["B"]]


def test_delivered_batches_are_not_sent_again(sender: Sender, stub: Stub) -> None:
    """When a later request fails, the earlier ones stay as they are."""
    stub.script = [Reply(), Reply(404, b'{"error": "no"}')]
    verdicts = sender.send([event("A"), update("ann", "$set", {}), event("B")])
    assert statuses(verdicts) == [
        DeliveryStatus.DELIVERED,
        DeliveryStatus.REJECTED,
        DeliveryStatus.DELIVERED,
    ]
    assert stub.names() == [["A"], ["ann"], ["B"]]
