"""The JSON API of recent messages: what it shows, and to whom."""

import json
from typing import Any

import pytest

from tests.translator.gateway.build import Client, TestGateway
from translator.core.operations import Json
from translator.gateway.delivery.recent_messages import RecentMessages
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.request_results import Settled

PATH = "/_gateway/messages"


def track(number: int, **fields: Any) -> Json:
    return {"type": "track", "event": "E", "userId": "u", "messageId": f"m{number}", **fields}


def test_a_message_with_its_operations(gateway: TestGateway, client: Client) -> None:
    """Each message has id, type, fate, and the operations it became, each with its own fate."""
    client.post("/v1/batch", {"batch": [track(1, properties={"revenue": 5})]})
    [found] = client.get(PATH).json["messages"]
    assert (found["number"], found["messageId"], found["type"]) == (1, "m1", "track")
    assert found["fate"] == "waiting"
    assert [each["endpoint"] for each in found["operations"]] == ["/track", "/engage"]
    queued = gateway.take(10)
    refused = Settled([queued[1]], DeliveryStatus.REJECTED, "HTTP 400: no")
    gateway.pipeline.delivery.settled([Settled([queued[0]], DeliveryStatus.DELIVERED), refused])
    [found] = client.get(PATH).json["messages"]
    assert found["fate"] == "rejected"
    fates = [(each["fate"], each["reason"]) for each in found["operations"]]
    assert fates == [("delivered", None), ("rejected", "HTTP 400: no")]


def test_reasons(client: Client) -> None:
    """What was skipped, and what could not be translated, is shown with code and reason."""
    group = {"type": "group", "userId": "u", "groupId": "g", "messageId": "g"}
    client.post("/v1/batch", {"batch": [group, {"type": "no", "userId": "u", "messageId": "n"}]})
    bad, skipped = client.get(PATH).json["messages"]
    assert (skipped["fate"], skipped["skipped"][0]["code"]) == ("skipped", "group_not_configured")
    assert (bad["fate"], bad["error"]["code"]) == ("rejected", "unknown_type")


UNUSUAL: dict[str, tuple[Json, Any]] = {
    "half a character": ({"messageId": "\ud83d", "properties": {"\ud800": "\udfff"}}, None),
    "no type": ({"messageId": "\ud83d", "type": "\ud83d"}, None),
    "a number as id": ({"messageId": 5, "type": "\ud83d"}, 5),
    "an object as id": ({"messageId": {"\ud83d": "\ud83d"}}, None),
    "a long integer": ({"messageId": "m", "properties": {"n": 10**40 + 1}}, "m"),
    "a long integer without type": ({"messageId": 10**40 + 1, "type": 10**40 + 1}, None),
    "not a number": ({"messageId": "m", "properties": {"n": float("nan")}}, "m"),
    "deep nesting": ({"messageId": "m", "context": json.loads("[" * 300 + "]" * 300)}, "m"),
    "deep properties": (
        {"messageId": "m", "properties": json.loads('{"a":' * 300 + "1" + "}" * 300)},
        "m",
    ),
}
"""Messages that JSON encoders refuse, and the message id that is shown."""


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_messages(client: Client, name: str) -> None:
    """Messages that cannot be written as they are do not hide the others."""
    message, message_id = UNUSUAL[name]
    unusual = json.dumps({"batch": [{**track(1), **message}, track(2)]}).encode()
    assert client.post("/v1/batch", unusual).status == 200
    response = client.get(PATH)
    shown = [each["messageId"] for each in response.json["messages"]]
    assert (response.status, shown) == (200, ["m2", message_id])


def test_pages(client: Client) -> None:
    """The latest come first, and `next` leads to those before."""
    client.post("/v1/batch", {"batch": [track(n) for n in range(5)]})
    seen: list[str] = []
    query = "?limit=2"
    while True:
        page = client.get(PATH + query).json
        seen += [each["messageId"] for each in page["messages"]]
        if page["next"] is None:
            break
        query = f"?limit=2&before={page['next']}"
    assert seen == ["m4", "m3", "m2", "m1", "m0"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "before=-1", "limit=²", "limti=5", "limit=9" * 20]
)
def test_wrong_queries(client: Client, query: str) -> None:
    """A parameter that cannot be read, or is not known, is an error."""
    assert client.get(f"{PATH}?{query}").status == 400


def test_secrets_are_hidden(client: Client) -> None:
    """Neither the token nor a secret is shown, wherever it stands."""
    client.post("/v1/track", track(1, event="a hidden secret", properties={"a": "T", "hidden": 1}))
    text = client.get(PATH).text
    assert "hidden" not in text
    assert '"T"' not in text
    assert text.count("[redacted]") >= 3


def test_only_so_many_are_kept(gateway: TestGateway) -> None:
    """The oldest are forgotten, by number and by size."""
    few = RecentMessages(str, capacity=3)
    small = RecentMessages(str, capacity_bytes=5000)
    messages = [gateway.prepare(track(n, properties={"x": "y" * 1000})) for n in range(9)]
    for number, message in enumerate(messages):
        few.taken("", [message], float(number))
    small.taken("", messages, 0.0)
    assert [each["messageId"] for each in few.page(10, None)["messages"]] == ["m8", "m7", "m6"]
    assert len(small.page(10, None)["messages"]) == 4


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:8090"}, 200),
        ({"Host": "127.0.0.1:8090"}, 200),
        ({"Host": "[::1]:8090"}, 200),
        ({"Host": "evil.test:8090"}, 403),
        ({"Host": "localhost.evil.test"}, 403),
        ({"Host": ""}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Origin": "null"}, 403),
    ],
    ids=str,
)
def test_pages_of_others(client: Client, headers: dict[str, str], status: int) -> None:
    """A page of another site, or under a name of its own for this machine, reads nothing."""
    response = client.get(PATH, headers=headers)
    assert response.status == status
    assert "access-control-allow-origin" not in response.headers


def test_another_machine(gateway: TestGateway) -> None:
    """Only this machine may read them."""
    assert gateway.client(peer="192.0.2.1").get(PATH).status == 403
