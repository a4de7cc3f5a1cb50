"""Compaction: duplicates of one day become one row
(docs/facts/mixpanel-http-api.md#deduplication)."""

from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import NOW, NOW_SECONDS, event, send

HOUR = 3600


@pytest.fixture
def compacted(mock_mixpanel: MockMixpanel) -> MockMixpanel:
    """A project whose duplicates are compacted after an hour, at a frozen time."""
    mock_mixpanel.project(limits={"compaction": HOUR})
    mock_mixpanel.freeze(NOW)
    return mock_mixpanel


def same(mock: MockMixpanel, number: int, **more: Any) -> dict[str, Any]:
    key = {"$insert_id": "i", "time": NOW_SECONDS - number}
    return event(mock, **(key | {"n": number} | more))


def rows(mock: MockMixpanel) -> tuple[list[int], list[int]]:
    """What queries see, and every row."""
    return tuple(
        [item["properties"]["n"] for item in mock.events(raw=raw)] for raw in (False, True)
    )  # type: ignore[return-value]


def test_never_by_default(mock_mixpanel: MockMixpanel) -> None:
    """Compaction is not promised: events of different times stay."""
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/track", [same(mock_mixpanel, n) for n in (1, 2, 2)])
    mock_mixpanel.advance(30 * 86400)
    assert rows(mock_mixpanel) == ([1, 2], [1, 2, 2])


def test_after_its_time(compacted: MockMixpanel) -> None:
    """Of duplicates of a day only the one ingested latest is left, in raw rows as well."""
    send(compacted, "/track", [same(compacted, n) for n in (1, 2, 2)])
    compacted.advance(HOUR - 1)
    assert rows(compacted) == ([1, 2], [1, 2, 2])
    compacted.advance(1)
    assert rows(compacted) == ([2], [2])


def test_what_is_new_stays(compacted: MockMixpanel) -> None:
    """An event is compacted with older ones when its own time has come."""
    send(compacted, "/track", same(compacted, 1))
    compacted.advance(HOUR)
    send(compacted, "/track", same(compacted, 2))
    assert rows(compacted) == ([1, 2], [1, 2])
    compacted.advance(HOUR)
    assert rows(compacted) == ([2], [2])


@pytest.mark.parametrize(
    "other",
    [
        {"time": NOW_SECONDS - 13 * HOUR},
        {"distinct_id": "u-2"},
        {"$insert_id": "j"},
        {"$insert_id": None},
    ],
)
def test_not_the_same(compacted: MockMixpanel, other: dict[str, Any]) -> None:
    """Records with another day, person or insert id are not duplicates."""
    send(compacted, "/track", [same(compacted, 1), same(compacted, 2, **other)])
    compacted.advance(HOUR)
    assert rows(compacted) == ([1, 2], [1, 2])


def test_another_name(compacted: MockMixpanel) -> None:
    """Records with another event name are not duplicates."""
    send(compacted, "/track", [same(compacted, 1), same(compacted, 2) | {"event": "Other"}])
    compacted.advance(HOUR)
    assert rows(compacted) == ([1, 2], [1, 2])


def test_a_clock_that_goes_back(compacted: MockMixpanel) -> None:
    """Nothing is compacted before its time, even after a later state was read."""
    send(compacted, "/track", [same(compacted, n) for n in (1, 2)])
    compacted.advance(HOUR)
    assert rows(compacted) == ([2], [2])
    compacted.freeze(NOW)
    assert rows(compacted) == ([1, 2], [1, 2])
