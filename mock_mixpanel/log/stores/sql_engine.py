"""Connections to the database of a store: its URL, driver and settings."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from mock_mixpanel.log.stores import StoreError

PATIENCE_SECONDS = 60
"""How long to wait for another writer."""


def engine_for(url: str) -> sa.Engine:
    """An engine whose connections commit each statement outside of a transaction.

    Raises StoreError for a URL that is not a file or a supported database.
    """
    known = "use memory:, folder:path, sqlite:///file or postgresql://user@host/database"
    try:
        parsed = sa.make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        sqlite = parsed.get_backend_name() == "sqlite"
        if sqlite and parsed.database in (None, "", ":memory:"):
            raise StoreError(f"{url} is not a file; {known}")
        waits = {"timeout": PATIENCE_SECONDS} if sqlite else {}
        if sqlite:
            _make_private(Path(str(parsed.database)))
        engine = sa.create_engine(
            parsed, isolation_level="AUTOCOMMIT", connect_args=waits, pool_pre_ping=not sqlite
        )
    except ModuleNotFoundError as error:
        needs = "pip install 'mockpanel[postgresql]'" if "psycopg" in str(error) else "install it"
        raise StoreError(f"this kind of store needs {error.name}: {needs}") from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(f"{url.partition(':')[0]!r} is not a kind of store; {known}") from error
    if sqlite:
        sa.event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _make_private(file: Path) -> None:
    """Create the file so that only its owner can read it: it holds tokens and secrets."""
    with suppress(OSError):  # the database says better what is wrong
        file.touch(mode=0o600)


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")
