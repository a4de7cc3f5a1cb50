"""Parts of lists: `since` and `limit` give the same items as the whole list."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mock_mixpanel.streams import MODES, Mock, ids_of, records
from tests.thorough import times

STEPS = st.lists(st.tuples(st.integers(0, 3), records(ids_of(1))), max_size=25)
LISTS: list[tuple[str, dict[str, Any]]] = [
    ("events", {}),
    ("events", {"raw": 1}),
    ("rejected", {}),
    ("requests", {}),
]
LIMITS = st.sampled_from([{}, {"alias_queue": 0}, {"compaction": 4}])


def filled(identity: str, steps: Any, limits: dict[str, int]) -> Mock:
    """A mock that was sent one record a request."""
    mock = Mock(identity, limits=limits)
    for seconds, record in steps:
        mock.advance(seconds)
        mock.send(record)
    return mock


def last(items: list[Any], most: int) -> list[Any]:
    return items[max(0, len(items) - most) :]


@pytest.mark.parametrize("identity", MODES)
@settings(max_examples=times(5, 40), deadline=None)
@given(steps=STEPS, limits=LIMITS, number=st.integers(0, 25), most=st.integers(0, 5))
def test_a_part_is_one_of_the_whole(
    identity: str, steps: Any, limits: dict[str, int], number: int, most: int
) -> None:
    """`since` an id or a time leaves what came later, `limit` the last ones, whatever is merged."""
    mock = filled(identity, steps, limits)
    received = {each["id"]: each["received_at"] for each in mock.get("requests")}
    for name, query in LISTS:
        whole = mock.get(name, **query)
        moment = received.get(number, "2026-06-15T12:00:00.000Z")
        later = [each for each in whole if each["id"] > number]
        afterwards = [each for each in whole if received[each["id"]] > moment]
        assert later == mock.get(name, since=number, **query)
        assert last(later, most) == mock.get(name, since=number, limit=most, **query)
        assert afterwards == mock.get(name, since=moment, **query)
        assert last(whole, most) == mock.get(name, limit=most, **query)


@pytest.mark.parametrize("identity", MODES)
@settings(max_examples=times(5, 40), deadline=None)
@given(steps=STEPS, queue=st.sampled_from([None, 0]))
def test_of_duplicates_the_latest_is_seen(identity: str, steps: Any, queue: int | None) -> None:
    """Of raw rows with the same event, canonical id, time and insert id the last one is listed."""
    mock = filled(identity, steps, {} if queue is None else {"alias_queue": queue})
    members = ("event", "distinct_id", "time", "insert_id")
    rows = mock.get("events?raw=1")
    latest = {tuple(each[name] for name in members): each["id"] for each in rows}
    kept = set(latest.values())
    assert [each for each in rows if each["id"] in kept] == mock.get("events")


def test_parts_of_several_projects() -> None:
    """The last events of all projects are the last ones of all, in order of arrival."""
    mock = Mock("legacy")
    for token in "TUTUUT":
        properties = {"token": token, "distinct_id": "ann"}
        mock.send(("/import", {"event": token, "properties": properties}))
    assert [each["event"] for each in mock.get("events", limit=3)] == ["U", "U", "T"]
    assert [each["event"] for each in mock.get("events", since=4)] == ["U", "T"]
    assert mock.get("events", limit=0) == []
