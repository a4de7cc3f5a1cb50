"""Reading a part of what arrived: bounded in time, and complete in the end."""

from typing import Any

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
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
