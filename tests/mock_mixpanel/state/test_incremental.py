"""Reading again takes in only what is new, whatever is read."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.log.index import Index
from mock_mixpanel.log.row_codec import Row
from mock_mixpanel.log.stores import PAGE, Page
from mock_mixpanel.log.stores.memory import MemoryStore
from tests.thorough import times

LISTS = ["events", "events?raw=1", "profiles", "groups", "rejected", "identities"]


class Watched(MemoryStore):
    """A store that counts how many rows the projections took in."""

    taken = 0

    def page(self, generation: int | None, after: int, most: int = PAGE) -> Page:
        page = super().page(generation, after, most)
        self.taken += len(page.rows)
        return page


@pytest.mark.parametrize("name", LISTS)
def test_second_read_takes_only_what_is_new(name: str) -> None:
    """After three requests three are taken in, then one more for one more, and none for none."""
    store = Watched()
    client = create_app(backend=Backend(store=store)).test_client()
    record = {"event": "A", "properties": {"token": "T", "distinct_id": "ann"}}
    taken = []
    for new in (3, 1, 0):
        for _ in range(new):
            client.post("/track", json=record)
        before = store.taken
        assert client.get(f"/_mock/{name}").json is not None
        taken.append(store.taken - before)
    assert taken == [3, 1, 0]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the requests that the projections took in."""
    found: list[int] = []
    add = Index.add

    def noted(index: Index, row: Row) -> None:
        found.append(row.id)
        add(index, row)

    monkeypatch.setattr(Index, "add", noted)
    return found


def test_a_reset_of_one_project_reads_nothing_again(taken: list[int]) -> None:
    """The projections of a project are discarded; those of all others stay as they are."""
    client = create_app().test_client()
    for token in "TUU":
        client.post("/track", json={"event": "A", "properties": {"token": token}})
    client.put("/_mock/projects/T", json={"limits": {"cluster_ids": 7}})
    client.get("/_mock/events")
    client.post("/_mock/reset", json={"token": "T"})
    for _ in range(2):
        assert [each["token"] for each in client.get("/_mock/events").json or []] == ["U", "U"]
    assert taken == [1, 2, 3]


def test_a_request_of_several_projects_is_read_again(taken: list[int]) -> None:
    """If a request also had records of the project that was reset, the log is read again, once."""
    client = create_app().test_client()
    client.post("/track", json=[{"event": "A", "properties": {"token": each}} for each in "TU"])
    client.post("/track", json=[{"event": "A", "properties": {"token": "U"}}])
    client.get("/_mock/events")
    client.post("/_mock/reset", json={"token": "T"})
    for _ in range(2):
        assert [each["token"] for each in client.get("/_mock/events").json or []] == ["U", "U"]
    assert taken == [1, 2, 1, 2]


steps = st.one_of(
    st.tuples(st.just("track"), st.lists(st.sampled_from("TU"), min_size=1, max_size=2)),
    st.tuples(st.just("engage"), st.sampled_from("TU")),
    st.tuples(st.just("refused"), st.sampled_from("TU")),
    st.tuples(st.just("alias"), st.sampled_from("TU")),
    st.tuples(st.just("reset"), st.sampled_from("TU")),
    st.tuples(st.just("read"), st.sampled_from([0, 1])),
)


ALL_KINDS = [("track", "T"), ("track", "U"), ("refused", "T"), ("engage", "T"), ("alias", "T")]


@settings(max_examples=times(4, 30), deadline=None)
@example([*ALL_KINDS, ("read", 0), ("read", 1), ("reset", "T"), ("track", "U")])
@given(st.lists(steps, min_size=5, max_size=15))
def test_after_resets_all_workers_show_what_the_log_has(done: list[tuple[str, Any]]) -> None:
    """After any requests, reads and resets, two workers and a new one show the same."""
    store = MemoryStore()
    backends = [Backend(store=store) for _ in range(2)]
    workers = [create_app(backend=each).test_client() for each in backends]
    for number, (kind, value) in enumerate(done):
        who = f"person-{number % 3}"
        worker = workers[number % 2]
        if kind == "track":
            worker.post("/track", json=[event("A", token, who) for token in value])
        elif kind == "engage":
            update = {"$token": value, "$distinct_id": who, "$set": {"n": number}}
            worker.post("/engage", json=[update])
        elif kind == "refused":
            worker.post("/track", json=[event("", value, who)])
        elif kind == "alias":
            worker.post("/track", json=[event("$create_alias", value, who, alias=f"a-{number}")])
        elif kind == "reset":
            worker.post("/_mock/reset", json={"token": value})
        else:
            shown(backends[value])
    expected = shown(Backend(store=store))
    assert [shown(each) for each in backends] == [expected, expected]


def event(name: str, token: str, who: str, **more: str) -> dict[str, Any]:
    return {"event": name, "properties": {"token": token, "distinct_id": who, **more}}


def shown(backend: Backend) -> list[Any]:
    """All lists and requests, as the control API shows them, and all counts."""
    client = create_app(backend=backend).test_client()
    found: list[Any] = [client.get(f"/_mock/{name}").json for name in (*LISTS, "requests")]
    read = backend.projections
    for token in ("T", "U"):
        found += [read.count_records(token), read.count_requests(token), read.refused(token)]
        found += [read.reasons(token), read.totals(token), read.noted(token)]
    return found
