"""Events that become too old for /track while they wait go to /import, or are reported."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from tests.translator.sender.build import NOW, US, event
from tests.translator.sender.stub import Reply, Stub
from translator.core.operations import Operation, Result
from translator.sender import DeliveryStatus, RetryPolicy, Sender
from translator.sender.books.dead_letters import of_read_line, read_line
from translator.sender.commands.run import run_send
from translator.sender.queue.event_age import OUTDATED

HOUR, DAY = 3600.0, 86400.0
IMPORTED = Reply(200, b'{"code": 200, "num_records_imported": 1, "status": "OK"}')


def old(name: str, hours_left: float, person: str = "ann") -> Operation:
    """An event that is too old in so many hours."""
    return event(name, time=NOW - 5 * DAY + hours_left * HOUR, distinct_id=person)


def waiting(stub: Stub, secret: str | None, hours: float) -> Iterator[Sender]:
    """A sender whose first request is refused, to be sent again after so many hours."""
    sleeps: list[float] = []
    retry = RetryPolicy(
        sleep=sleeps.append, clock=lambda: sum(sleeps), gives_up=False, patience=DAY
    )
    later = {"Retry-After": str(int(hours * HOUR))}
    stub.script = [Reply(503, b"", headers=later)]
    with Sender({US: stub.url}, secret, retry=retry, now=lambda: NOW + sum(sleeps)) as sender:
        yield sender


@pytest.fixture
def sender(stub: Stub) -> Iterator[Sender]:
    yield from waiting(stub, "top-secret", hours=3)


@pytest.fixture
def open_sender(stub: Stub) -> Iterator[Sender]:
    """Without a secret."""
    yield from waiting(stub, None, hours=3)


def requests(stub: Stub) -> list[tuple[str, list[str]]]:
    """Where each request went, and the names of its events."""
    paths = [each.endpoint for each in stub.received]
    return list(zip(paths, stub.names(), strict=True))


def test_all_of_a_batch(sender: Sender, stub: Stub) -> None:
    """A batch whose records are all too old by now goes to /import."""
    stub.script.append(Reply(200, b'{"code": 200, "num_records_imported": 2, "status": "OK"}'))
    verdicts = sender.send([old("A", 2), old("B", 2.5)])
    assert [verdict.status for verdict in verdicts] == [DeliveryStatus.DELIVERED] * 2
    assert requests(stub) == [("/track", ["A", "B"]), ("/import", ["A", "B"])]


def test_some_of_a_batch(sender: Sender, stub: Stub) -> None:
    """A batch with some records that are too old is divided, in order."""
    stub.script += [IMPORTED, Reply()]
    verdicts = sender.send([old("A", 2), old("B", 50)])
    assert [verdict.status for verdict in verdicts] == [DeliveryStatus.DELIVERED] * 2
    assert requests(stub) == [("/track", ["A", "B"]), ("/import", ["A"]), ("/track", ["B"])]


def test_alone(sender: Sender, stub: Stub) -> None:
    """An event with less than an hour left is looked at again whenever it goes."""
    stub.script.append(IMPORTED)
    assert [verdict.status for verdict in sender.send([old("A", 0.5)])] == [
        DeliveryStatus.DELIVERED
    ]
    assert requests(stub) == [("/track", ["A"]), ("/import", ["A"])]


def test_still_young_enough(sender: Sender, stub: Stub) -> None:
    """What has time left goes to /track again."""
    assert [verdict.status for verdict in sender.send([old("A", 3.1)])] == [
        DeliveryStatus.DELIVERED
    ]
    assert requests(stub) == [("/track", ["A"])] * 2


def test_too_old_from_the_beginning(open_sender: Sender, stub: Stub) -> None:
    """Where something goes is decided before; the sender sees only to what changed meanwhile."""
    assert [verdict.status for verdict in open_sender.send([old("A", -1)])] == [
        DeliveryStatus.DELIVERED
    ]
    assert requests(stub) == [("/track", ["A"])] * 2


def test_without_a_secret(open_sender: Sender, stub: Stub) -> None:
    """Without the secret for /import only what is too old is a dead letter, with the reason."""
    verdicts = open_sender.send([old("A", 2), old("B", 50)])
    assert [(verdict.status, verdict.reason) for verdict in verdicts] == [
        (DeliveryStatus.DEAD_LETTERED, OUTDATED),
        (DeliveryStatus.DELIVERED, None),
    ]
    assert requests(stub) == [("/track", ["A", "B"]), ("/track", ["B"])]


def test_resent(stub: Stub, tmp_path: Path) -> None:
    """A dead letter that has become too old meanwhile is sent again to /import."""
    line = json.dumps({"operation": old("A", -1)._asdict()}).encode()
    stub.script = [IMPORTED]
    with Sender({US: stub.url}, "top-secret", now=lambda: NOW) as sender:
        code = run_send(
            [line],
            lambda text: read_line(text, lambda _: Result(None), NOW * 1000),
            sender,
            US,
            out=StringIO(),
            err=StringIO(),
            content=of_read_line,
        )
    assert code == 0
    assert requests(stub) == [("/import", ["A"])]
