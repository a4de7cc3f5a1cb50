"""States that are no longer used are freed in pieces, so that no call waits for all of it."""

from collections import Counter

import pytest

from mock_mixpanel import garbage_collection
from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.garbage_collection import DiscardedTables
from mock_mixpanel.log.stores import open_store


def test_tables_are_freed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call removes a bounded number of members, until nothing is left."""
    monkeypatch.setattr(garbage_collection, "FREED_AT_ONCE", 4)
    tables = DiscardedTables()
    numbers, names = [1, 2, 3, 4, 5], {"a": 1, "b": 2}
    tables.add([names, numbers])
    sizes = []
    while tables:
        tables.free_some()
        sizes.append(len(numbers) + len(names))
    assert sizes == [3, 0]


@pytest.mark.parametrize(
    ("path", "body", "kept"),
    [
        ("reset", {"token": "T"}, {"other": 1}),
        ("reset", {}, {}),
        ("clock", {"now": "2026-06-15T11:00:00Z"}, {"T": 61, "other": 1}),
    ],
)
def test_what_discards_a_state(
    monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, str], kept: dict[str, int]
) -> None:
    """A reset, or a clock that goes back before an alias took effect; lists are right at once."""
    monkeypatch.setattr(garbage_collection, "FREED_AT_ONCE", 10)
    backend = Backend(store=open_store("memory:"))
    client = create_app(backend=backend).test_client()
    client.post("/_mock/clock", json={"now": "2026-06-15T12:00:00Z", "freeze": True})
    client.put("/_mock/projects/T", json={"alias_delay": 1})
    event = {"event": "A", "properties": {"token": "T", "distinct_id": "ann"}}
    alias = {"token": "T", "distinct_id": "ann", "alias": "a"}
    client.post("/track", json=[event] * 60)
    client.post("/track", json=[{"event": "$create_alias", "properties": alias}])
    client.post("/track", json=[{"event": "A", "properties": {"token": "other"}}])
    client.post("/_mock/clock", json={"advance": 9})
    assert backend.projections.catch_up(1)
    assert client.post(f"/_mock/{path}", json=body).status_code == 200
    assert Counter(each["token"] for each in client.get("/_mock/events").json or []) == kept
    steps = 1
    while not backend.projections.catch_up(1):
        steps += 1
    assert steps > 5
