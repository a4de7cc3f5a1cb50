"""Connections to the database of a store: its URL, driver and settings."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from mock_mixpanel.log.stores import StoreError

PATIENCE_SECONDS = 60
"""Seconds to wait for another writer."""
_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
"""Scheme of a URL -> dialect and driver of SQLAlchemy."""


def engine_for(url: str) -> sa.Engine:
    """An engine whose connections commit each statement outside of a transaction.

    Raises StoreError for a URL that is not a file or a supported database.
    """
    known = "use memory:, folder:path, sqlite:///file or postgresql://user@host/database"
    try:
        parsed = _parsed(url)
        if parsed.drivername not in _DRIVERS:
            raise StoreError(f"{parsed.drivername!r} is not a kind of store; {known}")
        parsed = parsed.set(drivername=_DRIVERS[parsed.drivername])
        sqlite = parsed.get_backend_name() == "sqlite"
        if sqlite and parsed.database in (None, "", ":memory:"):
            raise StoreError(f"{url} is not a file; {known}")
        options = {"timeout": PATIENCE_SECONDS} if sqlite else {"client_encoding": "utf8"}
        if sqlite:
            _make_private(Path(str(parsed.database)))
        engine = sa.create_engine(
            parsed, isolation_level="AUTOCOMMIT", connect_args=options, pool_pre_ping=not sqlite
        )
    except ModuleNotFoundError as error:
        needs = "pip install 'mockpanel[postgresql]'" if "psycopg" in str(error) else "install it"
        raise StoreError(f"this kind of store needs {error.name}: {needs}") from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(f"{url.partition(':')[0]!r} is not a kind of store; {known}") from error
    if sqlite:
        sa.event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _parsed(url: str) -> sa.URL:
    """The parts of a URL. Raises StoreError, which does not show what may be a password."""
    try:
        parsed = sa.make_url(url)
        if "@" not in (parsed.host or ""):
            return parsed
    except ValueError:  # Of a port.
        pass
    raise StoreError(
        f"The URL {url.partition(':')[0]}://... has a part that cannot be read. The port is a"
        " number; in a password write @ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25"
    )


def shown(url: sa.URL) -> str:
    """A URL as errors show it, without passwords."""
    secret = [key for key in url.query if "password" in key]
    url = url.set(drivername=url.get_backend_name()).difference_update_query(secret)
    return url.render_as_string()


def _make_private(file: Path) -> None:
    """Create the file so that only its owner can read it: it holds tokens and secrets."""
    with suppress(OSError):  # the database says better what is wrong
        file.touch(mode=0o600)


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")
