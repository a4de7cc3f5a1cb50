"""A deletion in the log takes what arrived before it is due out of the projections."""

from typing import Any

import pytest

from mock_mixpanel.backend import Backend
from mock_mixpanel.log.records import Draft, Exchange, RecordVerdict
from mock_mixpanel.state.deletions import ENDPOINT

TASK = {"tracking_id": "t-1", "distinct_ids": ["ann"]}
EXCHANGE = Exchange(0, "us", "POST", "/", {}, {}, 200, "")


@pytest.fixture
def backend() -> Backend:
    backend = Backend()
    backend.clock.change(now=1000, freeze=True)
    return backend


def add(backend: Backend, endpoint: str, record: Any, delay: float = 0) -> None:
    now = backend.clock.now()
    verdict = RecordVerdict(endpoint, "T", "us", now, now + delay, accepted=True)
    backend.log.append(EXCHANGE, [Draft(record, verdict)])


def act(backend: Backend, who: str) -> None:
    """An event and a profile update by a person."""
    properties = {"token": "T", "distinct_id": who}
    add(backend, "/track", {"event": "E", "properties": properties})
    add(backend, "/engage", {"$token": "T", "$distinct_id": who, "$add": {"visits": 1}})


def people(backend: Backend) -> tuple[list[str], dict[str, int]]:
    """Who has events, and the visits of each profile."""
    events = [item.value["distinct_id"] for item in backend.projections.items("events", "T")]
    profiles = [item.value for item in backend.projections.items("profiles", "T")]
    return events, {each["distinct_id"]: each["properties"]["visits"] for each in profiles}


def test_due(backend: Backend) -> None:
    """Nothing is gone before the task is due; then only this person's events and profile are."""
    act(backend, "ann")
    act(backend, "bob")
    add(backend, ENDPOINT, TASK, delay=60)
    backend.clock.change(advance=59)
    assert people(backend) == (["ann", "bob"], {"ann": 1, "bob": 1})
    backend.clock.change(advance=1)
    assert people(backend) == (["bob"], {"bob": 1})


@pytest.mark.parametrize("read", [True, False])
def test_afterwards(backend: Backend, read: bool) -> None:
    """A person who returns after the deletion begins anew, whether or not data was read between."""
    act(backend, "ann")
    add(backend, ENDPOINT, TASK, delay=60)
    act(backend, "ann")
    backend.clock.change(advance=60)
    if read:
        assert people(backend) == ([], {})
    act(backend, "ann")
    assert people(backend) == (["ann"], {"ann": 1})


def test_canceled(backend: Backend) -> None:
    """A canceled task deletes nothing."""
    act(backend, "ann")
    add(backend, ENDPOINT, TASK, delay=60)
    add(backend, ENDPOINT, {"tracking_id": "t-1", "cancel": True})
    backend.clock.change(advance=100)
    assert people(backend) == (["ann"], {"ann": 1})
