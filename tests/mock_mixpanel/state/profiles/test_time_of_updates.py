"""`$time`: the order in which updates of a profile apply
(docs/facts/mixpanel-http-api.md#profile-modifiers)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.state.profiles import profiles
from tests.mock_mixpanel.streams import OPERATIONS, Mock
from tests.mock_mixpanel.wire import (
    NOW,
    NOW_SECONDS,
    group_update,
    http,
    names,
    reasons,
    send,
    update,
)
from tests.thorough import times

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def frozen(mock_mixpanel: MockMixpanel) -> MockMixpanel:
    """A mock at a frozen time."""
    mock_mixpanel.freeze(NOW)
    return mock_mixpanel


def held(mock: MockMixpanel) -> list[dict[str, Any]]:
    """What the profiles of people and groups hold."""
    groups = [each for key in mock.groups().values() for each in key.values()]
    return [*mock.profiles().values(), *groups]


@pytest.mark.parametrize(("path", "make"), [("/engage", update), ("/groups", group_update)])
@pytest.mark.parametrize(
    ("times", "value"),
    [
        ((-10, -20), 1),
        ((-20, -10), 2),
        ((-10, -10), 2),
        ((None, -10), 1),
        ((-10, None), 2),
        ((None, None), 2),
        ((None, 0), 2),
    ],
)
def test_order(
    frozen: MockMixpanel, path: str, make: Make, times: tuple[int | None, int | None], value: int
) -> None:
    """Of two values the one with the later `$time` stays; without one it is the arrival."""
    for number, time in enumerate(times, start=1):
        more = {} if time is None else {"time": NOW_SECONDS + time}
        send(frozen, path, make(frozen, set={"a": number}, **more))
    assert held(frozen) == [{"a": value}]


@pytest.mark.parametrize(
    "time", [NOW_SECONDS - 5, (NOW_SECONDS - 5) * 1000, NOW_SECONDS - 4.5, NOW_SECONDS * 1000 - 1]
)
def test_units(frozen: MockMixpanel, time: Any) -> None:
    """`$time` is in seconds or in milliseconds, whole or not."""
    send(frozen, "/engage", update(frozen, set={"a": 1}))
    send(frozen, "/engage", update(frozen, set={"a": 2, "b": 2}, time=time))
    assert held(frozen) == [{"a": 1, "b": 2}]


@pytest.mark.parametrize("time", ["later", None, True, [], {}, 2 * NOW_SECONDS, 10**400])
def test_no_time(frozen: MockMixpanel, time: Any) -> None:
    """An invalid or future time is replaced by the time of arrival."""
    send(frozen, "/engage", update(frozen, set={"a": 1}, time=time))
    frozen.advance(1)
    send(frozen, "/engage", update(frozen, set={"a": 2}))
    send(frozen, "/engage", update(frozen, set={"a": 3, "b": 3}, time=NOW_SECONDS - 1))
    assert held(frozen) == [{"a": 2, "b": 3}]


def test_within_a_request(frozen: MockMixpanel) -> None:
    """The order holds within a request, and over several people."""
    records = [
        update(frozen, who, append={"l": number}, time=NOW_SECONDS - number)
        for number in (1, 3, 2)
        for who in ("u-1", "u-2")
    ]
    send(frozen, "/engage", records)
    assert held(frozen) == [{"l": [3, 2, 1]}] * 2


def test_late_update_of_a_deleted_profile(frozen: MockMixpanel) -> None:
    """What was to be done before a profile was deleted does not bring it back."""
    send(frozen, "/engage", update(frozen, set={"a": 1}, time=NOW_SECONDS - 30))
    send(frozen, "/engage", update(frozen, delete="", time=NOW_SECONDS - 10))
    send(frozen, "/engage", update(frozen, set={"b": 1}, time=NOW_SECONDS - 20))
    assert held(frozen) == []
    send(frozen, "/engage", update(frozen, set={"c": 1}))
    assert held(frozen) == [{"c": 1}]


def test_late_deletion(frozen: MockMixpanel) -> None:
    """A deletion that comes late takes away what was there at its time, and nothing newer."""
    send(frozen, "/engage", update(frozen, set={"a": 1}, time=NOW_SECONDS - 30))
    send(frozen, "/engage", update(frozen, set={"b": 1}, time=NOW_SECONDS - 10))
    send(frozen, "/engage", update(frozen, delete="", time=NOW_SECONDS - 20))
    assert held(frozen) == [{"b": 1}]


def test_what_does_not_fit_may_fit_later(frozen: MockMixpanel) -> None:
    """Whether an update fits is decided in the order of time as well."""
    send(frozen, "/engage", update(frozen, set={"n": "text"}, time=NOW_SECONDS - 30))
    send(frozen, "/engage", update(frozen, add={"n": 1}, time=NOW_SECONDS - 10))
    assert reasons(frozen) == [["$add.n: the profile holds no number"]]
    send(frozen, "/engage", update(frozen, set={"n": 5}, time=NOW_SECONDS - 20))
    assert (held(frozen), reasons(frozen)) == ([{"n": 6}], [])


def test_last_seen_never_goes_back(frozen: MockMixpanel) -> None:
    """`$last_seen` is when the last update arrived, whatever its `$time`."""
    send(frozen, "/engage", update(frozen, set={"a": 1}, ignore_time=False))
    frozen.advance(60)
    late = update(frozen, set={"b": 1}, ignore_time=False, time=NOW_SECONDS - 3600)
    send(frozen, "/engage", late)
    assert held(frozen) == [{"a": 1, "b": 1, "$last_seen": "2026-06-15T12:01:00"}]


def test_since_lists_late_updates(frozen: MockMixpanel) -> None:
    """A profile counts as changed when a late update arrives."""
    send(frozen, "/engage", update(frozen, set={"a": 1}))
    frozen.advance(60)
    send(frozen, "/engage", update(frozen, "u-2", set={"a": 1}))
    frozen.advance(60)
    send(frozen, "/engage", update(frozen, set={"b": 1}, time=NOW_SECONDS - 5))
    assert list(frozen.profiles()) == ["u-1", "u-2"]
    query = {"token": frozen.token, "since": "2026-06-15T12:01:30Z"}
    changed = http("GET", f"{frozen.url}/_mock/profiles", params=query).json()
    assert [each["distinct_id"] for each in changed] == ["u-1"]


@settings(max_examples=times(10, 100), deadline=None)
@given(
    updates=st.lists(OPERATIONS, max_size=8),
    data=st.data(),
    looks=st.lists(st.booleans(), min_size=8),
)
def test_any_order_of_arrival(
    updates: list[dict[str, Any]], data: st.DataObject, looks: list[bool]
) -> None:
    """Updates with a `$time` each give the same profile in whatever order they arrive."""
    ordered = [
        ("/engage", {"$token": "T", "$distinct_id": "a", **one, "$ignore_time": True, "$time": n})
        for n, one in enumerate(updates, start=1)
    ]
    found = []
    for records in (ordered, data.draw(st.permutations(ordered))):
        mock = Mock("legacy")
        for record, look in zip(records, looks, strict=False):
            mock.send(record)
            if look:
                mock.state()
        state = mock.state()
        found.append([each["properties"] for each in state["profiles"]])
    assert found[0] == found[1]


def test_many_late_updates(frozen: MockMixpanel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Profiles with late updates are computed some at a time, and all are."""
    monkeypatch.setattr(profiles, "AT_ONCE", 3)
    records = [
        update(frozen, f"u-{who}", append={"l": number}, time=NOW_SECONDS - number)
        for number in (1, 2)
        for who in range(8)
    ]
    send(frozen, "/engage", records)
    assert held(frozen) == [{"l": [2, 1]}] * 8


def test_events_have_no_such_order(frozen: MockMixpanel) -> None:
    """`$time` on an event is a property like any other."""
    records = [
        {"event": name, "properties": {"token": frozen.token, "distinct_id": "u", "$time": time}}
        for name, time in (("A", 2), ("B", 1))
    ]
    send(frozen, "/track", records)
    assert names(frozen) == ["A", "B"]
