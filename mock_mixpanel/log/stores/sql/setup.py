"""Prepares a database for a store: creates the tables, and checks those that are there."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from mock_mixpanel.log.stores import PAGE, StoreError, StoreUnavailableError
from mock_mixpanel.log.stores.sql.database import SqlDatabase
from mock_mixpanel.log.stores.sql.errors import first_line
from mock_mixpanel.log.stores.sql.notifications import TRIGGERS
from mock_mixpanel.log.stores.sql.schema import (
    LOG,
    OUR_STATE,
    SETTINGS,
    STATE,
    checksum,
    metadata,
)
from mock_mixpanel.log.stores.sql.state_row import check_format, make_first_state

CREATION_LOCK = 0x6D6F636B
"""Of PostgreSQL's advisory locks, the one for creating the tables."""
SELECT_TRIGGER = sa.text(
    "SELECT 1 FROM pg_trigger WHERE tgname = 'mockpanel_changed' AND tgrelid = 'log'::regclass"
)


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


def check_contents(database: SqlDatabase) -> None:
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
    names = _our_tables(database)
    metadata.create_all(writer)
    if not database.is_sqlite and (not names or not writer.execute(SELECT_TRIGGER).all()):
        for statement in TRIGGERS:
            writer.exec_driver_sql(statement)
    if not names:
        make_first_state(writer)
    writer.exec_driver_sql("COMMIT")


def _our_tables(database: SqlDatabase) -> set[str]:
    """The names of the tables of a store in the database.

    Raises StoreError if some tables are of another program or another version, or are lost. A lost
    state and lost saved answers are made again.
    """
    inspector = sa.inspect(database.writer)
    names = set(inspector.get_table_names()) & metadata.tables.keys()
    columns = {name: {each["name"] for each in inspector.get_columns(name)} for name in names}
    if STATE.name in names and STATE.c.format.name in columns[STATE.name]:
        for found in database.writer.execute(sa.select(STATE.c.format).where(OUR_STATE)).scalars():
            check_format(found, database.shown)
    others = sorted(name for name in names if set(metadata.tables[name].c.keys()) - columns[name])
    if others:
        raise StoreError(
            f"{database.shown} has tables of another program: {', '.join(others)}. Nothing was"
            " changed; use another database"
        )
    for lost in {LOG.name, SETTINGS.name} - names if names else ():
        raise StoreError(
            f"{database.shown} has lost its table `{lost}`. Nothing was changed. Restore it from a"
            f" copy, or drop the other tables to begin anew: {', '.join(sorted(names))}"
        )
    return names


def _check_encoding(database: SqlDatabase) -> None:
    """Raise StoreError for a PostgreSQL database that cannot keep every text."""
    encoding = database.writer.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise StoreError(
            f"{database.shown} has encoding {encoding}, which cannot keep every text; create the"
            " database with ENCODING 'UTF8' TEMPLATE template0"
        )
