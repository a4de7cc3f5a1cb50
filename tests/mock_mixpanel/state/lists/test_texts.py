"""The texts of events are made once, and never shown when something about them changed."""

from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.log.stores.memory import MemoryStore
from tests.mock_mixpanel.streams import MODES, Mock, ids_of, records
from tests.thorough import times

STEPS = st.lists(st.tuples(st.integers(0, 3), records(ids_of(1))), max_size=25)
LIMITS = st.sampled_from([{}, {"alias_queue": 0}, {"compaction": 4}])


class Watched(MemoryStore):
    """A store that records which requests were read again."""

    read: list[int]

    def rows(self, ids: Any, *, bodies: bool = True) -> Any:
        self.read += ids
        return super().rows(ids)


class Listed:
    """Events of one request each, in blocks of two, and which requests a read of them reads."""

    def __init__(self) -> None:
        self.store = Watched()
        self.store.read = []
        self.backend = Backend(store=self.store)
        self._client = create_app(backend=self.backend).test_client()

    def send(self, number: int, **properties: Any) -> None:
        for _ in range(number):
            sent = {"token": "T", "distinct_id": "ann", **properties}
            self._client.post("/track", json={"event": "A", "properties": sent})

    def reads(self, **query: Any) -> list[int]:
        self.store.read = []
        self.events(**query)
        return self.store.read

    def events(self, **query: Any) -> Any:
        with patch("mock_mixpanel.log.index.BLOCK", 2):
            return self._client.get("/_mock/events", query_string=query).json


@pytest.mark.parametrize("identity", MODES)
@settings(max_examples=times(6, 60), deadline=None)
@given(steps=STEPS, limits=LIMITS)
def test_kept_texts_are_those_made_anew(identity: str, steps: Any, limits: dict[str, int]) -> None:
    """Whatever is merged, waits or is compacted, reading after each step ends in the same lists."""
    often, once = (Mock(identity, limits=limits) for _ in range(2))
    for seconds, record in steps:
        for mock in (often, once):
            mock.advance(seconds)
            mock.send(record)
        with patch("mock_mixpanel.log.index.BLOCK", 2):
            often.get("events"), often.get("events", raw=1)
    with patch("mock_mixpanel.log.index.BLOCK", 2):
        found = [often.get("events"), often.get("events", raw=1)]
    assert found == [once.get("events"), once.get("events", raw=1)]


def test_only_new_events_are_read_again() -> None:
    """What is full is read once, the last block each time; a part is not worth keeping."""
    listed = Listed()
    listed.send(5)
    assert listed.reads(limit=5) == [1, 2, 3, 4, 5]
    assert listed.reads() == [1, 2, 3, 4, 5]
    assert listed.reads() == [4, 5]
    listed.send(2)
    assert listed.reads() == [4, 5, 6, 7]
    assert listed.reads() == [6, 7]
    assert listed.reads(raw=1) == [6, 7]


def test_texts_are_made_anew_for_another_person() -> None:
    """A merge changes the texts of those it concerns, and only these are read again."""
    listed = Listed()
    listed.backend.change_project("T", {"identity": "simplified"})
    listed.send(3)
    listed.send(1, distinct_id=None, **{"$device_id": "d"})
    listed.send(4)
    listed.events()
    listed.send(1, distinct_id=None, **{"$device_id": "d", "$user_id": "bob"})
    assert listed.reads() == [4, 5, 8, 9]
    assert [each["distinct_id"] for each in listed.events()[2:5]] == ["ann", "bob", "ann"]


def test_another_limit_is_another_text() -> None:
    """Texts are cut as the project says now, not as when they were made."""
    listed = Listed()
    listed.send(4, long="12345678")
    listed.events()
    listed.backend.change_project("T", {"limits": {"string_characters": 5}})
    assert [each["properties"]["long"] for each in listed.events()] == ["12345"] * 4


def test_what_is_forgotten_is_gone() -> None:
    """After a reset nothing of it is listed, however often it was read before."""
    listed = Listed()
    listed.send(4)
    listed.send(2, token="U")
    listed.events()
    listed.backend.reset("T")
    assert [each["token"] for each in listed.events()] == ["U", "U"]


@pytest.mark.parametrize("bound", ["MOST", "LARGEST"])
def test_memory_is_bounded(bound: str) -> None:
    """What is too much to be kept is made again, and the list is the same."""
    listed = Listed()
    listed.send(5)
    whole = listed.events(limit=5)
    with patch(f"mock_mixpanel.state.lists.json_cache.{bound}", 100):
        assert whole == listed.events()
        assert listed.reads() == [1, 2, 3, 4, 5]
