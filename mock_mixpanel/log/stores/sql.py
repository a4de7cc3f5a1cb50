"""The store in a database, by SQLAlchemy: it outlives the process, and several workers share it.

SQLite is used in WAL mode and never waits for the disk: what was acknowledged survives the end of
the process, however sudden, but not a power cut. One writer at a time appends rows, so they become
visible in the order of their ids. A connection that a database closed is opened again.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mock_mixpanel.log.row_codec import Packed, Row, has_token, without
from mock_mixpanel.log.stores import (
    PAGE,
    Changes,
    Page,
    StoreError,
    StoreUnavailableError,
    answers_to_drop,
    oldest_to_keep,
    tells_nothing,
)
from mock_mixpanel.log.stores.notifications import TRIGGERS, Notifications
from mock_mixpanel.log.stores.sql_engine import engine_for, first_line, shown
from mock_mixpanel.log.stores.sql_schema import (
    ANSWERS,
    FORMAT,
    LOG,
    NEXT_ENTRY,
    NEXT_ROW,
    ROW,
    SELECT_ANSWERS,
    SELECT_CHANGES,
    SELECT_EXTENT,
    SELECT_PAGE,
    SELECT_ROWS,
    SELECT_ROWS_WITHOUT_BODIES,
    SETTINGS,
    STATE,
    STATE_AND_NEWEST,
    append_statement,
    checksum,
    from_column,
    metadata,
    read_row,
    to_column,
)

T = TypeVar("T")

_NEXT_ROW = sa.select(NEXT_ROW).select_from(STATE_AND_NEWEST)


_LOGGER = logging.getLogger("mock_mixpanel")

CREATION_LOCK = 0x6D6F636B
"""Of PostgreSQL's advisory locks, the one for creating the tables."""
SELECT_TRIGGER = sa.text(
    "SELECT 1 FROM pg_trigger WHERE tgname = 'mockpanel_changed' AND tgrelid = 'log'::regclass"
)


class _Compiled(NamedTuple):
    """A statement as the driver takes it, and the order of its values if they have no names."""

    sql: str
    names: Sequence[str] | None


class SqlStore:
    """Rows in a table; see `Store` for the methods. Opening raises StoreError."""

    def __init__(self, url: str, keep: int | None = None) -> None:
        self._keep = keep
        self._lock = threading.RLock()
        self._depth = 0
        self._in_transaction = False
        self._reported: str | None = None
        """The error that was logged last, until the store works again."""
        self._engine = engine_for(url)
        self._told: list[Notifications] = []
        self._append = self._compiled(append_statement(guarded=False))
        self._append_at = self._compiled(append_statement(guarded=True))
        try:
            self._writer = self._engine.connect()
            self._prepare()
        except (SQLAlchemyError, StoreUnavailableError) as error:
            cause = error.__cause__ if isinstance(error, StoreUnavailableError) else error
            raise StoreError(f"{self._shown} cannot be opened: {first_line(cause)}") from error

    def check(self) -> None:
        """Read an SQLite file and compare all checksums. Raises StoreError for damaged rows.

        Other databases check their own pages.
        """
        if not self._is_sqlite:
            return
        try:
            found = [str(each) for each in self._writer.exec_driver_sql("PRAGMA quick_check(3)")]
            found = [] if found == ["('ok',)"] else found
            found = found or list(self._damages())
        except SQLAlchemyError as error:
            found = [first_line(error)]
        if found:
            places = "; ".join(found[:3]) + ("; ..." if len(found) > 3 else "")
            raise StoreError(
                f"{self._engine.url.database} is damaged: {places}. Nothing was"
                " changed. Restore the file from a copy, read what is left with"
                " `sqlite3 FILE .recover`, or use another"
            )

    def settings(self, since: int) -> Changes:
        with self._lock:
            found = self._again(
                lambda: self._writer.execute(SELECT_CHANGES, {"since": since}).all()
            )
        if not found:
            raise StoreError(f"{self._shown} has lost its state: the table `state` is empty")
        changed = {from_column(name): value for _, name, value in found if name is not None}
        return Changes(found[0][0], changed)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._lock:
            self._depth += 1
            try:
                if self._depth > 1:
                    yield
                    return
                with self._unavailable_on_errors():
                    self._again(self._begin)
                    try:
                        yield
                        self._writer.exec_driver_sql("COMMIT")
                        self._reported = None
                    except BaseException:
                        self._roll_back()
                        raise
                    finally:
                        self._in_transaction = False
            finally:
                self._depth -= 1

    def put(self, name: str, value: bytes | None) -> None:
        self._change()
        key = to_column(name)
        version = sa.select(STATE.c.version).scalar_subquery()
        self._writer.execute(SETTINGS.delete().where(SETTINGS.c.name == key))
        new = {"name": key, "version": version, "value": value}
        self._writer.execute(SETTINGS.insert().values(checksum=checksum(value or b""), **new))

    def append(self, packed: Packed, version: int | None = None) -> bool:
        values = {
            "new_count": max(1, packed.size),
            "new_token": to_column(packed.token),
            "new_head": packed.head,
            "new_body": packed.body,
            "new_checksum": checksum(packed.head, packed.body),
        }
        if version is not None:
            values["version"] = version
        sql, names = self._append if version is None else self._append_at
        sent: Any = values if names is None else tuple(values[name] for name in names)
        with self._lock:
            if self._depth or self._is_sqlite:
                done = self._append_row(sql, sent)
            else:
                with self.exclusive():
                    done = self._append_row(sql, sent)
            if self._keep is not None and done and not self._depth:
                self._drop()
            return done

    def page(self, generation: int | None, after: int, most: int = PAGE) -> Page:
        with self._reading() as reader:
            found = reader.execute(SELECT_PAGE, {"after": after, "most": most}).all()
            if after and generation not in (None, found[0][0]):
                found = reader.execute(SELECT_PAGE, {"after": 0, "most": most}).all()
        rows = [read_row(each[1:]) for each in found if each[1] is not None]
        return Page(found[0][0], rows, len(rows) < most)

    def last(self) -> int:
        with self._reading() as reader:
            return int(reader.execute(_NEXT_ROW).scalar_one()) - 1

    def rows(self, ids: Sequence[int], *, bodies: bool = True) -> Sequence[Row]:
        select = SELECT_ROWS if bodies else SELECT_ROWS_WITHOUT_BODIES
        with self._reading() as reader:
            found = {row[0]: read_row(row) for row in reader.execute(select, {"ids": list(ids)})}
        return [found[each] for each in ids if each in found]

    def forget(self, token: str | None) -> int:
        with self.exclusive():
            floors = sa.select(NEXT_ROW, NEXT_ENTRY).select_from(STATE_AND_NEWEST)
            next_row, next_entry = self._writer.execute(floors).one()
            if token is None:
                self._writer.execute(LOG.delete())
            else:
                self._writer.execute(LOG.delete().where(LOG.c.token == to_column(token)))
                self._forget_some(token)
            self._change(
                next_row=next_row, next_entry=next_entry, generation=STATE.c.generation + 1
            )
            return int(self._writer.execute(sa.select(STATE.c.generation)).scalar_one())

    def drop(self, entry: int) -> None:
        with self.exclusive():
            # By id, which has an index; `first` grows with it.
            first_kept = sa.select(sa.func.min(LOG.c.id)).where(LOG.c.first >= entry)
            newest = sa.select(sa.func.max(LOG.c.id))
            ids = [self._writer.execute(each).scalar() for each in (first_kept, newest)]
            end = min((each for each in ids if each is not None), default=0)
            if self._writer.execute(LOG.delete().where(LOG.c.id < end)).rowcount:
                self._change(generation=STATE.c.generation + 1)

    def remember(self, name: str, pages: Sequence[bytes]) -> None:
        name = str(to_column(name))
        with self.exclusive():
            self._writer.execute(ANSWERS.delete().where(ANSWERS.c.name == name))
            new = [{"name": name, "page": n, "value": each} for n, each in enumerate(pages)]
            self._writer.execute(ANSWERS.insert(), new)
            sizes = {key: int(size) for key, size in self._writer.execute(SELECT_ANSWERS)}
            old = answers_to_drop(sizes)
            self._writer.execute(ANSWERS.delete().where(ANSWERS.c.name.in_(old)))

    def recall(self, name: str, page: int) -> bytes | None:
        wanted = (ANSWERS.c.name == to_column(name), ANSWERS.c.page == page)
        asked = sa.select(ANSWERS.c.value).where(*wanted)
        with self._reading() as reader:
            found: bytes | None = reader.execute(asked).scalar()
            return found

    def tell(self, changed: Callable[[], None]) -> Callable[[], bool]:
        if self._is_sqlite:
            return tells_nothing
        told = Notifications(self._connect, changed)
        self._told.append(told)
        return lambda: told.listening

    def close(self) -> None:
        for each in self._told:
            each.close()
        if self._is_sqlite:
            self._writer.close()
        else:
            self._discard()
        self._engine.dispose()

    def _connect(self, **options: Any) -> Any:
        """A connection of the driver that commits each statement."""
        driver: Any = self._engine.dialect.loaded_dbapi
        arguments, given = self._engine.dialect.create_connect_args(self._engine.url)
        return driver.connect(*arguments, **{**options, **given}, autocommit=True)

    def _compiled(self, statement: sa.Insert) -> _Compiled:
        compiled = statement.compile(self._engine)
        return _Compiled(str(compiled), compiled.positiontup)

    def _append_row(self, sql: str, values: Any) -> bool:
        """Append a row and return whether it was; by the driver alone, as it is the hot path."""
        driver: Any = self._writer.connection.driver_connection
        return bool(driver.execute(sql, values).rowcount > 0)

    def _again(self, action: Callable[[], T]) -> T:
        """Do something once more on a new connection if the database had closed this one.

        In the middle of a transaction it is done once, because what was done before is lost.
        """
        with self._unavailable_on_errors():
            if self._in_transaction:
                return action()
            if not self._writer.closed:
                try:
                    return action()
                except DBAPIError as error:
                    if not error.connection_invalidated:
                        raise
            self._discard()
            self._writer = self._engine.connect()
            return action()

    @contextmanager
    def _unavailable_on_errors(self) -> Iterator[None]:
        """Turn errors of a database server into StoreUnavailableError, and log each once."""
        driver = self._engine.dialect.loaded_dbapi
        try:
            yield
        except (DBAPIError, driver.Error) as error:
            cause = getattr(error, "orig", error)
            kinds = (driver.OperationalError, driver.InternalError, driver.ProgrammingError)
            if self._is_sqlite or not isinstance(cause, kinds):
                raise
            text = f"{self._shown}: {first_line(cause)}"
            if text != self._reported:
                self._reported = text
                _LOGGER.warning("The store does not work: %s", text)
            raise StoreUnavailableError(text) from error

    def _roll_back(self) -> None:
        """Undo the transaction. If the connection cannot do so, the next call opens another."""
        try:
            self._writer.exec_driver_sql("ROLLBACK")
        except SQLAlchemyError:
            if not self._is_sqlite:
                self._discard()

    def _discard(self) -> None:
        """Close the connection without asking the database."""
        with suppress(SQLAlchemyError):
            self._writer.invalidate()
        with suppress(SQLAlchemyError):
            self._writer.close()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._unavailable_on_errors(), self._engine.connect() as reader:
            yield reader

    @property
    def _shown(self) -> str:
        """The URL of the database without its passwords."""
        return shown(self._engine.url)

    def _damages(self) -> Iterator[str]:
        """The rows and settings whose checksum is wrong."""
        columns = (LOG.c.id, LOG.c.head, LOG.c.body, LOG.c.checksum)
        for row in self._writer.execute(sa.select(*columns).execution_options(yield_per=PAGE)):
            if checksum(row.head, row.body) != row.checksum:
                yield f"the checksum of request {row.id} is wrong"
        for setting in self._writer.execute(sa.select(SETTINGS)):
            if checksum(setting.value or b"") != setting.checksum:
                yield f"the checksum of the setting {setting.name!r} is wrong"

    @property
    def _is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    def _prepare(self) -> None:
        """Create the tables if they do not exist, and check that they can be written.

        So a role without the right to write is an error at the start, not at the first request.
        """
        try:
            self._create()
            with self.exclusive():
                pass
        except BaseException:
            self._discard()
            raise

    def _create(self) -> None:
        first = {"version": 1, "generation": 1, "next_row": 1, "next_entry": 1}
        self._writer.exec_driver_sql("BEGIN IMMEDIATE" if self._is_sqlite else "BEGIN")
        if not self._is_sqlite:  # Several mocks may start at once.
            self._writer.exec_driver_sql(f"SELECT pg_advisory_xact_lock({CREATION_LOCK})")
            self._check_encoding()
        names = set(sa.inspect(self._writer).get_table_names()) & metadata.tables.keys()
        is_new = not names
        if names and not {LOG.name, STATE.name} <= names:
            raise StoreError(
                f"{self._shown} has tables of another program: {', '.join(sorted(names))}. Nothing"
                " was changed; use another database"
            )
        if not is_new:
            self._check_format()
        metadata.create_all(self._writer)
        if not self._is_sqlite and (is_new or not self._writer.execute(SELECT_TRIGGER).all()):
            for statement in TRIGGERS:
                self._writer.exec_driver_sql(statement)
        if is_new:
            self._writer.execute(STATE.insert().values(first | {"only": 1, "format": FORMAT}))
        self._writer.exec_driver_sql("COMMIT")

    def _check_encoding(self) -> None:
        """Raise StoreError for a PostgreSQL database that cannot keep every text."""
        encoding = self._writer.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise StoreError(
                f"{self._shown} has encoding {encoding}, which cannot keep every text; create the"
                " database with ENCODING 'UTF8' TEMPLATE template0"
            )

    def _check_format(self) -> None:
        """Raise StoreError for a store of another version, or without its state."""
        found = self._writer.execute(sa.select(STATE.c.format)).scalars().all()
        if not found:
            raise StoreError(
                f"{self._shown} has lost its state: the table `state` is empty. Its rows were not"
                " changed. Restore it from a copy, or use another"
            )
        if found != [FORMAT]:
            raise StoreError(
                f"{self._shown} has format {found[0]}, this version reads {FORMAT}; use another"
            )

    def _begin(self) -> None:
        if self._is_sqlite:
            self._writer.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            try:
                self._writer.exec_driver_sql("BEGIN")
                self._writer.execute(sa.select(STATE.c.only).with_for_update()).all()
            except BaseException:
                self._roll_back()
                raise
        self._in_transaction = True

    def _change(self, **values: Any) -> None:
        """Change the state, which is another version then."""
        self._writer.execute(STATE.update().values(version=STATE.c.version + 1, **values))

    def _forget_some(self, token: str) -> None:
        """Take the records of a project out of requests with records of several."""
        mixed = sa.select(*ROW).where(LOG.c.token.is_(None))
        for row in [read_row(each) for each in self._writer.execute(mixed)]:
            if not has_token(row, token):
                continue
            left = without(row, token)
            this = LOG.c.id == row.id
            if left is None:
                self._writer.execute(LOG.delete().where(this))
            else:
                new = {"token": to_column(left.token), "head": left.head, "body": left.body}
                new_sum = checksum(left.head, left.body)
                self._writer.execute(LOG.update().where(this).values(checksum=new_sum, **new))

    def _drop(self) -> None:
        """Drop the oldest rows if there are too many."""
        if self._to_drop() is None:
            return
        with self.exclusive():
            entry = self._to_drop()
            if entry is not None:
                self.drop(entry)

    def _to_drop(self) -> int | None:
        """The entry id before which rows are too many; None if they are not."""
        first, after = self._again(lambda: self._writer.execute(SELECT_EXTENT).one())
        return oldest_to_keep(after if first is None else first, after, self._keep)
