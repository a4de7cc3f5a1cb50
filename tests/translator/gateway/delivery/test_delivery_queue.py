"""The way of operations from the writer to the sender, in memory and by the spool."""

import random
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.translator.gateway.build import TestGateway
from translator.gateway.delivery import delivery_queue
from translator.gateway.intake.intake_result import IntakeResult
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.request_results import Settled


def submit(gateway: TestGateway, first: int, count: int) -> None:
    """Store messages with the numbers from `first` on; they are stored when this returns."""
    done = threading.Event()
    messages = [
        {"type": "track", "event": str(number), "userId": "u", "messageId": str(number)}
        for number in range(first, first + count)
    ]

    def stored(taken: IntakeResult) -> None:
        assert taken.stored
        done.set()

    gateway.submit(messages, stored)
    assert done.wait(30)


def names(gateway: TestGateway, room: int) -> list[int]:
    """The numbers of the operations that the sender takes."""
    return [int(queued.operation.payload["event"]) for queued in gateway.take(room)]


@pytest.mark.parametrize("seed", range(20))
def test_each_once_and_in_order(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """However much waits, in memory or only in the spool, each operation comes once, in order."""
    monkeypatch.setattr(delivery_queue, "READY_OPERATIONS", 10)
    chance = random.Random(seed)
    gateway = TestGateway()
    sent = 0
    taken: list[int] = []
    for _ in range(60):
        if chance.random() < 0.5:
            count = chance.randrange(1, 15)
            submit(gateway, sent, count)
            sent += count
        else:
            taken += names(gateway, chance.randrange(1, 12))
    while found := names(gateway, 7) or names(gateway, 7):
        taken += found
    gateway.close()
    assert taken == list(range(sent))


def test_operations_are_collected_until_they_are_released(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The sender takes nothing after a response until enough came, and all of it at the end."""
    gateway = TestGateway()
    delivery = gateway.pipeline.delivery
    monkeypatch.setattr(gateway.intake, "_wake", lambda: None)

    def taken_now() -> list[int] | None:
        found = delivery.take(2)
        if found is None:
            return None
        return [int(queued.operation.payload["event"]) for queued in found]

    submit(gateway, 0, 2)
    assert taken_now() == []
    delivery.release()
    submit(gateway, 2, 1)
    assert [taken_now(), taken_now(), taken_now()] == [[0, 1], [2], []]
    submit(gateway, 3, 1)
    assert taken_now() == []
    gateway.intake.close()
    assert [taken_now(), taken_now()] == [[3], None]
    gateway.pipeline.close()


def test_what_a_run_before_left_comes_first(tmp_path: Path) -> None:
    """After a restart the operations of the spool come before new ones."""
    before = TestGateway(tmp_path)
    submit(before, 0, 5)
    before.close()
    after = TestGateway(tmp_path)
    submit(after, 5, 5)
    assert after.pipeline.delivery.waiting == 10
    found = names(after, 3) + names(after, 100) + names(after, 100)
    after.close()
    assert found == list(range(10))


@pytest.mark.parametrize("settled", [[4], [3, 4], [0, 4], [0, 1, 2, 3, 4]])
def test_the_end_of_what_a_run_before_left(tmp_path: Path, settled: list[int]) -> None:
    """When the operations of the spool are taken there are no more, whichever had results before:
    the sender waits for new ones, and it ends when nothing can be added."""
    before = TestGateway(tmp_path)
    submit(before, 0, 5)
    taken = before.take(100)
    results = [Settled([taken[number]], DeliveryStatus.DELIVERED) for number in settled]
    before.pipeline.delivery.settled(results)
    before.close()
    after = TestGateway(tmp_path)
    delivery = after.pipeline.delivery
    left = [number for number in range(5) if number not in settled]
    assert names(after, 100) == left
    woken: list[bool] = []
    after.pipeline.sender.wake = lambda: woken.append(True)  # type: ignore[method-assign]
    assert [delivery.take(100), delivery.take(100), woken] == [(), (), []]
    after.intake.close()
    assert delivery.take(100) is None
    after.pipeline.close()


def test_the_sender_is_faster_than_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the sender reads from the spool before the writer hands it over comes once."""
    monkeypatch.setattr(delivery_queue, "READY_OPERATIONS", 1)
    gateway = TestGateway()
    taken: list[int] = []
    add = gateway.pipeline.delivery.add

    def late(*stored: Any) -> None:
        for _ in range(4):  # the rest in memory, the spool, its end, and nothing
            taken.extend(names(gateway, 100))
        add(*stored)

    submit(gateway, 0, 2)
    submit(gateway, 2, 2)
    monkeypatch.setattr(gateway.pipeline.delivery, "add", late)
    submit(gateway, 4, 3)
    for _ in range(4):
        taken += names(gateway, 100)
    gateway.close()
    assert taken == list(range(7))


def test_the_writer_stores_at_the_end_of_the_spool(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored just after the sender has read the spool to its end is not forgotten."""
    monkeypatch.setattr(delivery_queue, "READY_OPERATIONS", 1)
    gateway = TestGateway()
    backlog = gateway.pipeline.ledger.backlog
    late = [4]

    def at_the_end(most: int) -> Any:
        found = backlog(most)
        if not found and late:
            submit(gateway, late.pop(), 2)
        return found

    submit(gateway, 0, 2)
    submit(gateway, 2, 2)
    monkeypatch.setattr(gateway.pipeline.ledger, "backlog", at_the_end)
    taken: list[int] = []
    for _ in range(6):
        taken += names(gateway, 100)
    gateway.close()
    assert taken == list(range(6))
