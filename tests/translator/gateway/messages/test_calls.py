"""From the body of a request to Segment messages."""

from itertools import count
from typing import Any

import pytest

from translator.gateway.messages.bodies import BadRequestError
from translator.gateway.messages.calls import messages_of, write_keys_of

RECEIVED_MS = 1_781_524_800_000
RECEIVED = "2026-06-15T12:00:00.000Z"


def messages(name: str, body: Any) -> list[Any]:
    numbers = count(1)
    return messages_of(name, body, RECEIVED_MS, lambda: f"new-{next(numbers)}")


def test_single_call() -> None:
    """The path gives the type; a message without id and time gets both."""
    assert messages("track", {"event": "E", "userId": "u", "writeKey": "secret"}) == [
        {
            "type": "track",
            "event": "E",
            "userId": "u",
            "messageId": "new-1",
            "timestamp": RECEIVED,
            "receivedAt": RECEIVED,
        }
    ]


@pytest.mark.parametrize(
    ("called", "sent_at", "corrected"),
    [
        # The device's clock is an hour ahead; the call was ten seconds before its sending.
        ("2026-06-15T12:59:50Z", "2026-06-15T13:00:00Z", "2026-06-15T11:59:50.000Z"),
        # History that is imported keeps its age.
        ("2020-01-01T00:00:00Z", "2026-06-15T12:00:00Z", "2020-01-01T00:00:00.000Z"),
    ],
)
def test_time_is_corrected(called: str, sent_at: str, corrected: str) -> None:
    """The time of a call is that of arrival less the time it waited, by the device's clock."""
    batch = {"batch": [{"type": "page", "messageId": "m", "timestamp": called}], "sentAt": sent_at}
    [message] = messages("batch", batch)
    assert (
        message["timestamp"],
        message["originalTimestamp"],
        message["sentAt"],
    ) == (corrected, called, sent_at)


@pytest.mark.parametrize(
    ("called", "sent_at"),
    [
        ("soon", "2026-06-15T13:00:00Z"),
        ("2020", "?"),
        ("2026-06-15T13:00:00Z", True),
        ("2026-06-15T13:00:00Z", [1]),
        (True, "2026-06-15T13:00:00Z"),
    ],
)
def test_time_that_cannot_be_corrected(called: Any, sent_at: Any) -> None:
    """A time that cannot be read, or without a readable sentAt, stays as it is."""
    [message] = messages("t", {"timestamp": called, "sentAt": sent_at})
    assert called == message["timestamp"]


def test_batch_shares() -> None:
    """A batch's context is merged with those of its messages, whose own members win."""
    mine = {"type": "track", "messageId": "a", "context": {"ip": "1.1.1.1"}}
    other = {"type": "track", "messageId": "b"}
    shared = {"ip": "2.2.2.2", "locale": "de-DE"}
    found = messages("batch", {"batch": [mine, 5, other], "context": shared})
    contexts = [found[0]["context"], found[2]["context"]]
    assert contexts == [{"ip": "1.1.1.1", "locale": "de-DE"}, shared]
    assert found[1] == 5


@pytest.mark.parametrize(
    ("name", "body", "problem"),
    [
        ("track", [], "the body must be a JSON object"),
        ("batch", {}, "'batch' must be a list of messages"),
        ("import", {"batch": {}}, "'batch' must be a list of messages"),
    ],
)
def test_bodies_of_another_shape(name: str, body: Any, problem: str) -> None:
    """A body that is not what the path wants is a bad request as a whole."""
    with pytest.raises(BadRequestError) as caught:
        messages(name, body)
    assert (caught.value.status, str(caught.value)) == (400, problem)


A, B, NO_KEY = {"writeKey": "a"}, {"writeKey": "b"}, {"event": "E"}


@pytest.mark.parametrize(
    ("name", "user", "body", "keys"),
    [
        ("track", "user", A, ["user"]),
        ("track", None, A, ["a"]),
        ("track", None, NO_KEY, [""]),
        ("batch", "user", {"batch": [A, B, NO_KEY], "writeKey": "body"}, ["user"] * 3),
        ("batch", None, {"batch": [A, B, NO_KEY], "writeKey": "body"}, ["body"] * 3),
        ("import", None, {"batch": [A, B, NO_KEY, 5]}, ["a", "b", "", ""]),
        ("batch", None, {"batch": [A], "writeKey": ""}, ["a"]),
        ("batch", None, {"batch": [A], "writeKey": 5}, ["a"]),
        ("batch", None, {"batch": [{"writeKey": ["a"]}]}, [""]),
        ("batch", "user", {"batch": []}, ["user"]),
        ("batch", None, {"batch": []}, [""]),
    ],
)
def test_write_keys(name: str, user: str | None, body: Any, keys: list[str]) -> None:
    """The Basic user counts, then the body's write key, then that of each message."""
    assert write_keys_of(name, user, body) == keys


@pytest.mark.parametrize("body", [[], {}, {"batch": {}}])
def test_write_keys_of_bodies_of_another_shape(body: Any) -> None:
    """A batch that is not a list of messages is a bad request."""
    with pytest.raises(BadRequestError):
        write_keys_of("batch", None, body)
