"""/healthz and the metrics report the true state."""

import queue
import sqlite3
from typing import Any

import pytest

from tests.translator.gateway.build import Client, TestGateway
from translator.core.operations import Json
from translator.gateway.delivery.arrivals import Arrivals
from translator.gateway.intake import intake
from translator.sender.books.storage import StorageError
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.request_results import Settled

TRACK = {"event": "E", "userId": "u"}


@pytest.fixture(autouse=True)
def delivering(monkeypatch: pytest.MonkeyPatch, gateway: TestGateway) -> None:
    """As if the delivery were at work."""
    monkeypatch.setattr(gateway.pipeline, "delivers", lambda: True)


def problems(client: Client) -> tuple[int, list[str]]:
    response = client.get("/healthz")
    return response.status, [each["code"] for each in response.json["problems"]]


def test_well(client: Client) -> None:
    """All is well: 200, and how much waits."""
    client.post("/v1/track", TRACK)
    found: Json = client.get("/healthz").json
    assert (found["status"], found["accepting"], found["waiting"]) == ("ok", True, 1)


def test_delivery_has_stopped(
    gateway: TestGateway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that has stopped is a problem."""
    monkeypatch.setattr(gateway.pipeline, "delivers", lambda: False)
    assert problems(client) == (503, ["stopped"])


def test_it_cannot_store(
    gateway: TestGateway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While messages cannot be stored, calls are answered 503 and /healthz says why."""

    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(gateway.pipeline.spool, "add", full)
        broken.setattr(gateway.pipeline.spool, "probe", full)
        response = client.post("/v1/track", TRACK)
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert problems(client) == (503, ["not_stored"])
        assert "disk is full" in client.get("/healthz").json["status"]
    assert client.post("/v1/track", TRACK).status == 200
    assert problems(client) == (200, [])


def test_room_for_a_small_write_is_not_enough(
    gateway: TestGateway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether messages can be stored again is tried with four times the size of those that could
    not, as long as it fails."""
    tried: queue.SimpleQueue[int] = queue.SimpleQueue()

    def full(*_: Any) -> None:
        raise StorageError("database or disk is full")

    def room_for_less(size: int) -> None:
        tried.put(size)
        raise StorageError("database or disk is full")

    properties = {"pad": "x" * 20_000}
    message = gateway.prepare({"type": "track", "properties": properties, **TRACK})
    monkeypatch.setattr(intake, "PROBE_SECONDS", 0.001)
    monkeypatch.setattr(gateway.pipeline.spool, "add", full)
    monkeypatch.setattr(gateway.pipeline.spool, "probe", room_for_less)
    gateway.intake.submit([message], lambda _: None)
    sizes = [tried.get(timeout=30) for _ in range(3)]
    assert sizes == 3 * [4 * message.size]
    assert problems(client) == (503, ["not_stored"])


def test_it_cannot_store_results(
    gateway: TestGateway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the results of operations cannot be stored, /healthz says so, though no call comes."""

    def full(*_: Any) -> None:
        raise StorageError("database or disk is full")

    client.post("/v1/track", TRACK)
    queued = gateway.take(1)
    settled = [Settled(queued, DeliveryStatus.DELIVERED)]
    with monkeypatch.context() as broken:
        broken.setattr(gateway.pipeline.spool, "settle", full)
        with pytest.raises(StorageError):
            gateway.pipeline.delivery.settled(settled)
    assert problems(client) == (503, ["not_stored"])
    gateway.pipeline.delivery.settled(settled)
    assert problems(client) == (200, [])


def test_one_message_that_cannot_be_stored(
    gateway: TestGateway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that cannot be stored does not stop those that share its commit."""
    add = gateway.pipeline.spool.add

    def picky(messages: Any, now: float) -> list[bool]:
        listed = list(messages)
        if any(each.status.message_id == "bad" for each in listed):
            raise sqlite3.InterfaceError("cannot bind")
        return add(listed, now)

    monkeypatch.setattr(gateway.pipeline.spool, "add", picky)
    answers: list[bool] = []
    for name in ("a", "bad", "b"):
        message = {"type": "track", **TRACK, "messageId": name}
        gateway.submit([message], lambda taken: answers.append(taken.stored))
    gateway.intake.close()
    assert answers == [True, False, True]


def settle(gateway: TestGateway, fate: DeliveryStatus, count: int) -> None:
    """Let the next operations have a fate."""
    queued = gateway.take(count)
    gateway.pipeline.delivery.settled([Settled([each], fate, "HTTP 401: no") for each in queued])


def test_the_target_refuses_everything(gateway: TestGateway, client: Client) -> None:
    """A target that never took anything, or refused three in a row, is a problem."""
    client.post("/v1/batch", {"batch": [{"type": "track", **TRACK, "n": n} for n in range(20)]})
    settle(gateway, DeliveryStatus.REJECTED, 1)
    assert problems(client) == (503, ["target_refuses"])
    settle(gateway, DeliveryStatus.DELIVERED, 1)
    assert problems(client) == (200, [])
    settle(gateway, DeliveryStatus.REJECTED, 2)
    assert problems(client) == (200, [])
    settle(gateway, DeliveryStatus.REJECTED, 1)
    assert problems(client) == (503, ["target_refuses"])
    assert "HTTP 401: no" in client.get("/healthz").json["status"]
    settle(gateway, DeliveryStatus.DELIVERED, 1)
    assert problems(client) == (200, [])


def test_the_target_does_not_answer(
    gateway: TestGateway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a host fails, /healthz says so; calls are still accepted."""
    hosts = {"https://api.mixpanel.com": "HTTP 503: down"}
    monkeypatch.setattr(gateway.pipeline.sender, "failing_hosts", lambda: hosts)
    assert problems(client) == (503, ["target_failing"])
    assert client.get("/healthz").json["accepting"] is True


def test_the_target_asks_to_wait(
    gateway: TestGateway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause is no problem: /healthz and the metrics say until when nothing is sent, and why."""
    assert client.get("/healthz").json["paused"] == []
    assert "gateway_paused_seconds{" not in client.get("/metrics").text
    paused = {"https://api.mixpanel.com": (90.5, "HTTP 429: slow down")}
    monkeypatch.setattr(gateway.pipeline.sender, "paused_hosts", lambda: paused)
    assert problems(client) == (200, [])
    found = client.get("/healthz").json
    assert (found["status"], found["accepting"]) == ("ok", True)
    assert found["paused"] == [
        {
            "host": "https://api.mixpanel.com",
            "until": "2026-06-15T12:01:30.500Z",
            "reason": "HTTP 429: slow down",
        }
    ]
    line = 'gateway_paused_seconds{host="https://api.mixpanel.com"} 90.5'
    assert line in client.get("/metrics").text.splitlines()


def test_metrics(gateway: TestGateway, client: Client) -> None:
    """Prometheus reads fates, reasons by code, what waits and for how long, and delays."""
    client.post("/v1/batch", {"batch": [{"type": "track", **TRACK, "messageId": n} for n in "abc"]})
    client.post("/v1/page", {"userId": "u", "name": "Home"})
    client.post("/v1/batch", {"batch": [{"type": "no", "userId": "u"}]})
    settle(gateway, DeliveryStatus.DELIVERED, 1)
    settle(gateway, DeliveryStatus.DEAD_LETTERED, 1)
    text = client.get("/metrics").text
    for line in (
        "gateway_waiting 1.0",
        "gateway_oldest_waiting_seconds 0.0",
        'gateway_messages_total{fate="delivered"} 1.0',
        'gateway_messages_total{fate="skipped"} 1.0',
        'gateway_messages_total{fate="rejected"} 1.0',
        'gateway_messages_total{fate="dead_lettered"} 1.0',
        'gateway_reasons_total{code="page_not_selected",fate="skipped"} 1.0',
        'gateway_reasons_total{code="unknown_type",fate="rejected"} 1.0',
        'gateway_reasons_total{code="undeliverable",fate="dead_lettered"} 1.0',
        'gateway_delivery_delay_seconds_bucket{le="0.05"} 1.0',
        "gateway_delivery_delay_seconds_count 1.0",
        'gateway_requests_total{status="200"} 3.0',
    ):
        assert line in text.splitlines()


def test_arrivals() -> None:
    """An operation arrived with its group; what was there before counts from the start."""
    arrivals = Arrivals(100.0, 5)
    arrivals.add(7, 110.0)
    arrivals.add(20, 120.0)
    found = [arrivals.of(number) for number in (1, 5, 6, 7, 8, 20, 21)]
    assert found == [100.0, 100.0, 110.0, 110.0, 120.0, 120.0, 120.0]
    arrivals.forget(8)
    assert [arrivals.of(8), arrivals.last] == [120.0, 20]
