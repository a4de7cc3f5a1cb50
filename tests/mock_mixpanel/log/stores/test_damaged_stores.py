"""A damaged store is one clear error at start; a database that restarts is found again."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.cli import main
from mock_mixpanel.log.row_codec import Packed
from mock_mixpanel.log.stores import StoreError, StoreUnavailableError, open_store
from tests.mock_mixpanel import postgresql

HEAD = b'[[0,"us","POST","/",{},{},200,"1"],[],null,null]'


def filled(url: str) -> None:
    """Make a store with three requests and two settings."""
    store = open_store(url)
    for number in range(3):
        store.append(Packed("T", 1, HEAD, b'["body %d"]' % number))
    with store.exclusive():
        store.put("clock", b'{"offset":1}')
        store.put("project/T", b'{"secret":"s"}')
    store.close()


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    filled(f"folder:{tmp_path}/store")
    return tmp_path / "store"


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of a row": (
        lambda folder: flip(folder / "log-1", 60),
        r"log-1 has no readable row in bytes 0 to \d+\. All other rows are intact",
    ),
    "a byte of a length": (
        lambda folder: flip(folder / "log-1", 30),
        r"log-1 has no readable row in bytes 0 to \d+\. ",
    ),
    "a cut log": (
        lambda folder: (folder / "log-1").write_bytes((folder / "log-1").read_bytes()[:-5]),
        r"log-1 has no readable row in bytes \d+ to \d+",
    ),
    "a missing log": (
        lambda folder: (folder / "log-1").unlink(),
        r"log-1 has no readable row in bytes 0 to \d+",
    ),
    "a byte of a setting": (
        lambda folder: flip(folder / "settings-1", 50),
        r"settings-1 has no readable row in bytes 0 to \d+",
    ),
    "missing settings": (
        lambda folder: (folder / "settings-1").unlink(),
        r"settings-1 has no readable row in bytes 0 to \d+",
    ),
    "a byte of the count": (
        lambda folder: flip(folder / "head", 20),
        r"the file head is damaged",
    ),
    "a cut head": (
        lambda folder: (folder / "head").write_bytes((folder / "head").read_bytes()[:-5]),
        r"is not a store of this version",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder(folder: Path, damage: str) -> None:
    """Each damage is an error that names the place, and no other byte is changed."""
    act, message = DAMAGES[damage]
    act(folder)
    before = contents(folder)
    with pytest.raises(StoreError, match=message):
        open_store(f"folder:{folder}")
    after = contents(folder)
    assert {name: after[name] for name in before} == before


def test_serve_with_a_damaged_folder(folder: Path) -> None:
    """`serve` ends with status 2 and one line that names the place."""
    flip(folder / "log-1", 60)
    result = CliRunner().invoke(main, ["serve", "--port", "0", "--store", f"folder:{folder}"])
    assert result.exit_code == 2
    assert "log-1 has no readable row in bytes 0 to" in result.output.replace("\n", " ")


SLOT = 76
"""Bytes of each of the two heads; after an even number of changes the first one counts."""


@pytest.mark.parametrize("place", range(24, 24 + SLOT, 5))
def test_a_flipped_byte_in_the_head(folder: Path, place: int) -> None:
    """A flipped byte of the head that counts is an error."""
    flip(folder / "head", place)
    with pytest.raises(StoreError, match="the file head is damaged"):
        open_store(f"folder:{folder}")


@pytest.mark.parametrize("place", range(24 + SLOT, 24 + 2 * SLOT, 5))
def test_a_flipped_byte_in_the_other_head(folder: Path, place: int) -> None:
    """A flipped byte of the head that does not count changes nothing."""
    flip(folder / "head", place)
    store = open_store(f"folder:{folder}")
    assert [row.id for row in store.page(None, 0).rows] == [1, 2, 3]
    assert store.settings(0).values.keys() == {"clock", "project/T"}
    store.close()


def test_bytes_behind_the_log_do_not_count(folder: Path) -> None:
    """Bytes of a killed worker behind the end of the log do not count as damage."""
    with (folder / "log-1").open("ab") as file:
        file.write(b"half a row")
    store = open_store(f"folder:{folder}")
    assert [row.id for row in store.page(None, 0).rows] == [1, 2, 3]
    store.close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    filled(f"sqlite:///{tmp_path}/store.db")
    return tmp_path / "store.db"


def place_of(database: Path, text: bytes) -> int:
    """Where a text stands in the file."""
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return database.read_bytes().index(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"body 1", r"store\.db is damaged: the checksum of request 2 is wrong"),
        (b"offset", r"store\.db is damaged: the checksum of the setting 'clock' is wrong"),
    ],
)
def test_a_flipped_byte_in_sqlite(database: Path, text: bytes, message: str) -> None:
    """A flipped byte in a row or a setting is an error that names it."""
    flip(database, place_of(database, text))
    with pytest.raises(StoreError, match=message):
        open_store(f"sqlite:///{database}")


def test_a_cut_sqlite_file(database: Path) -> None:
    """A file that lost its end is an error."""
    place_of(database, b"body 1")
    database.write_bytes(database.read_bytes()[:-4096])
    with pytest.raises(StoreError, match=r"store\.db.*(is damaged|cannot be opened): "):
        open_store(f"sqlite:///{database}")


@pytest.mark.parametrize("url", ["folder:{}/store", "sqlite:///{}/store.db"])
def test_only_the_owner_can_read(tmp_path: Path, url: str) -> None:
    """All files of a store are for their owner alone."""
    filled(url.format(tmp_path))
    store = open_store(url.format(tmp_path))
    store.remember("name", [b"page"])
    store.append(Packed("T", 1, HEAD, b"[]"))
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert len(files) >= 3
    assert {each.stat().st_mode & 0o777 for each in files} == {0o600}
    store.close()


@pytest.fixture
def server() -> Iterator[postgresql.Server]:
    with TemporaryDirectory() as folder, postgresql.restartable(Path(folder)) as running:
        yield running


def test_a_database_that_restarts_is_found_again(server: postgresql.Server) -> None:
    """While PostgreSQL is down nothing is acknowledged; after its restart all works again."""
    store = open_store(server.url)
    store.append(Packed("T", 1, HEAD, b"[]"))
    server.stop()
    with pytest.raises(StoreUnavailableError):
        store.append(Packed("T", 1, HEAD, b"[]"))
    for read in (lambda: store.settings(0), lambda: store.page(None, 0), lambda: store.rows([1])):
        with pytest.raises(StoreUnavailableError):
            read()
    server.start()
    assert store.append(Packed("T", 1, HEAD, b"[]"))
    with store.exclusive():
        store.put("a", b"1")
    assert [row.id for row in store.page(None, 0).rows] == [1, 2]
    assert store.settings(0).values == {"a": b"1"}
    server.stop()
    server.start()
    assert store.settings(0).values == {"a": b"1"}
    store.close()


def test_answers_while_the_database_restarts(server: postgresql.Server) -> None:
    """Calls are answered 503 while the database is down, and as usual afterwards."""
    store = open_store(server.url)
    client = create_app(backend=Backend(store=store)).test_client()
    record = {"event": "A", "properties": {"token": "T", "distinct_id": "ann"}}
    server.stop()
    paths = ["/_mock/health", "/_mock/events", "/api/2.0/export?from_date=2026-01-01"]
    assert [client.get(path).status_code for path in paths] == [503, 503, 503]
    down = client.post("/track?verbose=1", json=record)
    assert (down.status_code, down.json) == (
        503,
        {"error": "the store is not available; try again", "status": 0},
    )
    server.start()
    assert client.get("/_mock/health").status_code == 200
    assert client.post("/track", json=record).data == b"1"
    assert len(client.get("/_mock/events").json or []) == 1
    store.close()
