"""Duplicates: the same event, distinct id, time and insert id
(docs/facts/mixpanel-http-api.md#deduplication)."""

from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import NOW, NOW_SECONDS, alias, event, send

KEY: dict[str, Any] = {"time": NOW_SECONDS - 10, "$insert_id": "id-1"}


def counts(mock: MockMixpanel) -> list[Any]:
    return [item["properties"].get("n") for item in mock.events()]


def test_latest_wins(mock_mixpanel: MockMixpanel) -> None:
    """Of two with the same key the one ingested latest is seen; raw rows show both."""
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/track", event(mock_mixpanel, n=1, **KEY))
    send(mock_mixpanel, "/track", event(mock_mixpanel, n=2, **KEY))
    assert counts(mock_mixpanel) == [2]
    assert [item["properties"]["n"] for item in mock_mixpanel.events(raw=True)] == [1, 2]


@pytest.mark.parametrize(
    ("endpoint", "other"),
    [
        ("/import", {"n": 2}),
        ("/track", {"n": 2, "time": KEY["time"] * 1000}),
    ],
)
def test_same_key(mock_mixpanel: MockMixpanel, endpoint: str, other: dict[str, Any]) -> None:
    """The route and the unit of time are not part of the key."""
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/track", event(mock_mixpanel, n=1, **KEY))
    send(mock_mixpanel, endpoint, event(mock_mixpanel, **KEY | other))
    assert counts(mock_mixpanel) == [2]


@pytest.mark.parametrize(
    "other",
    [
        {"distinct_id": "u-2"},
        {"time": NOW_SECONDS - 11},
        {"$insert_id": "id-2"},
        {"$insert_id": None},
    ],
)
def test_other_key(mock_mixpanel: MockMixpanel, other: dict[str, Any]) -> None:
    """If one member of the key differs, both are seen."""
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/track", event(mock_mixpanel, n=1, **KEY))
    send(mock_mixpanel, "/track", event(mock_mixpanel, **KEY | {"n": 2} | other))
    assert counts(mock_mixpanel) == [1, 2]


def test_other_name(mock_mixpanel: MockMixpanel) -> None:
    """The event name is part of the key."""
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/track", event(mock_mixpanel, "A", n=1, **KEY))
    send(mock_mixpanel, "/track", event(mock_mixpanel, "B", n=2, **KEY))
    assert counts(mock_mixpanel) == [1, 2]


def test_without_insert_id(mock_mixpanel: MockMixpanel) -> None:
    """Without an insert id nothing is a duplicate: the server makes a new one each time."""
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/track", [event(mock_mixpanel, n=1), event(mock_mixpanel, n=1)])
    assert counts(mock_mixpanel) == [1, 1]
    assert len({item["insert_id"] for item in mock_mixpanel.events()}) == 2


def test_key_has_the_canonical_id(mock_mixpanel: MockMixpanel) -> None:
    """The distinct id of the key is the one behind the alias."""
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/track", event(mock_mixpanel, n=1, distinct_id="anon-1", **KEY))
    send(mock_mixpanel, "/track", alias(mock_mixpanel, "u-1", "anon-1"))
    send(mock_mixpanel, "/track", event(mock_mixpanel, n=2, distinct_id="u-1", **KEY))
    assert counts(mock_mixpanel) == [None, 2]
