"""In a process of the mock alone, objects made of the log take part in one collection only."""

import gc

import pytest

from mock_mixpanel import garbage_collection
from mock_mixpanel.app import create_app


@pytest.mark.parametrize(("own", "looks"), [(True, ["collect", "freeze"]), (False, [])])
def test_records_are_looked_at_once(
    monkeypatch: pytest.MonkeyPatch, own: bool, looks: list[str]
) -> None:
    """After many records the objects that live then are left alone; in tests of others never."""
    monkeypatch.setattr(garbage_collection, "_own_process", own)
    monkeypatch.setattr(garbage_collection, "COLLECTED_EVERY", 30)
    made: list[str] = []
    for name in ("collect", "freeze"):
        monkeypatch.setattr(gc, name, lambda name=name: made.append(name))
    client = create_app().test_client()
    event = {"event": "A", "properties": {"token": "T", "distinct_id": "ann"}}
    for _ in range(2):
        assert client.post("/track", json=[event] * 20).data == b"1"
        assert client.get("/_mock/events").status_code == 200
    assert made == looks
