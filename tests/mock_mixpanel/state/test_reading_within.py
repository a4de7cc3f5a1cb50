"""Reading a part of what arrived: bounded in time, and complete in the end."""

from typing import Any

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.log.stores import PAGE, Page
from mock_mixpanel.log.stores.memory import MemoryStore
from tests.mock_mixpanel.wire import NOW


def filled() -> tuple[Backend, Any]:
    """A backend with twelve requests that nothing has read: a person who is split by an alias."""
    backend = Backend()
    client = create_app(backend=backend).test_client()
    client.post("/_mock/clock", json={"now": NOW, "freeze": True})
    for number in range(5):
        client.post("/track", json=[event(f"Before {number}", "anon")])
    alias = {"token": "T", "distinct_id": "anon", "alias": "ann"}
    client.post("/track", json=[{"event": "$create_alias", "properties": alias}])
    client.post("/track", json=[event("Too early", "ann")])
    client.post("/_mock/clock", json={"advance": 60})
    for number in range(5):
        client.post("/track", json=[event(f"After {number}", "ann")])
    return backend, client


def event(name: str, who: str) -> dict[str, Any]:
    return {"event": name, "properties": {"token": "T", "distinct_id": who}}


def test_each_reading_goes_on() -> None:
    """Each reading applies at least one request, and the last one ends as reading all at once."""
    backend, _ = filled()
    steps = []
    while not backend.projections.catch_up(0):
        steps.append(backend.projections.behind())
    assert steps == list(range(11, 0, -1))
    at_once, _ = filled()
    assert at_once.projections.behind() == 12
    assert backend.projections.items("events") == at_once.projections.items("events")
    assert backend.projections.identities() == at_once.projections.identities()


def test_other_readers_see_all() -> None:
    """A bound holds in its block only: the control API always answers from all that arrived."""
    backend, client = filled()
    with backend.projections.reading_within(0):
        assert backend.projections.count_records("T") == 1
    assert len(client.get("/_mock/events?token=T").json) == 12
    assert backend.projections.behind() == 0


def test_page_says_what_is_missing(monkeypatch: Any) -> None:
    """A page that did not read all says how many requests it misses."""
    monkeypatch.setattr("mock_mixpanel.inspector.site.READING_SECONDS", 0)
    backend, client = filled()
    html = client.get("/_mock/ui/requests").get_data(as_text=True)
    left = backend.projections.behind()
    assert 0 < left < 12
    assert f"Still reading: {left} newer requests are not on this page yet." in html


def test_a_short_time_fetches_little() -> None:
    """A reader without time fetches fewer and fewer requests, and never those that it left again.

    All of them are fetched once if there is time.
    """
    fetched: list[int] = []

    class Counting(MemoryStore):
        def page(self, generation: int | None, after: int, most: int = PAGE) -> Page:
            page = super().page(generation, after, most)
            fetched.append(len(page.rows))
            return page

    backend = Backend(store=Counting())
    client = create_app(backend=backend).test_client()
    for _ in range(200):
        client.post("/track", json={"event": "A", "properties": {"token": "T"}})
    for _ in range(5):
        assert not backend.projections.catch_up(0)
    assert fetched == [50, 25, 12, 10, 10]
    assert backend.projections.behind() == 195
    while not backend.projections.catch_up(60):
        pass
    assert fetched[5:] == [10, 20, 40, 80, 45]


def test_a_block_shows_one_moment() -> None:
    """In a block with limited time, what arrives meanwhile is left to the next block."""
    backend = Backend()
    client = create_app(backend=backend).test_client()
    client.post("/track", json={"event": "A", "properties": {"token": "T"}})
    with backend.projections.reading_within(60):
        assert len(backend.projections.events()) == 1
        client.post("/track", json={"event": "B", "properties": {"token": "T"}})
        assert len(backend.projections.events()) == 1
        assert backend.projections.behind() == 1
    assert len(backend.projections.events()) == 2
