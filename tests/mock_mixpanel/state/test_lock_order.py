"""The locks of the projections and of the store."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.log.stores.memory import MemoryStore
from mock_mixpanel.state.projections import Projections

CALLS = [
    ("PUT", "/_mock/projects/T", {"identity": "simplified"}),
    ("PUT", "/_mock/projects/T", {"identity": "original"}),
    ("POST", "/track", [{"event": "E", "properties": {"token": "T", "distinct_id": "u"}}]),
    ("GET", "/_mock/overview", None),
    ("GET", "/_mock/events?token=T", None),
    ("POST", "/_mock/clock", {"advance": 60}),
    ("POST", "/_mock/faults", {"action": "status", "status": 500}),
    ("POST", "/track", [{"event": "E", "properties": {"token": "T", "distinct_id": "u"}}]),
    ("POST", "/_mock/reset", {"token": "T"}),
    ("POST", "/_mock/reset", None),
]
"""Calls that read or change each part of the mock."""


class OrderedStore(MemoryStore):
    """A store in memory that notes when the projections are locked inside its `exclusive`."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with super().exclusive():
            self.depth += 1
            try:
                yield
            finally:
                self.depth -= 1


class OrderedLock:
    """A lock that lists the calls that take it when they already hold the store."""

    def __init__(self, store: OrderedStore) -> None:
        self._store, self._lock, self._depth = store, threading.RLock(), 0
        self.call = ""
        self.taken_late: list[str] = []

    def __enter__(self) -> None:
        if self._store.depth and not self._depth:
            self.taken_late.append(self.call)
        self._lock.acquire()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        self._lock.release()


def test_the_projections_are_locked_before_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call locks the projections while it holds the store, since readers do the reverse."""
    store = OrderedStore()
    backend = Backend(store=store)
    lock = OrderedLock(store)
    assert isinstance(backend.projections, Projections)
    monkeypatch.setattr(backend.projections, "_lock", lock)
    client = create_app(backend=backend).test_client()
    statuses = []
    for method, path, body in CALLS:
        lock.call = f"{method} {path}"
        statuses.append(client.open(path, method=method, json=body).status_code)
    assert [status for status in statuses if status >= 500] == []
    assert lock.taken_late == []
