"""Lists of the latest read only what they show."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.log.row_codec import Row
from mock_mixpanel.log.stores.memory import MemoryStore
from mock_mixpanel.state.profiles import change_order
from mock_mixpanel.state.profiles.change_order import ChangeOrder
from mock_mixpanel.state.project_state import ProjectState
from tests.mock_mixpanel.wire import NOW

CHANGES = st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=40)


@given(CHANGES, st.randoms(use_true_random=False), st.integers(0, 45))
def test_order_is_that_of_the_last_changes(changes: Any, random: Any, before: int) -> None:
    """Whatever the order of changes and removals, keys come by their last change, each once."""
    slack, change_order.SLACK = change_order.SLACK, 2
    order, expected = ChangeOrder[str](), dict[str, int]()
    numbers = random.sample(range(1, 100), len(changes))
    for (key, stays), number in zip(changes, numbers, strict=True):
        order.move(key, expected.get(key, 0), number if stays else 0)
        expected.pop(key, None)
        if stays:
            expected[key] = number
    latest = sorted(((number, key) for key, number in expected.items()), reverse=True)
    assert list(order.backwards()) == latest
    assert list(order.backwards(before)) == [each for each in latest if each[0] < before]
    assert len(order) == len(expected)
    change_order.SLACK = slack


class _Noting(MemoryStore):
    """A store that notes which requests are read by their ids."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[int] = []

    def rows(self, ids: Any, *, bodies: bool = True) -> Any:
        self.read += ids
        found: list[Row] = list(super().rows(ids, bodies=bodies))
        return found


@pytest.fixture
def store() -> _Noting:
    """A mock with 300 people: each has a profile, an alias and an event, one request each."""
    store = _Noting()
    client = create_app(backend=Backend(store=store)).test_client()
    client.post("/_mock/clock", json={"now": NOW, "freeze": True})
    client.put("/_mock/projects/T", json={"alias_delay": 0})
    for number in range(300):
        own = {"token": "T", "distinct_id": f"user-{number}"}
        client.post("/engage", json={"$token": "T", "$distinct_id": own["distinct_id"], "$set": {}})
        client.post("/track", json={"event": "E", "properties": own})
        alias = own | {"alias": f"alias-{number}"}
        client.post("/track", json={"event": "$create_alias", "properties": alias})
    return store


def test_page_of_people_builds_what_it_shows(
    store: _Noting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of 50 of 300 profiles builds no more than the hundred that are read at once."""
    built: list[str] = []
    item = ProjectState._item

    def noted(state: ProjectState, profile: Any, **more: Any) -> Any:
        built.append(more["distinct_id"])
        return item(state, profile, **more)

    monkeypatch.setattr(ProjectState, "_item", noted)
    client = create_app(backend=Backend(store=store)).test_client()
    found: Any = client.get("/_mock/profiles?page=1&limit=50").json
    assert [each["distinct_id"] for each in found["items"][:2]] == ["user-299", "user-298"]
    assert (found["total"], len(built)) == (300, 100)


@pytest.mark.parametrize(
    "path", ["ui/person?id=alias-7", "person?id=user-7", "identities?id=user-7"]
)
def test_person_reads_own_requests_only(store: _Noting, path: str) -> None:
    """What is shown of one person of 300 is read from this person's three requests."""
    client = create_app(backend=Backend(store=store)).test_client()
    answer = client.get(f"/_mock/{path}&token=T")
    assert (answer.status_code, b"alias-7" in answer.data) == (200, True)
    assert set(store.read) <= {22, 23, 24}
