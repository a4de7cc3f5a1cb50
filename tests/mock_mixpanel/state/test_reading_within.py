"""Reading a part of what arrived: bounded in time, and complete in the end."""

from threading import Thread
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


class Counting(MemoryStore):
    """A store that notes how many requests are fetched at once."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[int] = []

    def page(self, generation: int | None, after: int, most: int = PAGE) -> Page:
        page = super().page(generation, after, most)
        self.fetched.append(len(page.rows))
        return page


def counting(requests: int) -> tuple[Counting, Backend, Any]:
    """A store that counts, with so many requests."""
    store = Counting()
    backend = Backend(store=store)
    client = create_app(backend=backend).test_client()
    for _ in range(requests):
        client.post("/track", json=[event("A", "ann")])
    return store, backend, client


def test_a_short_time_fetches_little() -> None:
    """A page without time fetches fewer requests the next time, and more when there is time."""
    store, backend, _ = counting(200)
    for _ in range(4):
        with backend.projections.reading_within(0):
            backend.projections.events()
    assert store.fetched == [50, 25, 12, 10]
    assert backend.projections.behind() == 196
    with backend.projections.reading_within(60):
        backend.projections.events()
    assert store.fetched[4:] == [10, 20, 40, 80, 46]


def test_catching_up_fetches_each_request_once() -> None:
    """In however many slices requests are read, each is fetched once."""
    store, backend, _ = counting(20)
    for _ in range(19):
        assert not backend.projections.catch_up(0)
    assert backend.projections.catch_up(0)
    assert store.fetched == [20]
    assert backend.projections.behind() == 0


def test_what_is_forgotten_while_catching_up_is_not_shown() -> None:
    """A page after a reset shows nothing of what was fetched before it."""
    _, backend, client = counting(20)
    assert not backend.projections.catch_up(0)
    client.post("/_mock/reset")
    client.post("/track", json=[event("New", "ann")])
    assert not backend.projections.catch_up(0)  # It reads one of the old requests.
    with backend.projections.reading_within(60):
        assert [each.event.name for each in backend.projections.events()] == ["New"]


def test_beginning_anew_while_catching_up_leaves_out_nothing() -> None:
    """When options change the state while requests are left, all are read again."""
    _, backend, client = counting(20)
    for _ in range(5):
        assert not backend.projections.catch_up(0)
    client.put("/_mock/projects/T", json={"limits": {"cluster_ids": 7}})
    while not backend.projections.catch_up(0):
        pass
    assert len(backend.projections.events()) == 20


def test_a_block_shows_one_moment() -> None:
    """In a block with limited time, what arrives meanwhile is left to the next block."""
    _, backend, client = counting(1)
    with backend.projections.reading_within(60):
        assert len(backend.projections.events()) == 1
        client.post("/track", json={"event": "B", "properties": {"token": "T"}})
        assert len(backend.projections.events()) == 1
        assert backend.projections.behind() == 1
    assert len(backend.projections.events()) == 2


def test_a_long_reading_lets_others_read(monkeypatch: Any) -> None:
    """Between two slices of it, another thread gets the lock and sees what was read so far."""
    backend, client = filled()
    seen: list[int] = []

    def page() -> None:
        with backend.projections.reading_within(0), backend.projections.locked():
            seen.append(backend.projections.behind())

    def pause(_: float) -> None:
        other = Thread(target=page)
        other.start()
        other.join(10)

    monkeypatch.setattr("mock_mixpanel.state.log_fold.SLICE_SECONDS", 0)
    monkeypatch.setattr("mock_mixpanel.state.log_fold.sleep", pause)
    assert len(client.get("/_mock/events?token=T").json) == 12
    assert seen == list(range(11, 0, -1))
