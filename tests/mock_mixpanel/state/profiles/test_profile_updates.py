"""The profile operations, on people and on groups."""

from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import NOW, alias, group_update, reasons, send, update

Operations = dict[str, Any]

EFFECTS: dict[str, tuple[list[Operations], dict[str, Any]]] = {
    "set overwrites": ([{"set": {"a": 1, "b": 2}}, {"set": {"a": 3}}], {"a": 3, "b": 2}),
    "set keeps null": ([{"set": {"a": None}}], {"a": None}),
    "set_once keeps": (
        [{"set": {"a": 1}}, {"set_once": {"a": 2, "b": 3}}],
        {"a": 1, "b": 3},
    ),
    "add counts from 0": (
        [{"add": {"n": 2}}, {"add": {"n": -5, "m": 0.5}}],
        {"n": -3, "m": 0.5},
    ),
    "append keeps duplicates": (
        [{"append": {"l": "x"}}, {"append": {"l": "x"}}, {"append": {"l": ["y"]}}],
        {"l": ["x", "x", ["y"]]},
    ),
    "union is a set": (
        [{"union": {"l": ["a", "b", "a"]}}, {"union": {"l": ["b", "c"]}}],
        {"l": ["a", "b", "c"]},
    ),
    "union tells true from 1": (
        [{"union": {"l": [1, True, 1.0, "1"]}}],
        {"l": [1, True, "1"]},
    ),
    "an empty union changes nothing": (
        [{"set": {"l": ["a"], "t": "text"}}, {"union": {"l": [], "t2": []}}],
        {"l": ["a"], "t": "text"},
    ),
    "remove takes all": (
        [{"set": {"l": ["x", "y", "x", True]}}, {"remove": {"l": "x", "no": 1}}],
        {"l": ["y", True]},
    ),
    "remove tells 1 from true": (
        [{"set": {"l": [1, True]}}, {"remove": {"l": 1}}],
        {"l": [True]},
    ),
    "unset": ([{"set": {"a": 1, "b": 2}}, {"unset": ["a", "never"]}], {"b": 2}),
    "charges": (
        [
            {"append": {"$transactions": {"$amount": 5, "$time": "2026-06-15T12:00:00"}}},
            {"append": {"$transactions": {"$amount": -5}}},
        ],
        {
            "$transactions": [
                {"$amount": 5, "$time": "2026-06-15T12:00:00"},
                {"$amount": -5},
            ]
        },
    ),
    "cleared charges": (
        [{"append": {"$transactions": {"$amount": 5}}}, {"set": {"$transactions": []}}],
        {"$transactions": []},
    ),
    "several in one record": (
        [{"unset": ["b"], "add": {"a": 1}, "set": {"a": 1, "b": 2}}],
        {"a": 2},
    ),
    "a long text is cut": ([{"set": {"n" * 256: "v" * 256}}], {"n" * 255: "v" * 255}),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_operations_of_people(mock_mixpanel: MockMixpanel, name: str) -> None:
    """Each operation does to a person's profile what is documented."""
    operations, expected = EFFECTS[name]
    updates = [update(mock_mixpanel, **each) for each in operations]
    assert send(mock_mixpanel, "/engage", updates).content == b"1"
    assert mock_mixpanel.profiles() == {"u-1": expected}
    assert mock_mixpanel.rejected() == []


@pytest.mark.parametrize("name", EFFECTS)
def test_operations_of_groups(mock_mixpanel: MockMixpanel, name: str) -> None:
    """Groups have the same operations."""
    operations, expected = EFFECTS[name]
    updates = [group_update(mock_mixpanel, **each) for each in operations]
    assert send(mock_mixpanel, "/groups", updates).content == b"1"
    assert mock_mixpanel.groups() == {"company": {"acme": expected}}
    assert mock_mixpanel.rejected() == []


@pytest.mark.parametrize("value", ["", None, "null", {}, "u-1"])
def test_delete(mock_mixpanel: MockMixpanel, value: Any) -> None:
    """`$delete` removes the profile whatever its value; later updates start anew."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"a": 1}))
    send(mock_mixpanel, "/groups", group_update(mock_mixpanel, set={"a": 1}))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, delete=value))
    send(mock_mixpanel, "/groups", group_update(mock_mixpanel, delete=value))
    assert (mock_mixpanel.profiles(), mock_mixpanel.groups()) == ({}, {})
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set_once={"a": 2}))
    assert mock_mixpanel.profiles() == {"u-1": {"a": 2}}


@pytest.mark.parametrize("operation", [{"unset": ["a"]}, {"remove": {"a": 1}}, {"delete": ""}])
def test_no_profile_is_made(mock_mixpanel: MockMixpanel, operation: Operations) -> None:
    """Taking away from a profile that is not there makes none."""
    assert send(mock_mixpanel, "/engage", update(mock_mixpanel, **operation)).content == b"1"
    assert mock_mixpanel.profiles() == {}


WRONG_VALUES: dict[str, tuple[Operations, str]] = {
    "set": ({"set": "a"}, "$set: not an object"),
    "set a list": ({"set": [1]}, "$set: not an object"),
    "set null": ({"set": None}, "$set: not an object"),
    "set_once": ({"set_once": 5}, "$set_once: not an object"),
    "add": ({"add": "a"}, "$add: not an object"),
    "add a text": ({"add": {"n": "1"}}, "$add.n: not a number"),
    "add a boolean": ({"add": {"n": True}}, "$add.n: not a number"),
    "append": ({"append": "a"}, "$append: not an object"),
    "union": ({"union": ["a"]}, "$union: not an object"),
    "union a text": ({"union": {"l": "a"}}, "$union.l: not a list"),
    "remove": ({"remove": "a"}, "$remove: not an object"),
    "unset": ({"unset": "a"}, "$unset: not a list of names"),
    "unset numbers": ({"unset": [1]}, "$unset: not a list of names"),
    "nothing": (
        {},
        "operation: none of $set, $set_once, $add, $union, $append, $remove, $unset, $delete",
    ),
}


@pytest.mark.parametrize("name", WRONG_VALUES)
def test_wrong_values(mock_mixpanel: MockMixpanel, name: str) -> None:
    """A value that an operation cannot have is refused at once, with 200 and 0."""
    operations, reason = WRONG_VALUES[name]
    answers = [
        send(mock_mixpanel, "/engage", update(mock_mixpanel, **operations)),
        send(mock_mixpanel, "/groups", group_update(mock_mixpanel, **operations)),
    ]
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"0")] * 2
    assert reasons(mock_mixpanel) == [[reason]] * 2
    assert (mock_mixpanel.profiles(), mock_mixpanel.groups()) == ({}, {})


MISFITS: dict[str, tuple[Operations, str]] = {
    "add": ({"add": {"t": 1}}, "$add.t: the profile holds no number"),
    "add to a boolean": ({"add": {"b": 1}}, "$add.b: the profile holds no number"),
    "add too much": ({"add": {"big": 1e308}}, "$add.big: the sum is out of range"),
    "append": ({"append": {"t": 1}}, "$append.t: the profile holds no list"),
    "union": ({"union": {"t": [1]}}, "$union.t: the profile holds no list"),
    "remove": ({"remove": {"t": 1}}, "$remove.t: the profile holds no list"),
}
HELD = {"t": "text", "b": True, "big": 1.7e308}


@pytest.mark.parametrize("name", MISFITS)
def test_misfits(mock_mixpanel: MockMixpanel, name: str) -> None:
    """An operation that does not fit what the profile holds changes nothing, and is listed."""
    operations, reason = MISFITS[name]
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set=HELD))
    both = operations | {"set": {"other": 1}}
    assert send(mock_mixpanel, "/engage", update(mock_mixpanel, **both)).content == b"1"
    assert mock_mixpanel.profiles() == {"u-1": HELD}
    assert reasons(mock_mixpanel) == [[reason]]
    assert [
        (verdict["accepted"], verdict["reasons"])
        for request in mock_mixpanel.requests()
        for verdict in request["verdicts"]
    ] == [(True, []), (False, [reason])]


@pytest.mark.parametrize("ignore", [True, 1, "true"])
def test_last_seen(mock_mixpanel: MockMixpanel, ignore: Any) -> None:
    """`$last_seen` is the virtual time of the last update that does not ignore it."""
    mock_mixpanel.freeze(NOW)
    seen = update(mock_mixpanel, ignore_time=False, set={"a": 1})
    unseen = update(mock_mixpanel, ignore_time=ignore, set={"a": 2})
    send(mock_mixpanel, "/engage", seen)
    mock_mixpanel.advance(60)
    send(mock_mixpanel, "/engage", unseen)
    assert mock_mixpanel.profiles() == {"u-1": {"a": 2, "$last_seen": "2026-06-15T12:00:00"}}
    send(mock_mixpanel, "/engage", seen)
    assert mock_mixpanel.profiles() == {"u-1": {"a": 1, "$last_seen": "2026-06-15T12:01:00"}}


def test_refused_update_is_no_sign_of_life(mock_mixpanel: MockMixpanel) -> None:
    """An update that is refused leaves `$last_seen` alone."""
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"t": "x"}))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, ignore_time=False, add={"t": 1}))
    assert mock_mixpanel.profiles() == {"u-1": {"t": "x"}}


def test_modifiers_and_strangers(mock_mixpanel: MockMixpanel) -> None:
    """Modifiers and unknown members are accepted and do not become properties."""
    more = {"ip": 0, "time": 1, "latitude": 1.5, "longitude": 2, "mp_metadata": {}, "user_id": "x"}
    record = update(mock_mixpanel, set={"a": 1}, **more) | {"id": 7}
    assert send(mock_mixpanel, "/engage?ip=0&strict=1", record).content == b"1"
    assert mock_mixpanel.profiles() == {"u-1": {"a": 1}}


def test_group_update_names_no_person(mock_mixpanel: MockMixpanel) -> None:
    """A distinct id has no place in a group update."""
    record = group_update(mock_mixpanel, distinct_id="u-1", set={"a": 1})
    assert send(mock_mixpanel, "/groups", record).content == b"0"
    assert reasons(mock_mixpanel) == [["$distinct_id: not allowed in a group update"]]


@pytest.mark.parametrize("name", ["$group_key", "$group_id"])
def test_group_update_names_a_group(mock_mixpanel: MockMixpanel, name: str) -> None:
    """Key and id of a group are needed."""
    record = group_update(mock_mixpanel, set={"a": 1}) | {name: ""}
    assert send(mock_mixpanel, "/groups", record).content == b"0"
    assert reasons(mock_mixpanel) == [[f"{name}, missing or empty"]]


@pytest.mark.parametrize(("keys", "said"), [([], []), (["company"], []), (["org"], None)])
def test_unknown_group_key(
    mock_mixpanel: MockMixpanel, keys: list[str], said: list[list[str]] | None
) -> None:
    """A group key the project does not have is stored, and noted (choice)."""
    mock_mixpanel.project(group_keys=keys)
    record = group_update(mock_mixpanel, set={"a": 1})
    assert send(mock_mixpanel, "/groups", record).content == b"1"
    assert mock_mixpanel.groups() == {"company": {"acme": {"a": 1}}}
    noted = (
        [["$group_key: 'company' is not one of the project's group_keys"]] if said is None else said
    )
    assert noted == reasons(mock_mixpanel)


@pytest.mark.parametrize(
    ("value", "gone"), [(True, "new"), ("true", "new"), (False, "old"), ("false", "old")]
)
def test_ignore_alias(mock_mixpanel: MockMixpanel, value: Any, gone: str) -> None:
    """`$ignore_alias`, also as text, deletes just the profile of the id; else the alias counts."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "old", set={"a": 1}))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "new", set={"a": 2}))
    send(mock_mixpanel, "/track", alias(mock_mixpanel, "new", "old"))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "new", ignore_alias=value, delete=""))
    assert mock_mixpanel.profiles().keys() == {"new": {"a": 2}, "old": {"a": 1}}.keys() - {gone}


def test_a_large_value(mock_mixpanel: MockMixpanel) -> None:
    """A list may grow to 256 KB of JSON; what would make it larger is refused."""
    full = ["x" * 1021] * 256  # With quotes and comma 1024 bytes each, and two brackets less one.
    full[0] = full[0][1:]
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"l": full}))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, append={"l": ""}))
    assert mock_mixpanel.profiles() == {"u-1": {"l": full}}
    assert reasons(mock_mixpanel) == [["l: would be larger than 262144 bytes"]]


def test_numeric_ids(mock_mixpanel: MockMixpanel) -> None:
    """A number is the same id as its digits."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"a": 1}) | {"$distinct_id": 7})
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "7", set={"b": 2}))
    send(mock_mixpanel, "/groups", group_update(mock_mixpanel, set={"a": 1}) | {"$group_id": 9})
    assert mock_mixpanel.profiles() == {"7": {"a": 1, "b": 2}}
    assert mock_mixpanel.groups() == {"company": {"9": {"a": 1}}}


def test_a_full_profile(mock_mixpanel: MockMixpanel) -> None:
    """A profile takes 2000 properties; the update that would add one more is refused."""
    full = {f"p{number}": number for number in range(2000)}
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set=full))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"p0": "new", "one more": 1}))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"p1": "new"}))
    assert mock_mixpanel.profiles() == {"u-1": full | {"p1": "new"}}
    assert reasons(mock_mixpanel) == [["properties: the profile would have more than 2000"]]


@pytest.mark.parametrize("operation", ["set", "set_once", "add", "union", "append"])
def test_empty_operation_makes_a_profile(mock_mixpanel: MockMixpanel, operation: str) -> None:
    """An operation without properties makes a missing profile and changes an existing one not.

    Source: https://github.com/mixpanel/mixpanel-iphone/issues/233
    """
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "new", **{operation: {}}))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "old", set={"a": 1}))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "old", **{operation: {}}))
    send(mock_mixpanel, "/groups", group_update(mock_mixpanel, **{operation: {}}))
    assert mock_mixpanel.profiles() == {"new": {}, "old": {"a": 1}}
    assert mock_mixpanel.groups() == {"company": {"acme": {}}}


@pytest.mark.parametrize("operations", [{"remove": {}}, {"unset": []}, {"delete": ""}])
def test_operation_that_makes_no_profile(
    mock_mixpanel: MockMixpanel, operations: dict[str, Any]
) -> None:
    """An operation that only takes away makes no profile."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "new", **operations))
    assert mock_mixpanel.profiles() == {}
