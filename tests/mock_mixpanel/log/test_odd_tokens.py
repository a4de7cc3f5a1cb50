"""Tokens that no database takes are answered in every store as in memory; settings stay small."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import pytest

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.log.stores import open_store
from mock_mixpanel.log.stores.memory import MemoryStore
from mock_mixpanel.projects.config import Project
from tests.mock_mixpanel import postgresql

BODIES = {
    "a lone surrogate": rb'[{"event":"A","properties":{"token":"T\ud800","distinct_id":"a"}}]',
    "NUL": rb'[{"event":"A","properties":{"token":"T\u0000","distinct_id":"a"}}]',
    "invalid UTF-8": b'[{"event":"A","properties":{"token":"T\xff","distinct_id":"a"}}]',
    "a control character": rb'[{"event":"A","properties":{"token":"\u001bT","distinct_id":"a"}}]',
    "an emoji": '[{"event":"A","properties":{"token":"🌳","distinct_id":"a"}}]'.encode(),
}
UPDATE = rb'[{"$token":"T\ud800\u0000","$distinct_id":"a\ud800","$set":{"a\u0000":"\ud800"}}]'


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with TemporaryDirectory() as folder, postgresql.running(Path(folder)) as running:
        yield running


def answers(url: str) -> list[Any]:
    """What a mock on a store answers to odd tokens, and what it then shows."""
    with closing(open_store(url)) as store:
        client = create_app(backend=Backend(store=store)).test_client()
        client.post("/_mock/clock", json={"now": "2026-06-15T12:00:00Z", "freeze": True})
        sent = []
        for body in BODIES.values():
            for path in ("/track?verbose=1", "/import?strict=1"):
                sent.append(client.post(path, data=body, content_type="application/json"))
        sent.append(client.post("/engage", data=UPDATE, content_type="application/json"))
        token = quote(b"T\xed\xa0\x80\x00")
        sent.append(client.put(f"/_mock/projects/{token}", json={"alias_delay": 1}))
        for name in ("requests", "events", "rejected", "profiles", "identities"):
            sent.append(client.get(f"/_mock/{name}"))
        sent.append(client.get(f"/_mock/events?token={token}"))
        sent.append(client.post("/_mock/reset", json={"token": "T\0"}))
        sent.append(client.get("/_mock/events"))
        return [(answer.status_code, answer.data) for answer in sent]


@pytest.mark.parametrize("kind", ["folder:{}/store", "sqlite:///{}/store.db", "postgresql"])
def test_odd_tokens(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    """Every store answers as the one in memory, and none fails."""
    on_server = kind == "postgresql"
    url = request.getfixturevalue("server") if on_server else kind.format(tmp_path)
    expected = answers("memory:")
    assert [status for status, _ in expected if status >= 500] == []
    assert answers(url) == expected


class CountingStore(MemoryStore):
    """Notes the settings that are written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[str, int]] = []

    def put(self, name: str, value: bytes | None) -> None:
        self.written.append((name, len(value or b"")))
        super().put(name, value)


def test_a_change_writes_one_project() -> None:
    """Changing one of many projects writes that project only."""
    store = CountingStore()
    backend = Backend(store=store)
    for number in range(300):
        backend.change_project(f"T{number}", {"alias_delay": 1})
    store.written.clear()
    backend.change_project("T7", {"alias_delay": 2})
    [(name, size)] = store.written
    assert (name, size < 1000) == ("project/T7", True)
    assert backend.projects.options("T7") == Project("T7", alias_delay=2.0)
    assert len(backend.projects.known()) == 300
