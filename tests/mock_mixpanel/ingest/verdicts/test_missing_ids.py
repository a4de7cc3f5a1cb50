"""Events that are sent without a distinct id."""

from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import event, send

HERE, THERE = {"X-Real-IP": "192.0.2.1"}, {"X-Real-IP": "192.0.2.2"}


def without_id(mock: MockMixpanel, **more: Any) -> dict[str, Any]:
    record = event(mock, **more)
    del record["properties"]["distinct_id"]
    return record


def ids(mock: MockMixpanel) -> list[str]:
    return [item["distinct_id"] for item in mock.events()]


@pytest.mark.parametrize("path", ["/track", "/track?ip=0", "/import"])
@pytest.mark.parametrize("missing", [{}, {"distinct_id": None}])
def test_id_from_the_address(mock_mixpanel: MockMixpanel, path: str, missing: Any) -> None:
    """All events of one server without an id belong to one invented person.

    Sources: https://docs.mixpanel.com/troubleshooting/errors/server-side-events-without-a-user,
    https://github.com/zevarito/mixpanel/issues/43
    """
    record = without_id(mock_mixpanel)
    record["properties"] |= missing
    send(mock_mixpanel, path, [record, record], headers=HERE)
    send(mock_mixpanel, path, record, headers=HERE)
    send(mock_mixpanel, path, record, headers=THERE)
    first, *others = ids(mock_mixpanel)
    assert len(first) == 32
    assert [each == first for each in others] == [True, True, False]


@pytest.mark.parametrize("path", ["/track", "/import"])
def test_empty_id(mock_mixpanel: MockMixpanel, path: str) -> None:
    """An event with an empty distinct id belongs to no person."""
    send(mock_mixpanel, path, event(mock_mixpanel, distinct_id=""), headers=HERE)
    assert ids(mock_mixpanel) == [""]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [({"$user_id": "ann"}, "ann"), ({"$device_id": "d"}, "$device:d")],
)
def test_id_from_device_and_user(
    mock_mixpanel: MockMixpanel, sent: dict[str, str], expected: str
) -> None:
    """Under simplified identity a user or a device gives the id, not the address."""
    mock_mixpanel.project(identity="simplified")
    send(mock_mixpanel, "/track", without_id(mock_mixpanel, **sent), headers=HERE)
    assert ids(mock_mixpanel) == [expected]


def test_identity_event(mock_mixpanel: MockMixpanel) -> None:
    """An identity event names its ids in other properties and gets none from the address."""
    mock_mixpanel.project(identity="original")
    pair = {"$distinct_ids": ["a", "b"]}
    record = {"event": "$merge", "properties": {"token": mock_mixpanel.token, **pair}}
    send(mock_mixpanel, "/import", record, headers=HERE)
    assert ids(mock_mixpanel) == [""]
