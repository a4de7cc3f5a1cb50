"""A database that others change while a mock uses it: each answer is right, or a 503 that says what
to do, and no acknowledged request is lost."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from flask.testing import FlaskClient

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.log.stores import StoreError, open_store
from mock_mixpanel.log.stores.sql import engine
from mock_mixpanel.log.stores.sql.store import SqlStore
from tests.mock_mixpanel import postgresql
from tests.mock_mixpanel.wire import NOW


class Database(NamedTuple):
    """The URL of a database, and a function that runs statements as another program."""

    url: str
    run: Callable[..., None]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with TemporaryDirectory() as folder, postgresql.running(Path(folder)) as url:
        yield url


def in_file(path: Path) -> Database:
    def run(*statements: str) -> None:
        with sqlite3.connect(path, isolation_level=None) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    return Database(f"sqlite:///{path}", run)


@pytest.fixture
def on_server(server: str) -> Database:
    import psycopg

    def run(*statements: str) -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    return Database(server, run)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return in_file(tmp_path / "store.db")
    found: Database = request.getfixturevalue("on_server")
    return found


class Mock:
    """A mock on a database, and the events that it acknowledged."""

    def __init__(self, url: str) -> None:
        self.store = open_store(url)
        self.client: FlaskClient = create_app(backend=Backend(store=self.store)).test_client()
        self.acknowledged: list[str] = []

    def send(self, name: str) -> int:
        properties = {"token": "T", "distinct_id": "ann"}
        answer = self.client.post("/track", json=[{"event": name, "properties": properties}])
        if answer.status_code == 200:
            self.acknowledged.append(name)
        return answer.status_code

    def get(self, path: str) -> Any:
        """The JSON of a list, or the error of a 503."""
        answer = self.client.get(path)
        value: Any = answer.json
        if answer.status_code == 200:
            return value
        assert answer.status_code == 503
        return value["error"]

    def names(self) -> Any:
        found = self.get("/_mock/events")
        return found if isinstance(found, str) else [each["event"] for each in found]


@pytest.fixture
def mock(database: Database) -> Iterator[Mock]:
    made = Mock(database.url)
    assert made.send("before") == 200
    assert made.names() == ["before"]
    yield made
    made.store.close()


TABLES = ("log", "settings", "state")


@pytest.mark.parametrize(
    "statements",
    [
        ("DELETE FROM state",),
        (
            'INSERT INTO state ("only", format, version, generation, next_row, next_entry)'
            " VALUES (2, 2, 9, 9, 9, 9)",
        ),
        ("UPDATE state SET version = 7, generation = 7",),
        ("DROP TABLE answers",),
    ],
)
def test_what_can_be_made_again(
    mock: Mock, database: Database, statements: tuple[str, ...]
) -> None:
    """The mock goes on, and another one that starts later has the same events."""
    database.run(*statements)
    assert mock.send("after") == 200
    assert mock.client.post("/_mock/clock", json={"now": NOW, "freeze": True}).status_code == 200
    assert mock.names() == ["before", "after"]
    other = Mock(database.url)
    assert other.names() == ["before", "after"]
    assert other.get("/_mock/clock")["frozen"] is True
    other.store.close()


@pytest.mark.parametrize("read", ["/_mock/health", "/_mock/events", "/_mock/requests"])
def test_a_deleted_state_is_made_again_by_a_reader(
    mock: Mock, database: Database, read: str
) -> None:
    """The first call after the deletion may be any."""
    database.run("DELETE FROM state")
    assert mock.client.get(read).status_code == 200
    assert (mock.send("after"), mock.names()) == (200, ["before", "after"])


def test_an_emptied_database(mock: Mock, database: Database) -> None:
    """A running mock and one that starts later both begin anew, with the settings of the start."""
    assert mock.client.post("/_mock/clock", json={"now": NOW, "freeze": True}).status_code == 200
    database.run(*(f"DELETE FROM {table}" for table in ("log", "settings", "state", "answers")))
    assert mock.get("/_mock/clock")["frozen"] is False
    assert (mock.send("after"), mock.names()) == (200, ["after"])
    other = Mock(database.url)
    assert (other.names(), other.get("/_mock/clock")["frozen"]) == (["after"], False)
    other.store.close()


def test_a_database_that_is_emptied_often(mock: Mock, database: Database) -> None:
    """A running mock begins anew each time, as when tests empty the tables many times a second."""
    for number in range(5):
        assert (
            mock.client.post("/_mock/clock", json={"now": NOW, "freeze": True}).status_code == 200
        )
        assert mock.get("/_mock/clock")["frozen"] is True
        database.run(*(f"DELETE FROM {table}" for table in TABLES))
        assert mock.get("/_mock/clock")["frozen"] is False
        assert (mock.send(f"after {number}"), mock.names()) == (200, [f"after {number}"])


def test_a_database_restored_from_a_copy(mock: Mock, database: Database) -> None:
    """A running mock shows the requests and the settings of the copy."""
    database.run(
        *(f"CREATE TABLE old_{table} AS SELECT * FROM {table}" for table in TABLES),
    )
    assert mock.client.post("/_mock/clock", json={"now": NOW, "freeze": True}).status_code == 200
    assert (mock.send("lost"), mock.names()) == (200, ["before", "lost"])
    for table in TABLES:
        database.run(f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM old_{table}")
    assert mock.names() == ["before"]
    assert mock.get("/_mock/clock")["frozen"] is False
    assert (mock.send("after"), mock.names()) == (200, ["before", "after"])


COPY = "INSERT INTO log SELECT id + 1, first + count, count, token, head, body, 7 FROM log"
SETTING = (
    "INSERT INTO settings (name, version, value, checksum) SELECT 'clock', version + 1, body, 7"
)
WRONG: dict[str, tuple[str, str, str, int]] = {
    "no state": (
        "ALTER TABLE state RENAME TO hidden",
        "ALTER TABLE hidden RENAME TO state",
        r"state.*Restore the tables? from a copy",
        503,
    ),
    "no log": (
        "ALTER TABLE log RENAME TO hidden",
        "ALTER TABLE hidden RENAME TO log",
        r"log.*Restore the tables? from a copy",
        503,
    ),
    "no settings": (
        "ALTER TABLE settings RENAME TO hidden",
        "ALTER TABLE hidden RENAME TO settings",
        r"settings.*Restore the tables? from a copy",
        200,
    ),
    "no column": (
        "ALTER TABLE log RENAME body TO hidden",
        "ALTER TABLE log RENAME hidden TO body",
        r"body.*Restore the tables? from a copy",
        503,
    ),
    "another version": (
        "UPDATE state SET format = 3, version = version + 1",
        "UPDATE state SET format = 2, version = version + 1",
        r"has format 3, this version reads 2",
        503,
    ),
    "a foreign request": (
        COPY,
        "DELETE FROM log WHERE checksum = 7",
        r"the checksum of request 2 is wrong.*or delete it from the table `log`",
        200,
    ),
    "a foreign setting": (
        f"{SETTING} FROM log, state; UPDATE state SET version = version + 1",
        "DELETE FROM settings WHERE checksum = 7",
        r"the checksum of the setting 'clock' is wrong.*delete it from the table `settings`",
        503,
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_read_is_explained(mock: Mock, database: Database, wrong: str) -> None:
    """Calls get a 503 that says what to do; afterwards all acknowledged events are there."""
    spoil, mend, error, status = WRONG[wrong]
    database.run(*spoil.split("; "))
    assert mock.send("meanwhile") == status
    assert re.search(error, mock.names())
    page = mock.client.get("/_mock/ui/events")
    html = unescape(page.get_data(as_text=True))
    assert (page.status_code, bool(re.search(error, html))) == (503, True)
    database.run(mend)
    assert mock.send("after") == 200
    assert mock.names() == mock.acknowledged


@pytest.mark.parametrize("lost", ["log", "settings"])
def test_a_lost_table_is_an_error_at_the_start(database: Database, lost: str) -> None:
    """It is not made again: a copy may have it."""
    open_store(database.url).close()
    database.run(f"DROP TABLE {lost}")
    with pytest.raises(StoreError, match=f"has lost its table `{lost}`.*Restore it from a copy"):
        open_store(database.url)


def test_a_lost_state_is_made_again_at_the_start(mock: Mock, database: Database) -> None:
    """The table `state` has nothing that the log has not."""
    database.run("DROP TABLE state")
    other = Mock(database.url)
    assert (other.send("after"), other.names()) == (200, ["before", "after"])
    other.store.close()
    assert mock.names() == ["before", "after"]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("statement", ["DELETE FROM log", "DELETE FROM log WHERE id > 1"])
def test_deleted_requests(mock: Mock, database: Database, statement: str, count: int) -> None:
    """Later requests are seen, whether they get the ids of the deleted ones or not."""
    mock.send("deleted")
    assert mock.names() == ["before", "deleted"]
    database.run(statement)
    kept = ["before"] if "WHERE" in statement else []
    new = [f"new {number}" for number in range(count)]
    assert [mock.send(name) for name in new] == [200] * count
    assert mock.names() == kept + new


@pytest.fixture
def file(tmp_path: Path) -> Iterator[tuple[Path, Mock]]:
    mock = Mock(f"sqlite:///{tmp_path}/store.db")
    mock.send("before")
    yield tmp_path / "store.db", mock
    mock.store.close()


@pytest.mark.parametrize("then", ["nothing", "an empty file", "another store"])
def test_a_file_that_is_gone(file: tuple[Path, Mock], then: str) -> None:
    """Nothing is acknowledged that would go into the removed file."""
    path, mock = file
    for each in path.parent.iterdir():
        each.unlink()
    if then == "an empty file":
        path.touch()
    elif then == "another store":
        open_store(f"sqlite:///{path}").close()
    assert mock.send("lost") == 503
    assert mock.client.post("/_mock/clock", json={"advance": 1}).status_code == 503
    assert mock.names().endswith(
        "store.db: the file was removed or replaced. Restart the mock to use what is there now"
    )


@pytest.mark.parametrize(
    ("pragma", "mend", "error"),
    [
        ("query_only = ON", "query_only = OFF", "Allow this user to write the file and its folder"),
        ("max_page_count = 1", "max_page_count = 100000", "is full. Free space on the disk"),
    ],
)
def test_a_file_that_cannot_be_written(
    file: tuple[Path, Mock], pragma: str, mend: str, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Requests are refused, reads still work, and everything works when the cause is gone."""
    _, mock = file
    assert isinstance(mock.store, SqlStore)
    connection = mock.store._database.writer
    connection.exec_driver_sql(f"PRAGMA {pragma}")
    while mock.send("x" * 1000) == 200:
        pass
    assert [each.getMessage().endswith(error) for each in caplog.records] == [True]
    assert mock.names() == mock.acknowledged
    connection.exec_driver_sql(f"PRAGMA {mend}")
    assert mock.send("after") == 200
    assert mock.names() == mock.acknowledged


def test_a_file_that_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the request is refused; the next one is stored."""
    monkeypatch.setattr(engine, "PATIENCE_SECONDS", 0.01)
    mock = Mock(f"sqlite:///{tmp_path}/store.db")
    with sqlite3.connect(tmp_path / "store.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert mock.send("meanwhile") == 503
        error: Any = mock.client.post("/_mock/reset").json
        assert error["error"].endswith("locked. End the program that locks the file")
        other.execute("ROLLBACK")
    other.close()
    assert (mock.send("after"), mock.names()) == (200, ["after"])
    mock.store.close()


def raising(condition: str, timing: str = "BEFORE INSERT") -> tuple[str, ...]:
    """Statements that make each insertion into the log do something in PL/pgSQL."""
    return (
        "CREATE OR REPLACE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {condition}; RETURN NEW; END $$",
        f"CREATE CONSTRAINT TRIGGER spoil {timing} ON log DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE PROCEDURE spoil()"
        if timing.startswith("AFTER")
        else f"CREATE TRIGGER spoil {timing} ON log FOR EACH ROW EXECUTE PROCEDURE spoil()",
    )


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("53100", "Free space on the disk of the database"),
        ("53300", "Raise max_connections, or close connections of other programs"),
        ("57014", "Raise the time limit for statements, or end the program that locks the table"),
        ("42501", "Grant this user the rights to read and write the tables"),
        ("25006", "Allow this user to write"),
        ("23505", "Its tables hold rows of another program: delete those rows"),
        ("22003", "It is tried again with the next request"),
        ("XX000", "It is tried again with the next request"),
    ],
)
def test_what_a_server_says(
    on_server: Database, code: str, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each kind of error is a 503, and the log says what to do."""
    mock = Mock(on_server.url)
    on_server.run(*raising(f"RAISE 'refused' USING ERRCODE = '{code}'"))
    assert mock.send("refused") == 503
    [text] = [each.getMessage() for each in caplog.records if "refused" in each.getMessage()]
    assert text.startswith("The store does not work: postgresql://")
    assert text.endswith(f": refused. {advice}")
    on_server.run("DROP TRIGGER spoil ON log")
    assert (mock.send("after"), mock.names()) == (200, ["after"])
    mock.store.close()


CUT_IN_COMMIT = raising("PERFORM pg_terminate_backend(pg_backend_pid())", "AFTER INSERT")


def test_a_connection_that_ends_in_commit(on_server: Database) -> None:
    """A request is not acknowledged, and a setting keeps its value, also for this mock."""
    mock = Mock(on_server.url)
    on_server.run(*CUT_IN_COMMIT, CUT_IN_COMMIT[1].replace("ON log", "ON settings"))
    assert mock.send("cut") == 503
    clock = {"now": NOW, "freeze": True}
    assert mock.client.post("/_mock/clock", json=clock).status_code == 503
    assert mock.get("/_mock/clock")["frozen"] is False
    on_server.run("DROP TRIGGER spoil ON log", "DROP TRIGGER spoil ON settings")
    assert mock.get("/_mock/clock")["frozen"] is False
    assert (mock.send("after"), mock.names()) == (200, ["after"])
    assert mock.client.post("/_mock/clock", json=clock).status_code == 200
    assert mock.get("/_mock/clock")["frozen"] is True
    mock.store.close()


def test_a_renamed_database(on_server: Database) -> None:
    """Calls say that the database does not exist, until it has its name again."""
    on_server.run("DROP DATABASE IF EXISTS other", "CREATE DATABASE other TEMPLATE template0")
    mock = Mock(on_server.url.replace("/postgres?", "/other?"))
    mock.send("before")
    on_server.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'other'",
        "ALTER DATABASE other RENAME TO moved",
    )
    assert mock.send("meanwhile") == 503
    assert 'database "other" does not exist. Give the database its name back' in mock.names()
    on_server.run("ALTER DATABASE moved RENAME TO other")
    assert (mock.send("after"), mock.names()) == (200, ["before", "after"])
    mock.store.close()
    on_server.run("DROP DATABASE other WITH (FORCE)")
