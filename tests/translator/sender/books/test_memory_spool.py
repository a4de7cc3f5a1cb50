"""The spool in memory does what the spool in a file does."""

import random
from pathlib import Path

import pytest

from translator.core.operations import Operation
from translator.sender.books.ledger import AnySpool
from translator.sender.books.memory_spool import MemorySpool
from translator.sender.books.message_status import MessageStatus
from translator.sender.books.spool import Spool
from translator.sender.books.spool_records import IncomingMessage, Loss, Settlement
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.queue.payload_text import encode
from translator.sender.queue.queued_operation import QueuedOperation

HOSTS = ("https://api.mixpanel.com", "https://api-eu.mixpanel.com")


def message(key: int, operations: int, losses: int) -> IncomingMessage:
    """A message with so many operations and losses."""
    queued = []
    for place in range(operations):
        payload = {"event": f"{key}-{place}", "properties": {"long": 2**70}}
        operation = Operation("/track", HOSTS[key % 2], payload)
        queued.append(QueuedOperation(0, operation, encode(payload), (f"person {key}",)))
    status = MessageStatus(key, f"id-{key}", operations, key=b"key %d" % key)
    lost = [Loss(b'{"id": "%d-%d"}' % (key, place), {}) for place in range(losses)]
    return IncomingMessage(status, queued, lost)


class Both:
    """A script for a spool; what it answers to each step is kept."""

    def __init__(self, spool: AnySpool, seed: int) -> None:
        self.seen: list[object] = []
        chance = random.Random(seed)
        waiting: list[tuple[MessageStatus, int]] = []
        now = 1000.0
        for _ in range(60):
            now += 1
            step = chance.random()
            if step < 0.4:
                messages = [
                    message(chance.randrange(80), chance.randrange(3), chance.randrange(2))
                    for _ in range(chance.randrange(5))
                ]
                added = spool.add(messages, now)
                self.seen.append(added)
                for each, new in zip(messages, added, strict=True):
                    for queued in each.operations if new else ():
                        waiting.append((each.status, queued.number))
                    self.seen.append((each.status.number, each.status.left))
            elif step < 0.7 and waiting:
                count = chance.randrange(1, min(len(waiting), 5) + 1)
                settled, waiting = waiting[:count], waiting[count:]
                for status, _ in settled:
                    status.left -= 1
                    status.worst = DeliveryStatus.DELIVERED
                spool.settle(
                    [number for _, number in settled],
                    [
                        Settlement(status.left, status.worst, [status])
                        for status in dict.fromkeys(status for status, _ in settled)
                    ],
                    now,
                    [b'{"id": "late"}'] if chance.random() < 0.3 else [],
                )
            elif step < 0.8:
                while spool.forget(now - chance.randrange(40)):
                    pass
            elif step < 0.9:
                found = spool.dead_letters(3)
                self.seen.append(found)
                if found:
                    spool.remove_dead_letters(found[-1][0])
            else:
                for stored in spool.after(chance.randrange(20), 7):
                    self.seen.append((stored.number, stored.operation, stored.ordering_keys))
            self.seen += [spool.waiting(), spool.first_waiting(), spool.last_number()]
            self.seen.append(spool.hosts())


@pytest.mark.parametrize("seed", range(6))
def test_it_answers_as_the_file_does(tmp_path: Path, seed: int) -> None:
    """Any sequence of calls gives the same results with a file and in memory."""
    with Spool(tmp_path / "spool") as spool:
        expected = Both(spool, seed).seen
    with MemorySpool() as in_memory:
        assert Both(in_memory, seed).seen == expected


def test_only_so_many_messages_are_remembered() -> None:
    """Beyond the limit the messages that were settled first are forgotten; waiting ones never."""
    spool = MemorySpool()
    messages = [message(0, 1, 0), *(message(key, 0, 0) for key in range(1, 6))]
    assert spool.add(messages, 1.0) == [True] * 6
    spool.forget(0.0, keep=2)
    again = [message(key, 0, 0) for key in range(6)]
    assert spool.add(again, 2.0) == [False, True, True, True, False, False]
