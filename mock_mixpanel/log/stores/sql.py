"""The store in a database, by SQLAlchemy: it outlives the process, and several workers share it.

SQLite is kept in WAL mode and never waits for the disk: what was acknowledged survives the end of
the process, however sudden, but not a power cut. Rows are appended by one writer at a time, so they
become visible in the order of their ids.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from mock_mixpanel.log.row_codec import Packed, Row, has_token, without
from mock_mixpanel.log.stores import PAGE, Page, State, StoreError, answers_to_drop, oldest_to_keep

FORMAT = 1
"""Of the tables and of what is in them; a store of another format cannot be read."""

PATIENCE_SECONDS = 60
"""How long to wait for another writer."""

CHECK_EVERY = 64
"""After how many appended rows to look whether there are too many."""

metadata = sa.MetaData()
_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # else it is not SQLite's row id
LOG = sa.Table(
    "log",
    metadata,
    sa.Column("id", _id, primary_key=True, autoincrement=False),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("token", sa.Text),
    sa.Column("head", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
STATE = sa.Table(
    "state",
    metadata,
    sa.Column("only", sa.Integer, primary_key=True),
    sa.Column("format", sa.Integer, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("next_row", sa.BigInteger, nullable=False),
    sa.Column("next_entry", sa.BigInteger, nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
)
"""`next_row` and `next_entry` are the least that may be given out, whatever rows were forgotten."""
ANSWERS = sa.Table(
    "answers",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, index=True),
    sa.Column("page", sa.Integer, nullable=False),
    sa.Column("value", sa.LargeBinary, nullable=False),
)


_newest = (
    sa.select(LOG.c.id, LOG.c.first, LOG.c.count)
    .where(LOG.c.id == sa.select(sa.func.max(LOG.c.id)).scalar_subquery())
    .subquery("newest")
)
_STATE_AND_NEWEST = STATE.outerjoin(_newest, sa.true())


def _greater(one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The greater one; `other` may be NULL."""
    return sa.case((other > one, other), else_=one)


# After the newest row, and never what was given out before.
_next_row = _greater(STATE.c.next_row, _newest.c.id + sa.literal_column("1"))
_next_entry = _greater(STATE.c.next_entry, _newest.c.first + _newest.c.count)


def _append(guarded: bool) -> sa.Insert:
    values = [
        _next_row,
        _next_entry,
        sa.bindparam("new_count", type_=sa.Integer),
        sa.bindparam("new_token", type_=sa.Text),
        sa.bindparam("new_head", type_=sa.LargeBinary),
        sa.bindparam("new_body", type_=sa.LargeBinary),
    ]
    chosen = sa.select(*values).select_from(_STATE_AND_NEWEST)
    if guarded:
        chosen = chosen.where(STATE.c.version == sa.bindparam("version"))
    return LOG.insert().from_select([each.name for each in LOG.c], chosen)


_ROW = (LOG.c.id, LOG.c.first, LOG.c.token, LOG.c.head, LOG.c.body)
_PAGE = (
    sa.select(STATE.c.generation, *_ROW)
    .select_from(STATE.outerjoin(LOG, LOG.c.id > sa.bindparam("after")))
    .where(STATE.c.only == 1)
    .order_by(LOG.c.id)
    .limit(PAGE)
)
_ROWS = sa.select(*_ROW).where(LOG.c.id.in_(sa.bindparam("ids", expanding=True)))
_OLDEST = sa.select(LOG.c.first).order_by(LOG.c.id).limit(1)
_ANSWERS = (
    sa.select(ANSWERS.c.name, sa.func.sum(sa.func.length(ANSWERS.c.value)))
    .group_by(ANSWERS.c.name)
    .order_by(sa.func.max(ANSWERS.c.id).desc())
)
_STATE = sa.select(STATE.c.version, STATE.c.document)


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
        self._appended = 0
        self._engine = _engine(url)
        self._append = self._compiled(_append(guarded=False))
        self._append_at = self._compiled(_append(guarded=True))
        try:
            self._writer = self._engine.connect()
            self._create()
        except SQLAlchemyError as error:
            shown = self._engine.url.render_as_string()
            raise StoreError(f"{shown} cannot be opened: {_told(error)}") from error

    def state(self) -> State:
        with self._lock:
            return State(*self._writer.execute(_STATE).one())

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._lock:
            self._depth += 1
            try:
                if self._depth > 1:
                    yield
                    return
                self._begin()
                try:
                    yield
                except BaseException:
                    self._writer.exec_driver_sql("ROLLBACK")
                    raise
                self._writer.exec_driver_sql("COMMIT")
            finally:
                self._depth -= 1

    def put(self, document: bytes) -> None:
        self._change(document=document)

    def append(self, packed: Packed, version: int | None = None) -> bool:
        values = {
            "new_count": max(1, packed.size),
            "new_token": packed.token,
            "new_head": packed.head,
            "new_body": packed.body,
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
            self._appended += 1
            if self._keep is not None and self._appended % CHECK_EVERY == 0:
                self._drop()
            return done

    def page(self, generation: int | None, after: int) -> Page:
        with self._engine.connect() as reader:
            found = reader.execute(_PAGE, {"after": after}).all()
            if after and generation not in (None, found[0][0]):
                found = reader.execute(_PAGE, {"after": 0}).all()
        return Page(found[0][0], [Row(*each[1:]) for each in found if each[1] is not None])

    def rows(self, ids: Sequence[int]) -> Sequence[Row]:
        with self._engine.connect() as reader:
            found = {row[0]: Row(*row) for row in reader.execute(_ROWS, {"ids": list(ids)})}
        return [found[each] for each in ids if each in found]

    def forget(self, token: str | None) -> None:
        with self.exclusive():
            floors = sa.select(_next_row, _next_entry).select_from(_STATE_AND_NEWEST)
            next_row, next_entry = self._writer.execute(floors).one()
            if token is None:
                self._writer.execute(LOG.delete())
            else:
                self._writer.execute(LOG.delete().where(LOG.c.token == token))
                self._forget_some(token)
            self._change(
                next_row=next_row, next_entry=next_entry, generation=STATE.c.generation + 1
            )

    def remember(self, name: str, pages: Sequence[bytes]) -> None:
        with self.exclusive():
            self._writer.execute(ANSWERS.delete().where(ANSWERS.c.name == name))
            new = [{"name": name, "page": n, "value": each} for n, each in enumerate(pages)]
            self._writer.execute(ANSWERS.insert(), new)
            sizes = {key: int(size) for key, size in self._writer.execute(_ANSWERS)}
            old = answers_to_drop(sizes)
            self._writer.execute(ANSWERS.delete().where(ANSWERS.c.name.in_(old)))

    def recall(self, name: str, page: int) -> bytes | None:
        asked = sa.select(ANSWERS.c.value).where(ANSWERS.c.name == name, ANSWERS.c.page == page)
        with self._engine.connect() as reader:
            found: bytes | None = reader.execute(asked).scalar()
            return found

    def close(self) -> None:
        self._writer.close()
        self._engine.dispose()

    def _compiled(self, statement: sa.Insert) -> _Compiled:
        compiled = statement.compile(self._engine)
        return _Compiled(str(compiled), compiled.positiontup)

    def _append_row(self, sql: str, values: Any) -> bool:
        """Whether a row was appended; by the driver alone, since nothing is asked as often."""
        driver: Any = self._writer.connection.driver_connection
        return bool(driver.execute(sql, values).rowcount > 0)

    @property
    def _is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    def _create(self) -> None:
        first = {"version": 1, "generation": 1, "next_row": 1, "next_entry": 1}
        self._writer.exec_driver_sql("BEGIN IMMEDIATE" if self._is_sqlite else "BEGIN")
        metadata.create_all(self._writer)
        if self._writer.execute(sa.select(STATE.c.format)).first() is None:
            new = {"only": 1, "format": FORMAT, "document": b"{}"}
            self._writer.execute(STATE.insert().values(first | new))
        self._writer.exec_driver_sql("COMMIT")
        (found,) = self._writer.execute(sa.select(STATE.c.format)).one()
        if found != FORMAT:
            shown = self._engine.url.render_as_string()
            raise StoreError(
                f"{shown} has format {found}, this version reads {FORMAT}; use another"
            )

    def _begin(self) -> None:
        if self._is_sqlite:
            self._writer.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            self._writer.exec_driver_sql("BEGIN")
            self._writer.execute(sa.select(STATE.c.only).with_for_update()).all()

    def _change(self, **values: Any) -> None:
        """Change the state, which is another version then."""
        self._writer.execute(STATE.update().values(version=STATE.c.version + 1, **values))

    def _forget_some(self, token: str) -> None:
        """Take the records of a project out of requests with records of several."""
        mixed = sa.select(*_ROW).where(LOG.c.token.is_(None))
        for row in [Row(*each) for each in self._writer.execute(mixed)]:
            if not has_token(row, token):
                continue
            left = without(row, token)
            this = LOG.c.id == row.id
            if left is None:
                self._writer.execute(LOG.delete().where(this))
            else:
                new = {"token": left.token, "head": left.head, "body": left.body}
                self._writer.execute(LOG.update().where(this).values(new))

    def _drop(self) -> None:
        """Drop the oldest rows if there are too many."""
        with self.exclusive():
            oldest = self._writer.execute(
                sa.select(LOG.c.first).order_by(LOG.c.id).limit(1)
            ).scalar()
            after = self._writer.execute(
                sa.select(_next_entry).select_from(_STATE_AND_NEWEST)
            ).scalar_one()
            drop = oldest_to_keep(after if oldest is None else oldest, after, self._keep)
            if drop is not None:
                newest = sa.select(sa.func.max(LOG.c.id)).scalar_subquery()
                self._writer.execute(LOG.delete().where(LOG.c.first < drop, LOG.c.id < newest))
                self._change(generation=STATE.c.generation + 1)


def _engine(url: str) -> sa.Engine:
    """Connections that commit each statement, unless there is a BEGIN."""
    known = "use memory:, folder:path, sqlite:///file or postgresql://user@host/database"
    try:
        parsed = sa.make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        sqlite = parsed.get_backend_name() == "sqlite"
        if sqlite and parsed.database in (None, "", ":memory:"):
            raise StoreError(f"{url} is not a file; {known}")
        waits = {"timeout": PATIENCE_SECONDS} if sqlite else {}
        engine = sa.create_engine(parsed, isolation_level="AUTOCOMMIT", connect_args=waits)
    except ModuleNotFoundError as error:
        needs = "pip install 'mockpanel[postgresql]'" if "psycopg" in str(error) else "install it"
        raise StoreError(f"this kind of store needs {error.name}: {needs}") from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(f"{url.partition(':')[0]!r} is no kind of store; {known}") from error
    if sqlite:
        sa.event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")


def _told(error: SQLAlchemyError) -> str:
    """What the database said, without the statement and its values."""
    return str(getattr(error, "orig", None) or error).splitlines()[0]
