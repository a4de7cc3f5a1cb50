"""A PostgreSQL database that refuses, stops in the middle, or is not made for a store."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest

from mock_mixpanel.log.row_codec import Packed
from mock_mixpanel.log.stores import Store, StoreError, StoreUnavailableError, open_store
from tests.mock_mixpanel import postgresql

ROW = Packed("T", 1, b'[[0,"us","POST","/",{},{},200,"1"],[],null,null]', b"[]")
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


class Database(NamedTuple):
    """The URL of an empty database, and a function that runs statements as its owner."""

    url: str
    run: Callable[..., list[Any]]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with TemporaryDirectory() as folder, postgresql.running(Path(folder)) as url:
        yield url


@pytest.fixture
def database(server: str) -> Iterator[Database]:
    import psycopg

    def run(*statements: str, url: str = server) -> list[Any]:
        found: list[Any] = []
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
                found = cursor.fetchall() if cursor.description else []
        return found

    run("CREATE DATABASE tried TEMPLATE template0")
    url = server.replace("/postgres?", "/tried?")
    yield Database(url, lambda *statements: run(*statements, url=url))
    run("DROP DATABASE tried WITH (FORCE)")
    with suppress(psycopg.Error):
        run("DROP ROLE reader")


@pytest.mark.parametrize(
    "then",
    [
        lambda store: store.append(ROW),
        lambda store: store.put("name", b"1"),
        lambda store: store.settings(0),
        lambda store: None,
    ],
    ids=["append", "put", "settings", "commit"],
)
def test_a_connection_that_ends_in_a_transaction(
    database: Database, then: Callable[[Store], Any]
) -> None:
    """The interrupted transaction is lost and reported; the next request is stored."""
    store = open_store(database.url)

    def interrupted() -> None:
        with store.exclusive():
            store.append(ROW)
            database.run(CUT)
            then(store)

    with pytest.raises(StoreUnavailableError, match=r"terminating connection|closed"):
        interrupted()
    assert store.append(ROW)
    assert [row.id for row in store.page(None, 0).rows] == [1]
    assert store.settings(0).values == {}
    store.close()


@pytest.mark.parametrize(
    ("spoil", "mend", "problem"),
    [
        (
            ("ALTER DATABASE tried SET default_transaction_read_only = on", CUT),
            (
                "SET default_transaction_read_only = off",
                "ALTER DATABASE tried RESET default_transaction_read_only",
                CUT,
            ),
            "read-only transaction",
        ),
        (("ALTER TABLE log RENAME TO hidden",), ("ALTER TABLE hidden RENAME TO log",), "log"),
    ],
)
def test_a_database_that_refuses_for_a_while(
    database: Database,
    spoil: tuple[str, ...],
    mend: tuple[str, ...],
    problem: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Requests are refused, the log says once why, and later requests are stored."""
    store = open_store(database.url)
    database.run(*spoil)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match=problem):
            store.append(ROW)
    assert len([each for each in caplog.records if problem in each.getMessage()]) == 1
    database.run(*mend)
    assert store.append(ROW)
    assert [row.id for row in store.page(None, 0).rows] == [1]
    store.close()


def test_a_lock_that_takes_too_long(database: Database) -> None:
    """The request is refused; the next one is stored."""
    import psycopg

    database.run("ALTER DATABASE tried SET lock_timeout = '100ms'")
    store = open_store(database.url)
    with psycopg.connect(database.url) as other:
        other.execute("SELECT * FROM state FOR UPDATE")
        with pytest.raises(StoreUnavailableError, match="lock timeout"):
            store.append(ROW)
    assert store.append(ROW)
    store.close()


def test_a_database_of_another_program(database: Database) -> None:
    """It is refused, and gets no table and no trigger."""
    database.run("CREATE TABLE log (id serial, message text)")
    with pytest.raises(StoreError, match="has tables of another program: log"):
        open_store(database.url)
    tables = database.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert tables == [("log",)]
    assert database.run("SELECT tgname FROM pg_trigger") == []


def test_a_file_of_another_program(tmp_path: Path) -> None:
    """An SQLite file with a table of the same name is refused."""
    import sqlite3

    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE settings (name text)")
    connection.close()
    with pytest.raises(StoreError, match="has tables of another program: settings"):
        open_store(f"sqlite:///{tmp_path}/x.db")


def test_a_user_who_may_only_read(database: Database) -> None:
    """It is an error at the start, not with the first request."""
    open_store(database.url).close()
    database.run(
        "CREATE ROLE reader LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"
    )
    with pytest.raises(StoreError, match="cannot be opened: permission denied for table state"):
        open_store(database.url.replace("postgres@", "reader@"))


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding(server: str, database: Database, encoding: str) -> None:
    """It is refused at the start: it cannot keep every text."""
    database.run(f"CREATE DATABASE other ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    with pytest.raises(StoreError, match=f"has encoding {encoding}.*ENCODING 'UTF8'"):
        open_store(server.replace("/postgres?", "/other?"))
    database.run("DROP DATABASE other WITH (FORCE)")


def test_an_old_store_is_left_alone(database: Database) -> None:
    """The connection to a store of another version is closed, so its owner can change it."""
    open_store(database.url).close()
    database.run("UPDATE state SET format = 1")
    with pytest.raises(StoreError, match="has format 1, this version reads 2") as kept:
        open_store(database.url)
    database.run("SET lock_timeout = '1s'", "ALTER TABLE state DROP COLUMN next_row")
    del kept


def test_options_of_the_connection(database: Database) -> None:
    """A URL with its own time limit for connecting is told of changes too."""
    store = open_store(f"{database.url}&connect_timeout=7")
    told = threading.Event()
    listening = store.subscribe(told.set)
    assert told.wait(30)
    assert listening()
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bob@127.0.0.1:1/x?password=hush",
        "postgresql://bob@127.0.0.1:1/x?sslpassword=hush",
        "postgresql://bob:a@hush@127.0.0.1:1/x",
        "postgresql://bob:a@hush:hush@127.0.0.1:1/x",
        "postgresql://bob:hush@127.0.0.1:hush/x",
        "postgresql://bob:a/hush#?%@127.0.0.1:1/x",
        "postgres://bob:hush@127.0.0.1:1/x",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    """Wherever it is in the URL, and whether its special characters are escaped or not."""
    with pytest.raises(StoreError, match=r"cannot be (opened|read)") as error:
        open_store(url)
    assert "hush" not in str(error.value)


@pytest.mark.parametrize("scheme", ["mysql", "mssql", "oracle", "postgresql+psycopg2"])
def test_other_databases(scheme: str) -> None:
    """A database that is not supported is not a kind of store, whether it has a driver or not."""
    with pytest.raises(StoreError, match=f"{scheme}' is not a kind of store".replace("+", r"\+")):
        open_store(f"{scheme}://bob:hush@127.0.0.1/x")
