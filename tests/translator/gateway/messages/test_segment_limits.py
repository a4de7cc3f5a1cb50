"""Segment's limits, answered as Segment does, and lifted by an option."""

from typing import Any

import pytest

from tests.translator.gateway.build import TestGateway
from translator.gateway.messages.segment_limits import KB, NONE

ID = {"type": "track", "event": "E", "userId": "u"}


def sized(size: int, **fields: Any) -> dict[str, Any]:
    return {**ID, "properties": {"text": "x" * size}, **fields}


def codes(gateway: TestGateway) -> list[str]:
    return [loss["code"] for loss in gateway.losses]


def test_a_large_call(gateway: TestGateway) -> None:
    """A single call of more than 32 KB is answered 400, and not taken in."""
    client = gateway.client()
    response = client.post("/v1/track", sized(40 * KB))
    assert response.status == 400
    assert response.json["error"].startswith("Exceed payload limit")
    assert client.post("/v1/track", sized(31 * KB)).status == 200
    assert len(gateway.waiting()) == 1


def test_a_large_batch(gateway: TestGateway) -> None:
    """A batch of more than 500 KB is answered 400, and nothing of it is taken in."""
    client = gateway.client()
    batch = [sized(20 * KB, messageId=str(n)) for n in range(30)]
    assert client.post("/v1/batch", {"batch": batch}).status == 400
    assert client.post("/v1/batch", {"batch": batch[:20]}).status == 200
    assert len(gateway.waiting()) == 20


def test_a_large_message_of_a_batch(gateway: TestGateway) -> None:
    """It is rejected and reported; the others of its batch are taken in."""
    client = gateway.client()
    batch = [sized(10), sized(33 * KB, messageId="large"), sized(20)]
    assert client.post("/v1/batch", {"batch": batch}).status == 200
    assert [(loss["messageId"], loss["code"]) for loss in gateway.losses] == [
        ("large", "message_too_large")
    ]
    assert len(gateway.waiting()) == 2


def test_a_batch_of_large_messages_alone(gateway: TestGateway) -> None:
    """If nothing of a batch can be taken in for its size, it is answered 400."""
    response = gateway.client().post("/v1/batch", {"batch": [sized(40 * KB)]})
    assert response.status == 400
    assert response.json["error"].startswith("Exceed payload limit")
    assert codes(gateway) == ["message_too_large"]


def test_a_long_batch(gateway: TestGateway) -> None:
    """The first 2500 messages are taken in, the others are rejected; the answer is 200."""
    batch = [{**ID, "messageId": str(n)} for n in range(3000)]
    assert gateway.client().post("/v1/batch", {"batch": batch}).status == 200
    assert codes(gateway) == ["batch_too_long"] * 500
    assert gateway.pipeline.delivery.waiting == 2500


@pytest.mark.parametrize(("length", "taken"), [(100, 1), (101, 0), (150, 0)])
def test_a_long_message_id(gateway: TestGateway, length: int, taken: int) -> None:
    """A message id of more than 100 characters is rejected; the answer is 200."""
    message = {**ID, "messageId": "i" * length}
    assert gateway.client().post("/v1/track", message).status == 200
    assert gateway.pipeline.delivery.waiting == taken
    assert codes(gateway) == ["message_id_too_long"] * (1 - taken)


@pytest.mark.parametrize("ids", [{}, {"userId": None}, {"userId": "", "anonymousId": ""}], ids=str)
def test_no_ids(gateway: TestGateway, ids: dict[str, Any]) -> None:
    """Without userId and anonymousId a call is answered 400, and a message of a batch rejected."""
    client = gateway.client()
    message = {"type": "track", "event": "E", **ids}
    response = client.post("/v1/track", message)
    assert (response.status, "no_user_anon_id" in response.text) == (400, True)
    assert client.post("/v1/batch", {"batch": [message, ID]}).status == 200
    assert codes(gateway) == ["no_user_anon_id"] * 2
    assert gateway.pipeline.delivery.waiting == 1


@pytest.mark.parametrize("ids", [{"userId": 0}, {"anonymousId": "a"}, {"userId": 7}], ids=str)
def test_one_id_is_enough(gateway: TestGateway, ids: dict[str, Any]) -> None:
    """Either id will do, and a number is one."""
    gateway.client().post("/v1/batch", {"batch": [{"type": "track", "event": "E", **ids}]})
    assert "no_user_anon_id" not in codes(gateway)


def test_lifted(gateway: TestGateway) -> None:
    """Without Segment's limits all of that is taken in."""
    client = gateway.client(limits=NONE)
    assert client.post("/v1/track", sized(40 * KB)).status == 200
    batch = [sized(40 * KB, messageId=str(n)) for n in range(20)]
    assert client.post("/v1/batch", {"batch": batch}).status == 200
    assert client.post("/v1/batch", {"batch": [ID] * 3000}).status == 200
    assert client.post("/v1/track", {**ID, "messageId": "i" * 150}).status == 200
    assert client.post("/v1/track", {"event": "E"}).status == 200
    assert gateway.losses == []


def test_memory_stays_bounded(gateway: TestGateway) -> None:
    """Without Segment's limits a body has a largest size all the same."""
    client = gateway.client(limits=NONE)
    assert client.post("/v1/batch", b" " * (4 * KB * KB + 1)).status == 413
