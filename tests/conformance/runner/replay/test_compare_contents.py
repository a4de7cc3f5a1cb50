"""Contents of two projects: what is the same, and what differs."""

from typing import Any

import pytest

from conformance.runner.replay.compare_contents import compare_contents, same_value
from conformance.runner.replay.contents import Contents


def event(name: str = "Opened", person: str = "ann", time: float = 100, **more: Any) -> Any:
    return {"event": name, "person": person, "time": time, "region": "us", "properties": more}


def contents(*events: Any, people: Any = (), profiles: Any = None, groups: Any = None) -> Contents:
    joined = {each: frozenset(ids) for ids in people for each in ids}
    canonical = {each: ids[0] for ids in people for each in ids}
    return Contents(tuple(events), joined, canonical, profiles or {}, groups or {})


def found(
    expected: Contents, actual: Contents, scenario: str = "track/x", **more: Any
) -> list[Any]:
    differences = compare_contents(scenario, expected, actual, **more)
    return [(each.path, each.kind.value) for each in differences]


def test_the_envelope_and_more_properties_are_no_difference() -> None:
    """Another library, another insert id, a copy of the user id and further properties."""
    expected = contents(event(plan="pro", mp_lib="a"))
    expected.events[0]["properties"]["$insert_id"] = "1"
    actual = contents(event(time=100.4, plan="pro", mp_lib="b", more=1))
    assert found(expected, actual) == []


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (event(plan="basic"), [("events[0].properties.plan", "changed")]),
        (event(), [("events[0].properties.plan", "missing")]),
        (event(plan="pro", person="bob"), [("events[0].person", "changed")]),
        (event(plan="pro", time=3700), [("events[0].time", "changed")]),
        (event(plan="pro", time=102), [("events[0].time", "changed")]),
        (event(plan="pro", time=101), []),
        (event("Closed", plan="pro"), [("events[0]", "missing"), ("events[]", "unexpected")]),
    ],
)
def test_events(actual: Any, expected: list[Any]) -> None:
    """A property, the person, the moment and the name are compared."""
    assert found(contents(event(plan="pro")), contents(actual)) == expected


def test_an_event_of_nobody() -> None:
    """An event without any id has no person, whatever id the mock stores it under."""
    expected, actual = contents(event(person="")), contents(event(person="made-up"))
    assert found(expected, actual) == []
    named = contents(event(person="made-up", distinct_id="made-up"))
    assert found(expected, named) == [("events[0].person", "changed")]


def test_ids_that_may_be_joined() -> None:
    """Ids that may belong to one person are no difference if they do."""
    expected = contents(event(person="ann"), event(person="bob"))
    actual = contents(event(person="ann"), event(person="bob"), people=[["ann", "bob"]])
    assert found(expected, actual) == [("people.joined", "unexpected")]
    differences = compare_contents(
        "track/any", expected, actual, may_join={frozenset(["ann", "bob"])}
    )
    assert differences == []


def test_an_address_is_text() -> None:
    """The address 0 as a number and as text is the same."""
    for scenario_id in ("ip/zero", "track/any"):
        expected, actual = contents(event(ip=0)), contents(event(ip="0"))
        assert compare_contents(scenario_id, expected, actual) == []
    different = contents(event(ip="203.0.113.9"))
    assert [
        each.path for each in compare_contents("ip/zero", contents(event(ip=0)), different)
    ] == ["events[0].properties.ip"]


def test_events_are_paired_with_the_most_alike() -> None:
    """The order in which they came is not part of an outcome; one too many is."""
    one, other = event(n=1), event(n=2)
    assert found(contents(one, other), contents(other, one)) == []
    assert found(contents(one), contents(one, event(n=1))) == [("events[]", "unexpected")]


def test_identity_events_count_by_what_they_join() -> None:
    """$identify in place of $create_alias is the same if the same ids are one person."""
    alias, identify = event("$create_alias"), event("$identify")
    pair = [("ann", "anon-1")]
    assert found(contents(alias, people=pair), contents(identify, people=pair)) == []
    expected = contents(event(person="anon-1"), people=pair)
    apart = contents(event(person="anon-1"))
    assert ("people.joined", "missing") in found(expected, apart)
    turned = contents(event(person="anon-1"), people=[("anon-1", "ann")])
    assert ("people.canonical", "changed") in found(expected, turned)


def test_profiles_and_groups() -> None:
    """Counters, charges and lists are compared; lists in any order."""
    expected = contents(profiles={"ann": {"seats": 2, "tags": ["a", "b"], "$last_seen": "x"}})
    same = contents(profiles={"ann": {"seats": 2.0, "tags": ["b", "a"], "more": 1}})
    assert found(expected, same) == []
    doubled = contents(profiles={"ann": {"seats": 4, "tags": ["a"]}})
    assert found(expected, doubled) == [
        ("profiles.ann.seats", "changed"),
        ("profiles.ann.tags", "changed"),
    ]
    assert found(expected, contents()) == [("profiles.ann", "missing")]
    group = contents(groups={("company", "c"): {"plan": "pro"}})
    assert found(group, contents()) == [("groups.company.c", "missing")]
    assert found(contents(), group) == [("groups.company.c", "unexpected")]


def test_a_scenario_can_forbid_properties() -> None:
    """A property that must not be there is a difference wherever it stands."""
    expected = contents(event(), profiles={"ann": {"a": 1}})
    actual = contents(event(secret=1), profiles={"ann": {"a": 1, "secret": 1}})
    forbidden = {"events": ["secret"], "profiles": ["secret"]}
    assert found(expected, actual, forbidden=forbidden) == [
        ("events[0].properties.secret", "unexpected"),
        ("profiles.ann.secret", "unexpected"),
    ]


def test_a_field_of_the_envelope_is_compared_where_it_is_the_subject() -> None:
    """Scenarios about the library judge the library's name."""
    expected, actual = contents(event(mp_lib="a")), contents(event(mp_lib="b"))
    place = ("events[0].properties.mp_lib", "changed")
    assert found(expected, actual, "contextual_properties/library") == [place]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        ("1", 1, False),
        ("2026-06-15T12:00:00Z", "2026-06-15T14:00:00.250+02:00", True),
        ("2026-06-15T12:00:00", "2026-06-15T12:00:01", False),
        ('{"a":[1]}', {"a": [1]}, True),
        ('{"a":[1]}', {"a": [2]}, False),
        ("{", {"a": 1}, False),
        ([1, 2], [2, 1], False),
    ],
)
def test_values_that_say_the_same(one: Any, other: Any, same: bool) -> None:
    """Numbers, moments, and objects beside their JSON text."""
    assert same_value(one, other) is same
