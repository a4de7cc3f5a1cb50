"""The connections of a store to its database, and its transactions.

One connection writes, and a pool of others reads. A connection that the database closed is opened
again. Every error of the database is a StoreUnavailableError that says what to do, and is logged
once.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mock_mixpanel.log.stores import StoreUnavailableError
from mock_mixpanel.log.stores.sql.engine import engine_for, shown
from mock_mixpanel.log.stores.sql.errors import explained
from mock_mixpanel.log.stores.sql.state_row import lock_state

T = TypeVar("T")

_LOGGER = logging.getLogger("mock_mixpanel")


class SqlDatabase:
    """The connections to one database. `open` comes first; the lock is for users of `writer`."""

    def __init__(self, url: str) -> None:
        self.engine = engine_for(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        """Whether the database is a file of SQLite."""
        self.errors = (SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error)
        """The errors that SQLAlchemy and the driver raise."""
        self._path = Path(str(self.engine.url.database)) if self.is_sqlite else None
        self.lock = threading.RLock()
        self._depth = 0
        self._in_transaction = False
        self._reported: str | None = None
        """The error that was logged last, until the database works again."""
        self.writer: sa.Connection

    def open(self) -> None:
        """Open the connection that writes. Raises SQLAlchemyError."""
        self.writer = self.engine.connect()
        self._file = self._file_now()

    def check_file(self) -> None:
        """Raise StoreUnavailableError if an SQLite file was removed or replaced.

        SQLite would continue to write to the former file, and the new rows would be lost.
        """
        if self._path and self._file_now() != self._file:
            text = f"{self.shown}: the file was removed or replaced. Restart the mock to use what"
            raise self.unavailable(text + " is there now")

    def _file_now(self) -> tuple[int, int] | None:
        """The device and inode of an SQLite file; None if there is no file."""
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @property
    def shown(self) -> str:
        """The URL of the database without its passwords."""
        return shown(self.engine.url)

    @property
    def is_exclusive(self) -> bool:
        """Whether an `exclusive` block runs. Call it with the lock."""
        return self._depth > 0

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """A transaction that excludes all other writers; may be nested."""
        with self.lock:
            self._depth += 1
            try:
                if self._depth > 1:
                    yield
                    return
                with self.unavailable_on_errors():
                    self.with_reconnect(self._begin)
                    try:
                        yield
                        self.writer.exec_driver_sql("COMMIT")
                        self._reported = None
                    except BaseException:
                        self._roll_back()
                        raise
                    finally:
                        self._in_transaction = False
            finally:
                self._depth -= 1

    def with_reconnect(self, action: Callable[[], T]) -> T:
        """Run an action; if the database had closed the connection, run it again on a new one.

        Inside a transaction it is not run again, because its earlier statements are lost.
        """
        self.check_file()
        with self.unavailable_on_errors():
            if self._in_transaction:
                return action()
            if not self.writer.closed:
                try:
                    return action()
                except DBAPIError as error:
                    if not error.connection_invalidated:
                        raise
            self.discard()
            self.open()
            return action()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that reads, outside of a transaction."""
        self.check_file()
        with self.unavailable_on_errors(), self.engine.connect() as reader:
            yield reader

    @contextmanager
    def unavailable_on_errors(self) -> Iterator[None]:
        """Turn errors of the database into StoreUnavailableError."""
        try:
            yield
        except self.errors as error:
            raise self.unavailable_because(error) from error

    def unavailable_because(self, error: BaseException) -> StoreUnavailableError:
        """The error for callers, which says what to do."""
        return self.unavailable(explained(self.shown, error))

    def unavailable(self, text: str) -> StoreUnavailableError:
        """An error for callers, which is logged once."""
        if text != self._reported:
            self._reported = text
            _LOGGER.warning("The store does not work: %s", text)
        return StoreUnavailableError(text)

    def connect(self, **options: Any) -> Any:
        """A connection of the driver that commits each statement."""
        driver: Any = self.engine.dialect.loaded_dbapi
        arguments, given = self.engine.dialect.create_connect_args(self.engine.url)
        return driver.connect(*arguments, **{**options, **given}, autocommit=True)

    def discard(self) -> None:
        """Close the connection that writes, without asking the database."""
        with suppress(SQLAlchemyError):
            self.writer.invalidate()
        with suppress(SQLAlchemyError):
            self.writer.close()

    def close(self) -> None:
        """Close all connections."""
        if self.is_sqlite:
            self.writer.close()
        else:
            self.discard()
        self.engine.dispose()

    def _begin(self) -> None:
        try:
            self.writer.exec_driver_sql("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
            lock_state(self.writer, self.shown)
        except BaseException:
            self._roll_back()
            raise
        self._in_transaction = True

    def _roll_back(self) -> None:
        """Undo the transaction. If the connection cannot do so, the next call opens another."""
        try:
            self.writer.exec_driver_sql("ROLLBACK")
        except SQLAlchemyError:
            if not self.is_sqlite:
                self.discard()
