"""The store in a database, by SQLAlchemy: it outlives the process, and several workers share it.

SQLite is used in WAL mode and never waits for the disk: what was acknowledged survives the end of
the process, however sudden, but not a power cut. One writer at a time appends rows, so they become
visible in the order of their ids.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import sqlalchemy as sa

from mock_mixpanel.log.row_codec import Packed, Row, has_token, without
from mock_mixpanel.log.stores import (
    PAGE,
    Changes,
    Page,
    answers_to_drop,
    oldest_to_keep,
    reports_no_changes,
)
from mock_mixpanel.log.stores.sql.database import SqlDatabase
from mock_mixpanel.log.stores.sql.notifications import Notifications
from mock_mixpanel.log.stores.sql.schema import (
    ANSWERS,
    LOG,
    OUR_STATE,
    ROW,
    SELECT_ANSWERS,
    SELECT_CHANGES,
    SELECT_EXTENT,
    SELECT_FLOORS,
    SELECT_PAGE,
    SELECT_ROWS,
    SELECT_ROWS_WITHOUT_BODIES,
    SELECT_STATE,
    SETTINGS,
    STATE,
    append_statement,
    checksum,
    read_row,
    read_setting,
    to_column,
)
from mock_mixpanel.log.stores.sql.setup import check_contents, prepare
from mock_mixpanel.log.stores.sql.state_row import check_format


class _Compiled(NamedTuple):
    """A statement as the driver takes it, and the order of its values if they have no names."""

    sql: str
    names: Sequence[str] | None


class SqlStore:
    """Rows in a table; see `Store` for the methods. Opening raises StoreError."""

    def __init__(self, url: str, keep: int | None = None) -> None:
        self._keep = keep
        self._database = SqlDatabase(url)
        self._subscriptions: list[Notifications] = []
        self._known: dict[int, int] = {}
        """Checksums of the rows that `page` gave last, by row id."""
        self._append = self._compiled(append_statement(guarded=False))
        self._append_at = self._compiled(append_statement(guarded=True))
        prepare(self._database)

    def check(self) -> None:
        """Read an SQLite file and compare all checksums. Raises StoreError for damaged rows.

        Other databases check their own pages.
        """
        if self._database.is_sqlite:
            check_contents(self._database)

    def settings(self, since: int) -> Changes:
        with self._database.lock:
            found = self._with_state(
                lambda: self._database.with_reconnect(
                    lambda: self._execute(SELECT_CHANGES, {"since": since}).all()
                )
            )
        check_format(found[0].format, self._database.shown)
        changed = dict(read_setting(*each[2:]) for each in found if each.name is not None)
        return Changes(found[0].version, changed)

    def exclusive(self) -> AbstractContextManager[None]:
        return self._database.exclusive()

    def put(self, name: str, value: bytes | None) -> None:
        self._change()
        key = to_column(name)
        version = sa.select(STATE.c.version).where(OUR_STATE).scalar_subquery()
        self._execute(SETTINGS.delete().where(SETTINGS.c.name == key))
        new = {"name": key, "version": version, "value": value}
        self._execute(SETTINGS.insert().values(checksum=checksum(value or b""), **new))

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
        with self._database.lock:
            if self._database.is_exclusive:
                return self._append_row(sql, sent)
            done = self._database.is_sqlite and self._append_alone(sql, sent)
            if not done and (version is None or not self._database.is_sqlite):
                with self.exclusive():
                    done = self._append_row(sql, sent)
            if self._keep is not None and done:
                self._drop()
            return done

    def page(self, generation: int | None, after: int, most: int = PAGE) -> Page:
        found = self._page(after, most)
        if after and generation is not None:
            if generation == found[0].generation and not self._is_known(after, found[0][1]):
                self._begin_generation(generation)
                found = self._page(after, most)
            if generation != found[0].generation:
                found = self._page(0, most)
        rows = [read_row(each[2:]) for each in found if each.id is not None]
        if generation is not None and rows:
            self._known = {each.id: each.checksum for each in found}
        return Page(found[0].generation, rows, len(rows) < most)

    def _page(self, after: int, most: int) -> Sequence[Any]:
        def read() -> Sequence[Any]:
            with self._database.reading() as reader:
                return reader.execute(SELECT_PAGE, {"after": after, "most": most}).all()

        return self._with_state(read)

    def _is_known(self, after: int, found: int | None) -> bool:
        """Whether the row `after` is the one that was read, by its checksum now."""
        return found is not None and self._known.get(after, found) == found

    def _begin_generation(self, generation: int) -> None:
        """Begin a new generation, because others deleted rows that were read."""
        with self.exclusive():
            if self._execute(SELECT_STATE).one().generation == generation:
                self._change(generation=STATE.c.generation + 1)

    def last(self) -> int:
        def read() -> Sequence[Any]:
            with self._database.reading() as reader:
                return reader.execute(SELECT_FLOORS).all()

        return int(self._with_state(read)[0][0]) - 1

    def rows(self, ids: Sequence[int], *, bodies: bool = True) -> Sequence[Row]:
        select = SELECT_ROWS if bodies else SELECT_ROWS_WITHOUT_BODIES
        with self._database.reading() as reader:
            found = {row[0]: read_row(row) for row in reader.execute(select, {"ids": list(ids)})}
        return [found[each] for each in ids if each in found]

    def forget(self, token: str | None) -> int:
        with self.exclusive():
            next_row, next_entry = self._execute(SELECT_FLOORS).one()
            if token is None:
                self._execute(LOG.delete())
            else:
                self._execute(LOG.delete().where(LOG.c.token == to_column(token)))
                self._forget_some(token)
            self._change(
                next_row=next_row, next_entry=next_entry, generation=STATE.c.generation + 1
            )
            return int(self._execute(SELECT_STATE).one().generation)

    def drop(self, entry: int) -> None:
        with self.exclusive():
            # By id, which has an index; `first` grows with it.
            first_kept = sa.select(sa.func.min(LOG.c.id)).where(LOG.c.first >= entry)
            newest = sa.select(sa.func.max(LOG.c.id))
            ids = [self._execute(each).scalar() for each in (first_kept, newest)]
            end = min((each for each in ids if each is not None), default=0)
            if self._execute(LOG.delete().where(LOG.c.id < end)).rowcount:
                self._change(generation=STATE.c.generation + 1)

    def remember(self, name: str, pages: Sequence[bytes]) -> None:
        name = str(to_column(name))
        with self.exclusive():
            self._execute(ANSWERS.delete().where(ANSWERS.c.name == name))
            new = [{"name": name, "page": n, "value": each} for n, each in enumerate(pages)]
            self._execute(ANSWERS.insert(), new)
            sizes = {key: int(size) for key, size in self._execute(SELECT_ANSWERS)}
            old = answers_to_drop(sizes)
            self._execute(ANSWERS.delete().where(ANSWERS.c.name.in_(old)))

    def recall(self, name: str, page: int) -> bytes | None:
        wanted = (ANSWERS.c.name == to_column(name), ANSWERS.c.page == page)
        asked = sa.select(ANSWERS.c.value).where(*wanted)
        with self._database.reading() as reader:
            found: bytes | None = reader.execute(asked).scalar()
            return found

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], bool]:
        if self._database.is_sqlite:
            return reports_no_changes
        notifications = Notifications(self._database.connect, changed)
        self._subscriptions.append(notifications)
        return lambda: notifications.listening

    def close(self) -> None:
        for each in self._subscriptions:
            each.close()
        self._database.close()

    def _compiled(self, statement: sa.Insert) -> _Compiled:
        compiled = statement.compile(self._database.engine)
        return _Compiled(str(compiled), compiled.positiontup)

    def _append_row(self, sql: str, values: Any) -> bool:
        """Append a row, and return whether it was appended. Uses the driver alone, for speed."""
        driver: Any = self._database.writer.connection.driver_connection
        return bool(driver.execute(sql, values).rowcount > 0)

    def _append_alone(self, sql: str, values: Any) -> bool:
        """Append a row in its own transaction; False also if the state was deleted."""
        self._database.check_file()
        try:
            return self._append_row(sql, values)
        except self._database.errors as error:
            raise self._database.unavailable_because(error) from error

    def _with_state(self, read: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        """The rows that `read` gives. None means that the state is lost: it is made again first."""
        found = read()
        while not found:
            with self.exclusive():
                pass
            found = read()
        return found

    def _execute(self, statement: sa.Executable, values: Any = None) -> Any:
        """Execute a statement on the connection that writes."""
        return self._database.writer.execute(statement, values)

    def _change(self, **values: Any) -> None:
        """Change the state, and increase its version."""
        new = {"version": STATE.c.version + 1, **values}
        self._execute(STATE.update().where(OUR_STATE).values(new))

    def _forget_some(self, token: str) -> None:
        """Take the records of a project out of requests with records of several."""
        mixed = sa.select(*ROW).where(LOG.c.token.is_(None))
        for row in [read_row(each) for each in self._execute(mixed)]:
            if not has_token(row, token):
                continue
            left = without(row, token)
            this = LOG.c.id == row.id
            if left is None:
                self._execute(LOG.delete().where(this))
            else:
                new = {"token": to_column(left.token), "head": left.head, "body": left.body}
                new_sum = checksum(left.head, left.body)
                self._execute(LOG.update().where(this).values(checksum=new_sum, **new))

    def _drop(self) -> None:
        """Drop the oldest rows if there are too many."""
        if self._to_drop() is None:
            return
        with self.exclusive():
            entry = self._to_drop()
            if entry is not None:
                self.drop(entry)

    def _to_drop(self) -> int | None:
        """The entry id before which rows are to be dropped; None if there are not too many."""
        first, after = self._database.with_reconnect(lambda: self._execute(SELECT_EXTENT).one())
        return oldest_to_keep(after if first is None else first, after, self._keep)
