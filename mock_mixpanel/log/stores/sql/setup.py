"""Prepares a database for a store: creates the tables, and checks those that are there."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from mock_mixpanel.log.stores import PAGE, StoreError, StoreUnavailableError
from mock_mixpanel.log.stores.sql.database import SqlDatabase
from mock_mixpanel.log.stores.sql.engine import first_line
from mock_mixpanel.log.stores.sql.notifications import TRIGGERS
from mock_mixpanel.log.stores.sql.schema import (
    FORMAT,
    LOG,
    SETTINGS,
    STATE,
    checksum,
    metadata,
)

CREATION_LOCK = 0x6D6F636B
"""Of PostgreSQL's advisory locks, the one for creating the tables."""
SELECT_TRIGGER = sa.text(
    "SELECT 1 FROM pg_trigger WHERE tgname = 'mockpanel_changed' AND tgrelid = 'log'::regclass"
)
FIRST_STATE = {
    "only": 1,
    "format": FORMAT,
    "version": 1,
    "generation": 1,
    "next_row": 1,
    "next_entry": 1,
}


def prepare(database: SqlDatabase) -> None:
    """Open a database, create the tables if they do not exist, and check that they can be written.

    So a role without the right to write is an error at the start, not at the first request. Raises
    StoreError.
    """
    try:
        database.open()
        try:
            _create(database)
            with database.exclusive():
                pass
        except BaseException:
            database.discard()
            raise
    except (SQLAlchemyError, StoreUnavailableError) as error:
        cause = error.__cause__ if isinstance(error, StoreUnavailableError) else error
        raise StoreError(f"{database.shown} cannot be opened: {first_line(cause)}") from error


def check_file(database: SqlDatabase) -> None:
    """Read an SQLite file and compare all checksums. Raises StoreError for damaged rows."""
    try:
        found = [str(each) for each in database.writer.exec_driver_sql("PRAGMA quick_check(3)")]
        found = [] if found == ["('ok',)"] else found
        found = found or list(_damages(database.writer))
    except SQLAlchemyError as error:
        found = [first_line(error)]
    if found:
        places = "; ".join(found[:3]) + ("; ..." if len(found) > 3 else "")
        raise StoreError(
            f"{database.engine.url.database} is damaged: {places}. Nothing was"
            " changed. Restore the file from a copy, read what is left with"
            " `sqlite3 FILE .recover`, or use another"
        )


def _damages(connection: sa.Connection) -> Iterator[str]:
    """The rows and settings whose checksum is wrong."""
    columns = (LOG.c.id, LOG.c.head, LOG.c.body, LOG.c.checksum)
    for row in connection.execute(sa.select(*columns).execution_options(yield_per=PAGE)):
        if checksum(row.head, row.body) != row.checksum:
            yield f"the checksum of request {row.id} is wrong"
    for setting in connection.execute(sa.select(SETTINGS)):
        if checksum(setting.value or b"") != setting.checksum:
            yield f"the checksum of the setting {setting.name!r} is wrong"


def _create(database: SqlDatabase) -> None:
    writer = database.writer
    writer.exec_driver_sql("BEGIN IMMEDIATE" if database.is_sqlite else "BEGIN")
    if not database.is_sqlite:  # Several mocks may start at once.
        writer.exec_driver_sql(f"SELECT pg_advisory_xact_lock({CREATION_LOCK})")
        _check_encoding(database)
    names = set(sa.inspect(writer).get_table_names()) & metadata.tables.keys()
    is_new = not names
    if names and not {LOG.name, STATE.name} <= names:
        raise StoreError(
            f"{database.shown} has tables of another program: {', '.join(sorted(names))}. Nothing"
            " was changed; use another database"
        )
    if not is_new:
        _check_format(database)
    metadata.create_all(writer)
    if not database.is_sqlite and (is_new or not writer.execute(SELECT_TRIGGER).all()):
        for statement in TRIGGERS:
            writer.exec_driver_sql(statement)
    if is_new:
        writer.execute(STATE.insert().values(FIRST_STATE))
    writer.exec_driver_sql("COMMIT")


def _check_encoding(database: SqlDatabase) -> None:
    """Raise StoreError for a PostgreSQL database that cannot keep every text."""
    encoding = database.writer.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise StoreError(
            f"{database.shown} has encoding {encoding}, which cannot keep every text; create the"
            " database with ENCODING 'UTF8' TEMPLATE template0"
        )


def _check_format(database: SqlDatabase) -> None:
    """Raise StoreError for a store of another version, or without its state."""
    found = database.writer.execute(sa.select(STATE.c.format)).scalars().all()
    if not found:
        raise StoreError(
            f"{database.shown} has lost its state: the table `state` is empty. Its rows were not"
            " changed. Restore it from a copy, or use another"
        )
    if found != [FORMAT]:
        raise StoreError(
            f"{database.shown} has format {found[0]}, this version reads {FORMAT}; use another"
        )
