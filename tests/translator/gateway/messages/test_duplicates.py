"""Which messages are taken for one that was sent again."""

from typing import Any

import pytest

from tests.translator.gateway.build import Client, TestGateway

PAID: dict[str, Any] = {
    "type": "track",
    "event": "Paid",
    "userId": "u",
    "messageId": "m",
    "timestamp": "2026-06-15T11:59:00.000Z",
    "properties": {"revenue": 10},
}


def duplicates(client: Client) -> str:
    [line] = [
        line
        for line in client.get("/metrics").text.splitlines()
        if line.startswith("gateway_duplicates_total ")
    ]
    return line.split()[1]


@pytest.mark.parametrize(
    "added",
    [
        {},
        {"_metadata": {"retryCount": 2}},
        {"_metadata": {"bundled": ["Mixpanel"], "unbundled": [], "bundledIds": []}},
        {"sentAt": "2026-06-15T12:00:05.000Z"},
        {"writeKey": "key"},
        {"receivedAt": "2026-06-15T12:00:06.000Z"},
        {"projectId": "p", "version": 2, "requestId": "r", "something": {"new": 1}},
        {"_metadata": None, "sentAt": 0, "writeKey": None},
        {"context": {"ip": "1.2.3.4", "network": {"wifi": True}}},
        {"options": {"ip": "1.2.3.4"}},
        {"integrations": {"Mixpanel": True, "Other": False}},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/v1/t", "/v1/batch"])
def test_what_a_transport_adds(
    gateway: TestGateway, client: Client, added: dict[str, Any], path: str
) -> None:
    """A message that its client sends again is charged once, whatever the transport adds."""
    for message in (PAID, {**PAID, **added}):
        body: Any = message
        if path == "/v1/batch":
            body = {"batch": [message], **{k: v for k, v in added.items() if k == "sentAt"}}
        assert client.post(path, body).status == 200
    assert len(gateway.waiting()) == 2, "the event and its charge"
    assert duplicates(client) == "1.0"


@pytest.mark.parametrize(
    "shared",
    [
        {"context": {"ip": "1.2.3.4", "library": {"name": "x"}}},
        {"integrations": {"All": True}},
        {"sentAt": "2026-06-15T12:00:05.000Z", "context": {"locale": "de-DE"}},
    ],
    ids=str,
)
def test_what_a_batch_adds(gateway: TestGateway, client: Client, shared: dict[str, Any]) -> None:
    """A message that comes again in a batch with other shared members is charged once."""
    assert client.post("/v1/track", PAID).status == 200
    assert client.post("/v1/batch", {"batch": [PAID], **shared}).status == 200
    assert len(gateway.waiting()) == 2, "the event and its charge"
    assert duplicates(client) == "1.0"


def test_another_address(gateway: TestGateway) -> None:
    """A phone that sends a message again from another network adds nothing."""
    for peer in ("192.0.2.1", "192.0.2.2"):
        assert gateway.client(peer=peer).post("/v1/t", PAID).status == 200
    assert len(gateway.waiting()) == 2


def test_twice_in_one_batch(gateway: TestGateway, client: Client) -> None:
    """The same message twice in one request is one."""
    client.post("/v1/batch", {"batch": [PAID, PAID]})
    assert len(gateway.waiting()) == 2
    assert duplicates(client) == "1.0"


@pytest.mark.parametrize(
    "changed",
    [
        {"properties": {"revenue": 11}},
        {"event": "Refunded"},
        {"userId": "v"},
        {"timestamp": "2026-06-15T11:59:01.000Z"},
        {"anonymousId": "a"},
        {"messageId": "n"},
    ],
    ids=str,
)
def test_another_message(gateway: TestGateway, client: Client, changed: dict[str, Any]) -> None:
    """What the caller gives makes another message, even under the same id."""
    for message in (PAID, {**PAID, **changed}):
        client.post("/v1/track", message)
    assert len(gateway.waiting()) == 4


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        ('{"a": 1, "b": {"c": 2, "d": 3}}', '{"b": {"d": 3, "c": 2}, "a": 1}', 1),
        ('{"a": NaN}', '{"a": NaN}', 1),
        ('{"a": NaN}', '{"a": null}', 2),
        ('{"a": Infinity}', '{"a": NaN}', 2),
        ('{"a": "\\ud800"}', '{"a": "\\ud800"}', 1),
        ('{"a": "\\ud800"}', '{"a": "\\ud801"}', 2),
        ('{"a": 1}', '{"a": 1.0}', 2),
        ('{"a": true}', '{"a": 1}', 2),
        ('{"a": "NaN"}', '{"a": "NaN"}', 1),
    ],
)
def test_equal_values(client: Client, first: str, second: str, taken: int) -> None:
    """The same values in any order are the same message; another value makes another."""
    for properties in (first, second):
        body = f'{{"event": "E", "userId": "u", "messageId": "m", "properties": {properties}}}'
        assert client.post("/v1/track", body.encode()).status == 200
    assert duplicates(client) == f"{2 - taken}.0"


def test_a_bad_message_that_is_sent_again(gateway: TestGateway, client: Client) -> None:
    """A message that cannot be translated is reported once, however often it is sent."""
    for _ in range(3):
        client.post("/v1/batch", {"batch": [{"type": "no", "userId": "u", "messageId": "m"}]})
    assert [loss["code"] for loss in gateway.losses] == ["unknown_type"]
