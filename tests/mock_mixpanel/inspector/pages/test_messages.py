"""Pages about a gateway's messages: the messages, and the records they lead to."""

from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from mock_mixpanel.app import create_app
from tests.mock_mixpanel.inspector.pages.test_records import HOSTILE, Text, shown
from tests.mock_mixpanel.wire import NOW

EVENT = {"event": "Paid", "properties": {"token": "T", "distinct_id": "ann", "$insert_id": "i-1"}}
UPDATE = {"$token": "T", "$distinct_id": "ann", "$set": {"plan": "pro", "$email": "a@example.com"}}


def operation(endpoint: str, payload: Mapping[str, Any], fate: str, reason: Any = None) -> Any:
    return {
        "endpoint": endpoint,
        "host": "https://api.mixpanel.com",
        "payload": hidden(payload),
        "fate": fate,
        "reason": reason,
    }


def hidden(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A payload as a gateway shows it: without the token."""
    if "properties" in payload:
        return {**payload, "properties": {**payload["properties"], "token": "[redacted]"}}
    return {**payload, "$token": "[redacted]"}


def message(number: int, fate: str, *operations: Any, **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "receivedAt": 1781524800000,
        "source": "web",
        "messageId": f"m-{number}",
        "type": "track",
        "fate": fate,
        "skipped": [],
        "error": None,
        "losses": [],
        "operations": list(operations),
        **more,
    }


class Gateway:
    """What a gateway remembers, the latest first."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = sorted(messages, key=lambda each: -each["number"])

    def read(self, limit: int, before: int | None) -> dict[str, Any]:
        older = [each for each in self.messages if before is None or each["number"] < before]
        more = older[limit - 1]["number"] if len(older) > limit else None
        return {"messages": older[:limit], "next": more}


def mock(*messages: dict[str, Any]) -> FlaskClient:
    """A mock beside a gateway with these messages; an event and an update arrived."""
    client = create_app(messages=Gateway(*messages).read).test_client()
    client.post("/_mock/clock", json={"now": NOW, "freeze": True})
    client.post("/track", json=[{**EVENT, "event": "Other"} | {"properties": {"token": "T"}}])
    client.post("/track", json=[EVENT])
    client.post("/engage", json=[dict(reversed(UPDATE.items()))])
    return client


SENT = message(
    2, "delivered", operation("/track", EVENT, "delivered"), operation("/engage", UPDATE, "waiting")
)
SKIPPED = message(1, "skipped", skipped=[{"code": "page", "reason": "pages are not sent"}])


def test_list_says_what_became_of_each_message() -> None:
    """Messages are listed with their fate, the reason and the operations, the latest first."""
    text = Text(shown(mock(SENT, SKIPPED), "messages")).text
    assert "✓ delivered /track /engage" in text
    assert "• skipped page pages are not sent nothing" in text
    assert text.index("m-2") < text.index("m-1")


def test_list_by_fate() -> None:
    """Only the messages with one fate are left."""
    text = Text(shown(mock(SENT, SKIPPED), "messages?fate=skipped")).text
    assert ("m-1" in text, "m-2" in text) == (True, False)


@pytest.mark.parametrize(
    ("query", "problem"),
    [("fate=skiped", "fate: 'skiped' is not a status of messages"), ("fat=skipped", "known: fate")],
)
def test_an_unknown_filter(query: str, problem: str) -> None:
    """An unknown status, or an unknown name of a filter, is refused with the known ones."""
    assert problem in Text(shown(mock(SENT, SKIPPED), f"messages?{query}", 400)).text


def test_a_message_of_an_unknown_person() -> None:
    """A message whose operations are not stored leads to no page of a person."""
    nobody = {**UPDATE, "$distinct_id": "carl"}
    message_of_nobody = message(3, "waiting", operation("/engage", nobody, "waiting"))
    html = shown(mock(message_of_nobody), "messages/3")
    assert ("carl" in html, "/_mock/ui/person" in html) == (True, False)


def test_from_a_message_to_the_person() -> None:
    """Each operation names its record, with verdict and fate, and the person that it changed."""
    html = shown(mock(SENT, SKIPPED), "messages/2")
    assert 'href="/_mock/ui/events/2">record 2</a>' in html
    assert 'href="/_mock/ui/events/3">record 3</a>' in html
    assert 'href="/_mock/ui/person?token=T&amp;region=us&amp;id=ann"' in html
    assert "visible in queries for ann" in Text(html).text


def test_from_a_request_to_the_message() -> None:
    """A request names the message that each of its records came from."""
    client = mock(SENT, SKIPPED)
    assert 'href="/_mock/ui/messages/2">track m-2</a>' in shown(client, "requests/2")
    assert 'href="/_mock/ui/messages/2">track m-2</a>' in shown(client, "requests/3")
    assert "/_mock/ui/messages/" not in shown(client, "requests/1")


def test_more_messages_than_a_page_shows() -> None:
    """A page shows 50 messages, and leads to the older ones."""
    client = mock(*(message(number, "skipped") for number in range(1, 61)))
    html = shown(client, "messages")
    assert html.count("<tr id=") == 50
    assert 'href="/_mock/ui/messages?before=11"' in html
    assert shown(client, "messages?before=11").count("<tr id=") == 10


def test_message_that_is_not_kept() -> None:
    """A message that the gateway does not keep is a page with status 404."""
    assert "there is no message 7" in shown(mock(SENT), "messages/7", 404)


@pytest.mark.parametrize("page", ["messages", "messages/2"])
def test_hostile_message(page: str) -> None:
    """Nothing that a message holds becomes an element of the page."""

    def made(text: str) -> FlaskClient:
        payload = {"event": text, "properties": {"token": text, "distinct_id": text, text: text}}
        sent = operation(text, payload, "rejected", text)
        hostile = {
            "messageId": text,
            "type": text,
            "source": text,
            "skipped": [{"code": text, "reason": text}],
            "error": {"code": text, "message": text},
            "losses": [{"line": text}],
        }
        return mock({**message(2, "rejected", sent), **hostile})

    tags = Text(shown(made(HOSTILE), page)).tags
    assert tags == Text(shown(made("harmless"), page)).tags


def test_mock_without_a_gateway() -> None:
    """A mock that runs alone has no page of messages and no link to one."""
    client = create_app().test_client()
    assert client.get("/_mock/ui/messages").status_code == 404
    assert "ui/messages" not in shown(client, "")
