"""Projections are functions of the log."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_mixpanel.app import create_app
from mock_mixpanel.config import Project
from mock_mixpanel.world import World

IDS = st.sampled_from(["a", "b", "c", "$device:d"])
VALUES = st.one_of(st.integers(-3, 3), st.sampled_from(["x", "y", True, None, 0.5]))
NAMES = st.sampled_from(["n", "l", "s"])
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=2)
LISTS = st.dictionaries(NAMES, st.lists(VALUES, max_size=3), max_size=2)

OPERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "$set": st.one_of(OBJECTS, LISTS, VALUES),
        "$set_once": OBJECTS,
        "$add": OBJECTS,
        "$union": st.one_of(LISTS, OBJECTS),
        "$append": OBJECTS,
        "$remove": OBJECTS,
        "$unset": st.lists(NAMES, max_size=2),
        "$delete": st.none(),
        "$ignore_time": st.booleans(),
        "$ignore_alias": st.booleans(),
    },
)


def event(name: str, properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "/track", {"event": name, "properties": {"token": "T", **properties}}


EVENTS = st.builds(
    lambda who, time, insert_id, more: event(
        "E", {"distinct_id": who, "time": time, "$insert_id": insert_id, **more}
    ),
    IDS,
    st.sampled_from([None, 999_000, 999_999, 5, "bad"]),
    st.sampled_from([None, "i", "j"]),
    st.fixed_dictionaries({}, optional={"$user_id": IDS, "$device_id": st.just("d")}),
)
ALIASES = st.builds(
    lambda new, old: event("$create_alias", {"alias": new, "distinct_id": old}), IDS, IDS
)
PROFILES = st.builds(
    lambda who, operations: ("/engage", {"$token": "T", "$distinct_id": who, **operations}),
    IDS,
    OPERATIONS,
)
GROUPS = st.builds(
    lambda who, operations: (
        "/groups",
        {"$token": "T", "$group_key": "company", "$group_id": who, **operations},
    ),
    IDS,
    OPERATIONS,
)
STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.one_of(EVENTS, ALIASES, PROFILES, GROUPS)), max_size=25
)


def state(client: Any) -> dict[str, Any]:
    lists = ["events", "events?raw=1", "profiles", "groups", "rejected", "identities", "requests"]
    return {name: client.get(f"/_mock/{name}").json for name in lists}


def replay(identity: str, steps: Any, *, read_each: bool) -> list[dict[str, Any]]:
    """The states after each step, or only the last one."""
    world = World()
    world.change_project("T", {"alias_delay": 2, "identity": identity})
    world.clock.change(now=1_000_000, freeze=True)
    client = create_app(world=world).test_client()
    states = []
    for advance, (path, record) in steps:
        world.clock.change(advance=advance)
        client.post(path, json=record)
        if read_each:
            states.append(state(client))
    return [*states, state(client)]


@pytest.mark.parametrize("identity", ["legacy", "simplified"])
@settings(max_examples=30, deadline=None)
@given(steps=STEPS)
def test_step_by_step_is_at_once(identity: str, steps: Any) -> None:
    """What is computed record by record is what is computed from the whole log at once."""
    step_by_step = replay(identity, steps, read_each=True)
    assert replay(identity, steps, read_each=False)[-1] == step_by_step[-1]


@settings(max_examples=30, deadline=None)
@given(steps=STEPS)
def test_every_record_has_a_verdict(steps: Any) -> None:
    """Nothing is lost: each record is stored or has a reason, and the lists agree."""
    (last,) = replay("legacy", steps, read_each=False)
    verdicts = [verdict for request in last["requests"] for verdict in request["verdicts"]]
    assert len(steps) == len(verdicts)
    assert [] == [each for each in verdicts if not each["accepted"] and not each["reasons"]]
    with_reasons = [each["reasons"] for each in verdicts if each["reasons"]]
    assert with_reasons == [item["reasons"] for item in last["rejected"]]


@settings(max_examples=30, deadline=None)
@given(steps=STEPS)
def test_legacy_is_not_retroactive(steps: Any) -> None:
    """Under legacy an event never changes its person afterwards."""
    states = replay("legacy", steps, read_each=True)
    people = [{e["id"]: e["distinct_id"] for e in each["events?raw=1"]} for each in states]
    for earlier, later in pairwise(people):
        assert earlier == {key: later[key] for key in earlier}


def test_forgetting_one_project_keeps_the_state_of_others() -> None:
    """A reset in the middle is the same as never having had that project's records."""
    world = World()
    client = create_app(world=world).test_client()
    world.projects.put(Project("T", alias_delay=2))
    for token in ("T", "U", "T", "U"):
        record = {"$token": token, "$distinct_id": "a", "$ignore_time": True, "$add": {"n": 1}}
        client.post("/engage", json=record)
        client.get("/_mock/profiles")
    world.reset("U")
    profiles = client.get("/_mock/profiles").json or []
    assert [("T", {"n": 2})] == [(each["token"], each["properties"]) for each in profiles]
