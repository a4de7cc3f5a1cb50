"""A deletion in the log takes what arrived before it is due out of the projections."""

from typing import Any

import pytest

from mock_mixpanel.backend import World
from mock_mixpanel.log.records import Draft, Exchange, Verdict
from mock_mixpanel.state.deletions import ENDPOINT

TASK = {"tracking_id": "t-1", "distinct_ids": ["ann"]}
EXCHANGE = Exchange(0, "us", "POST", "/", {}, {}, 200, "")


@pytest.fixture
def world() -> World:
    world = World()
    world.clock.change(now=1000, freeze=True)
    return world


def add(world: World, endpoint: str, record: Any, delay: float = 0) -> None:
    now = world.clock.now()
    verdict = Verdict(endpoint, "T", "us", now, now + delay, accepted=True)
    world.log.append(EXCHANGE, [Draft(record, verdict)])


def act(world: World, who: str) -> None:
    """An event and a profile update by a person."""
    properties = {"token": "T", "distinct_id": who}
    add(world, "/track", {"event": "E", "properties": properties})
    add(world, "/engage", {"$token": "T", "$distinct_id": who, "$add": {"visits": 1}})


def people(world: World) -> tuple[list[str], dict[str, int]]:
    """Who has events, and the visits of each profile."""
    events = [item.value["distinct_id"] for item in world.projections.items("events", "T")]
    profiles = [item.value for item in world.projections.items("profiles", "T")]
    return events, {each["distinct_id"]: each["properties"]["visits"] for each in profiles}


def test_due(world: World) -> None:
    """Nothing is gone before the task is due; then events and profile are, and nobody else's."""
    act(world, "ann")
    act(world, "bob")
    add(world, ENDPOINT, TASK, delay=60)
    world.clock.change(advance=59)
    assert people(world) == (["ann", "bob"], {"ann": 1, "bob": 1})
    world.clock.change(advance=1)
    assert people(world) == (["bob"], {"bob": 1})


@pytest.mark.parametrize("read", [True, False])
def test_afterwards(world: World, read: bool) -> None:
    """Who comes back after the deletion begins anew, whether or not somebody looked between."""
    act(world, "ann")
    add(world, ENDPOINT, TASK, delay=60)
    act(world, "ann")
    world.clock.change(advance=60)
    if read:
        assert people(world) == ([], {})
    act(world, "ann")
    assert people(world) == (["ann"], {"ann": 1})


def test_canceled(world: World) -> None:
    """A canceled task deletes nothing."""
    act(world, "ann")
    add(world, ENDPOINT, TASK, delay=60)
    add(world, ENDPOINT, {"tracking_id": "t-1", "cancel": True})
    world.clock.change(advance=100)
    assert people(world) == (["ann"], {"ann": 1})
