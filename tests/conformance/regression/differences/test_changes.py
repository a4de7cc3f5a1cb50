"""Changes by meaning: which classes there are, and where they are said to be."""

from typing import Any

import pytest

from conformance.regression.differences.changes import Change, ChangeClass, changes


def answer(*operations: Any, skipped: Any = (), error: Any = None) -> dict[str, Any]:
    return {
        "messageId": "m1",
        "operations": list(operations),
        "skipped": [{"code": code, "reason": reason} for code, reason in skipped],
        "error": error and {"code": error[0], "message": error[1]},
    }


def event(
    endpoint: str = "/track", host: str = "https://us", name: str = "Seen", **properties: Any
) -> dict[str, Any]:
    payload = {"event": name, "properties": properties}
    return {"endpoint": endpoint, "host": host, "payload": payload}


def engage(verb: str, value: Any, endpoint: str = "/engage", **more: Any) -> dict[str, Any]:
    payload = {"$token": "T", "$distinct_id": "u", verb: value, **more}
    return {"endpoint": endpoint, "host": "https://us", "payload": payload}


ALIAS = {
    "endpoint": "/track",
    "host": "https://us",
    "payload": {"event": "$create_alias", "properties": {"alias": "u"}},
}


def found(old: Any, new: Any) -> list[tuple[str, str, str]]:
    return [(change.kind.value, change.operation, change.path) for change in changes(old, new)]


def test_track_and_import_are_one() -> None:
    """An event that goes to /import now is the same event: only its endpoint changed."""
    old = answer(event("/track", name="Seen", a=1))
    new = answer(event("/import", name="Seen", a=2), event("/import", name="New"))
    assert found(old, new) == [
        ("endpoint changed", "event", "endpoint"),
        ("value changed", "event", "payload.properties.a"),
        ("added", "event New", ""),
    ]
    assert {change.event for change in changes(old, new)} == {"Seen", "New"}


def test_query_and_credentials() -> None:
    """They are compared where both translators tell them; ours leaves them to its sender."""
    bare = answer(event(a=1))
    one = answer({**event(a=1), "query": {"ip": "0"}, "auth": {"user": "T", "password": ""}})
    two = answer({**event(a=1), "query": {"ip": "1"}, "auth": {"user": "S", "password": ""}})
    assert found(bare, one) == found(one, bare) == []
    assert found(one, two) == [
        ("value changed", "event", "query.ip"),
        ("value changed", "event", "auth.user"),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (1e20, 10**20),
        (-(2**63), -9223372036854775808.0),
        (2**64, 2.0**64),
        (10**400, 10**400),
        ("\ud83c", "\ud83c"),
    ],
)
def test_any_number_and_text_of_json(old: Any, new: Any) -> None:
    """Numbers beyond 64 bits and halves of characters, as JavaScript prints them, are compared."""
    assert event_changes({"x": old, "\ud83c": 1}, {"x": new, "\ud83c": 1}) == []
    assert event_changes({"x": old}, {"x": 5}) == [
        ("retyped" if isinstance(old, str) else "value changed", "x")
    ]
    assert event_changes({"x": old}, {"y": old}) == [("renamed", "x -> y")]


def event_changes(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str]]:
    """Class and property of each change between two events with these properties."""
    rows = found(answer(event(**old)), answer(event(**new)))
    assert {"event"} >= {operation for _, operation, _ in rows}
    return [(kind, path.replace("payload.properties.", "")) for kind, _, path in rows]


def test_no_change() -> None:
    """Equal answers have no changes; the order of keys, and `1.0` for `1`, do not count."""
    assert changes(answer(event(a=1, b=2)), answer(event(b=2, a=1.0))) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"a": 1}, [("added", "a")]),
        ({"a": 1}, {}, [("removed", "a")]),
        ({"a": "x"}, {"a": "y"}, [("value changed", "a")]),
        ({"a": 1}, {"a": 1.5}, [("value changed", "a")]),
        ({"a": 1}, {"a": "1"}, [("retyped", "a")]),
        ({"a": 1}, {"a": True}, [("retyped", "a")]),
        ({"a": None}, {"a": "x"}, [("retyped", "a")]),
        ({"a": [1, 2]}, {"a": [1, 3]}, [("value changed", "a[]")]),
        ({"a": [1, 2]}, {"a": [1, "2"]}, [("retyped", "a[]")]),
        ({"a": [1, 2]}, {"a": [1]}, [("value changed", "a")]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [("value changed", "a.b")]),
        ({"a": {"b c": 1}}, {"a": {"b c": 2}}, [("value changed", 'a["b c"]')]),
    ],
)
def test_properties(
    old: dict[str, Any], new: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """A property that comes, goes, or has another value or type, with its path."""
    assert event_changes(old, new) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"plan": "pro"}, {"tier": "pro"}, [("renamed", "plan -> tier")]),
        ({"$wifi": True}, {"wifi_": True}, [("renamed", "$wifi -> wifi_")]),
        ({"paid": True}, {"seen": True}, [("removed", "paid"), ("added", "seen")]),
        ({"a": None}, {"zz": None}, [("removed", "a"), ("added", "zz")]),
        (
            {"a": "x", "b": "x"},
            {"zz": "x"},
            [("removed", "a"), ("removed", "b"), ("added", "zz")],
        ),
        (
            {"id": "u", "tag": "u"},
            {"seg_id": "u", "seg_tag": "u"},
            [("renamed", "tag -> seg_tag"), ("renamed", "id -> seg_id")],
        ),
        (
            {"a": True, "tag": True},
            {"seg_a": True, "seg_tag": True},
            [("renamed", "tag -> seg_tag"), ("removed", "a"), ("added", "seg_a")],
        ),
        ({"a": "x"}, {"b": "y"}, [("removed", "a"), ("added", "b")]),
        ({"a": 1.5}, {"b": "1.5"}, [("removed", "a"), ("added", "b")]),
    ],
)
def test_renamed(old: dict[str, Any], new: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """The same value under another name is a rename, unless any two properties could have it."""
    assert [(kind, path) for kind, path in event_changes(old, new)] == expected


def test_of_several_possible_renames_the_most_alike_names_are_taken() -> None:
    """Where values do not tell, names do."""
    old = {"$app_version": "2.1", "$os_version": "2.1"}
    new = {"os_version": "2.1", "app_version": "2.1"}
    assert event_changes(old, new) == [
        ("renamed", "$app_version -> app_version"),
        ("renamed", "$os_version -> os_version"),
    ]


def test_many_equal_values_cost_no_time() -> None:
    """A thousand removed and added properties of one value are compared with few each."""
    old = {f"a{number}": "same" for number in range(1000)}
    new = {f"b{number}": "same" for number in range(1000)}
    assert 1000 <= len(event_changes(old, new)) <= 2000


def test_endpoint_and_host() -> None:
    """An event that goes elsewhere is one change, not a removed and an added operation."""
    assert found(answer(event(a=1)), answer(event("/import", a=1))) == [
        ("endpoint changed", "event", "endpoint")
    ]
    assert changes(answer(event()), answer(event(host="https://eu"))) == [
        Change(ChangeClass.ENDPOINT, "event", "host", "https://us", "https://eu", "Seen")
    ]


def test_operations_added_and_removed() -> None:
    """An operation without a partner is one change, with the whole of it as its value."""
    one, two = event(a=1), engage("$append", {"$transactions": {"$amount": 5}})
    assert changes(answer(one, two), answer(one)) == [
        Change(ChangeClass.REMOVED, "/engage $append", "", old=two)
    ]
    assert changes(answer(one), answer(one, two)) == [
        Change(ChangeClass.ADDED, "/engage $append", "", new=two)
    ]


def test_partners_are_the_most_alike() -> None:
    """Of several events each is compared with the one of its name, wherever that is."""
    old = answer(event(name="Loaded a Page", a=1), event(name="Viewed Home Page", a=1))
    new = answer(event(name="Viewed Home Page", a=2))
    assert found(old, new) == [
        ("removed", "event Loaded a Page", ""),
        ("value changed", "event", "payload.properties.a"),
    ]


def test_another_event_name() -> None:
    """An event of another name is the event renamed."""
    assert found(answer(event(name="Loaded a Page")), answer(event(name="Viewed a Page"))) == [
        ("value changed", "event", "payload.event")
    ]


def test_operations_in_another_order() -> None:
    """An alias after the event instead of before it is a change."""
    assert changes(answer(ALIAS, event()), answer(event(), ALIAS)) == [
        Change(
            ChangeClass.REORDERED,
            "message",
            "operations",
            ["event $create_alias", "event Seen"],
            ["event Seen", "event $create_alias"],
        )
    ]


def test_operations_are_named_by_what_they_do() -> None:
    """Profile updates are told apart by their operator."""
    assert found(
        answer(engage("$set", {"a": 1}), engage("$delete", "")),
        answer(engage("$set_once", {"b": 2}, "/groups")),
    ) == [
        ("removed", "/engage $set", ""),
        ("removed", "/engage $delete", ""),
        ("added", "/groups $set_once", ""),
    ]


def test_skips() -> None:
    """A new skip and one that is gone, by code; another text for the same code is not a change."""
    assert changes(
        answer(skipped=[("people_off", "off"), ("same", "x")]),
        answer(skipped=[("same", "x"), ("unknown_user", "who")]),
    ) == [
        Change(ChangeClass.UNSKIPPED, "message", "skipped.people_off", "off", None),
        Change(ChangeClass.SKIPPED, "message", "skipped.unknown_user", None, "who"),
    ]
    assert found(
        answer(skipped=[("people_off", "off")]), answer(skipped=[("people_off", "is off")])
    ) == [("reworded", "message", "skipped.people_off")]


def test_errors() -> None:
    """A message that fails now, or no longer, is one change: its operations are not listed."""
    good, bad = answer(event(a=1)), answer(error=("missing_id", "no id"))
    assert changes(good, bad) == [
        Change(ChangeClass.FAILING, "message", "error.missing_id", None, "no id")
    ]
    assert changes(bad, good) == [
        Change(ChangeClass.UNFAILING, "message", "error.missing_id", "no id", None)
    ]
    assert found(bad, answer(error=("invalid_field", "no id"))) == [
        ("value changed", "message", "error.code")
    ]
    assert found(bad, answer(error=("missing_id", "none"))) == [
        ("reworded", "message", "error.message")
    ]


def test_answers_of_other_programs_may_lack_parts() -> None:
    """A translator that reports neither skips nor errors can be compared."""
    bare = {"operations": [event(a=1)]}
    assert changes(bare, answer(event(a=1))) == []
