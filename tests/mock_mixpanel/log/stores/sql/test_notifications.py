"""A PostgreSQL store tells of changes; without that, the store is asked."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.log import change_watch
from mock_mixpanel.log.change_watch import KnownPosition
from mock_mixpanel.log.row_codec import Packed
from mock_mixpanel.log.stores import Store, open_store
from mock_mixpanel.log.stores.sql.notifications import CHANNEL
from tests.mock_mixpanel import postgresql

HEAD = b'[[0,"us","POST","/",{},{},200,"1"],[],null,null]'
RECORD = {"event": "A", "properties": {"token": "T", "distinct_id": "ann"}}


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    with TemporaryDirectory() as folder, postgresql.restartable(Path(folder)) as running:
        yield running


@contextmanager
def told(store: Store) -> Iterator[tuple[threading.Semaphore, Any]]:
    """Counts the changes that a store tells of; the first says that it listens."""
    changes = threading.Semaphore(0)
    is_told = store.subscribe(changes.release)
    assert changes.acquire(timeout=30)
    assert is_told()
    yield changes, is_told


def test_each_kind_of_change_is_told(server: postgresql.Server) -> None:
    """Another mock is told of a new row, of a changed setting and of forgotten rows."""
    with (
        closing(open_store(server.url)) as one,
        closing(open_store(server.url)) as other,
        told(other) as (changes, _),
    ):
        one.append(Packed("T", 1, HEAD, b"[]"))
        assert changes.acquire(timeout=30)
        with one.exclusive():
            one.put("a", b"1")
        assert changes.acquire(timeout=30)
        one.forget(None)
        assert changes.acquire(timeout=30)


def test_a_waiting_call_ends_when_it_is_told(
    server: postgresql.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that waits at one mock ends when another one receives, without asking meanwhile."""
    monkeypatch.setattr(change_watch, "LOOK_EVERY", 3600)
    monkeypatch.setattr(change_watch, "LOOK_AT_LEAST_EVERY", 3600)
    with (
        closing(Backend(store=open_store(server.url))) as one,
        closing(Backend(store=open_store(server.url))) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        client = create_app(backend=one).test_client()
        known = other.changes.now(KnownPosition(None, None, 0)).position
        waiting = pool.submit(other.changes.wait, KnownPosition(known.last, known.version, 30))
        assert client.post("/track", json=RECORD).data == b"1"
        found = waiting.result(40)
        assert (found.changed, found.position.last) == (True, known.last + 1)
        known = found.position
        waiting = pool.submit(other.changes.wait, KnownPosition(known.last, known.version, 30))
        client.post("/_mock/clock", json={"advance": 1})
        assert waiting.result(40).position.version > known.version


def test_a_lost_connection_is_opened_again(server: postgresql.Server) -> None:
    """A store without a connection says that it does not report changes, until it has another."""
    with closing(open_store(server.url)) as store, told(store) as (changes, is_told):
        listening = f"query LIKE 'LISTEN {CHANNEL}'"
        with psycopg.connect(server.url, autocommit=True) as database:
            database.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {listening}"
            )
        assert changes.acquire(timeout=30)  # It is lost.
        assert changes.acquire(timeout=30)  # It is there again.
        assert is_told()
        store.append(Packed("T", 1, HEAD, b"[]"))
        assert changes.acquire(timeout=30)


def test_a_database_that_restarts_tells_again(server: postgresql.Server) -> None:
    """While the database is down nothing is told, and the store says so; then it is told again."""
    with closing(open_store(server.url)) as store, told(store) as (changes, is_told):
        server.stop()
        assert changes.acquire(timeout=30)
        assert not is_told()
        server.start()
        assert changes.acquire(timeout=30)
        assert is_told()


@pytest.mark.parametrize("kind", ["memory:", "folder:{}/store", "sqlite:///{}/store.db"])
def test_other_stores_are_asked(tmp_path: Path, kind: str) -> None:
    """A store that cannot tell says so."""
    with closing(open_store(kind.format(tmp_path))) as store:
        assert not store.subscribe(lambda: None)()


def test_mocks_that_start_at_once(server: postgresql.Server) -> None:
    """Several mocks may make the tables of an empty database at the same time."""
    with psycopg.connect(server.url, autocommit=True) as database:
        database.execute("CREATE DATABASE empty")
    url = server.url.replace("/postgres?", "/empty?")
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(open_store, [url] * 4))
    for number, store in enumerate(stores, 1):
        store.append(Packed("T", 1, HEAD, b"[]"))
        assert stores[0].last() == number
    for store in stores:
        store.close()
