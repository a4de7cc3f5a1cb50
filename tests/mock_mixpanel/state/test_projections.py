"""Projections are functions of the log and of the virtual clock."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.projects.config import Project
from tests.mock_mixpanel.streams import MODES, Mock, ids_of, records
from tests.thorough import times

IDS = ids_of(1)
STEPS = st.lists(st.tuples(st.integers(0, 3), records(IDS)), max_size=25)
"""Seconds that pass, and the record that is sent then."""
QUEUES = st.sampled_from([None, 0, 1])


def replay(mock: Mock, steps: Any, *, read_each: bool) -> list[dict[str, Any]]:
    """The states after each step and at the end, or only the last one."""
    states = []
    for seconds, record in steps:
        mock.advance(seconds)
        mock.send(record)
        if read_each:
            states.append(mock.state())
    return [*states, mock.state()]


@pytest.mark.parametrize("identity", MODES)
@settings(max_examples=times(5, 40), deadline=None)
@given(steps=STEPS, queue=QUEUES)
def test_step_by_step_is_at_once(identity: str, steps: Any, queue: int | None) -> None:
    """What is computed record by record is what is computed from the whole log at once."""
    step_by_step, at_once = (Mock(identity, limits={"alias_queue": queue}) for _ in range(2))
    every = replay(step_by_step, steps, read_each=True)
    assert replay(at_once, steps, read_each=False)[-1] == every[-1]
    for mock in (step_by_step, at_once):
        mock.advance(60)
    assert at_once.state() == step_by_step.state()


@pytest.mark.parametrize("identity", MODES)
@settings(max_examples=times(5, 40), deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 6), st.booleans(), records(IDS)), max_size=20),
    queue=QUEUES,
)
def test_the_clock_may_go_back(identity: str, steps: Any, queue: int | None) -> None:
    """The state depends only on the log and the time, not on earlier times and reads."""
    watched, unwatched = (Mock(identity, limits={"alias_queue": queue}) for _ in range(2))
    for moment, looks, record in steps:
        for mock in (watched, unwatched):
            mock.at(moment)
            mock.send(record)
        watched.at(moment + 3 * looks)
        watched.state()
        watched.at(moment)
    assert unwatched.state() == watched.state()


@settings(max_examples=times(6, 50), deadline=None)
@given(steps=STEPS)
def test_every_record_has_a_verdict(steps: Any) -> None:
    """Nothing is lost: each record is stored or has a reason, and the lists agree."""
    (last,) = replay(Mock("legacy"), steps, read_each=False)
    verdicts = [verdict for request in last["requests"] for verdict in request["verdicts"]]
    assert len(steps) == len(verdicts)
    assert [each for each in verdicts if not each["accepted"] and not each["reasons"]] == []
    with_reasons = [each["reasons"] for each in verdicts if each["reasons"]]
    assert with_reasons == [item["reasons"] for item in last["rejected"]]


@settings(max_examples=times(6, 50), deadline=None)
@given(steps=STEPS)
def test_legacy_is_not_retroactive(steps: Any) -> None:
    """Under legacy an event never changes its person afterwards."""
    states = replay(Mock("legacy"), steps, read_each=True)
    people = [{e["id"]: e["distinct_id"] for e in each["events?raw=1"]} for each in states]
    for earlier, later in pairwise(people):
        assert earlier == {key: later[key] for key in earlier}


@settings(max_examples=times(6, 50), deadline=None)
@given(steps=STEPS)
def test_merges_are_never_undone(steps: Any) -> None:
    """Under original two ids that are one person stay one person."""
    states = replay(Mock("original"), steps, read_each=True)
    clusters = [[set(each["ids"]) for each in s["identities"]["clusters"]] for s in states]
    for earlier, later in pairwise(clusters):
        assert [ids for ids in earlier if not any(ids <= other for other in later)] == []


@pytest.mark.parametrize("identity", MODES)
@settings(max_examples=times(6, 50), deadline=None)
@given(steps=STEPS)
def test_a_queue_loses_nothing(identity: str, steps: Any) -> None:
    """Records that wait for the alias queue are stored once it has moved, and in order."""
    mock = Mock(identity, limits={"alias_queue": 0})
    (before,) = replay(mock, steps, read_each=False)
    waiting = {each["id"] for each in before["identities"]["queued"]}
    assert waiting.isdisjoint(each["id"] for each in before["events?raw=1"])
    mock.advance(60)
    after = mock.state()
    assert after["identities"]["queued"] + after["identities"]["pending_aliases"] == []
    numbers = [each["id"] for each in after["events?raw=1"]]
    assert sorted(set(numbers)) == numbers
    accepted = [
        bool(request["path"] == "/import" and verdict["accepted"])
        for request in after["requests"]
        for verdict in request["verdicts"]
    ]
    assert accepted.count(True) == len(numbers)


def test_forgetting_one_project_keeps_the_state_of_others() -> None:
    """A reset in the middle is the same as never having had that project's records."""
    backend = Backend()
    client = create_app(backend=backend).test_client()
    backend.projects.put(Project("T", alias_delay=2))
    for token in ("T", "U", "T", "U"):
        record = {"$token": token, "$distinct_id": "a", "$ignore_time": True, "$add": {"n": 1}}
        client.post("/engage", json=record)
        client.get("/_mock/profiles")
    backend.reset("U")
    profiles = client.get("/_mock/profiles").json or []
    assert [(each["token"], each["properties"]) for each in profiles] == [("T", {"n": 2})]
