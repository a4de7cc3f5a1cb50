"""The tables of the store in a database, the statements, and how values stand in columns."""

import json
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import sqlalchemy as sa

from mock_mixpanel.log.frames import DamagedError
from mock_mixpanel.log.row_codec import Row

FORMAT = 2
"""The version of the tables and their contents; a store of another version cannot be read."""

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
    sa.Column("checksum", sa.BigInteger, nullable=False),
)
SETTINGS = sa.Table(
    "settings",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False, index=True),
    sa.Column("value", sa.LargeBinary),
    sa.Column("checksum", sa.BigInteger, nullable=False),
)
"""A setting without a value was removed."""
STATE = sa.Table(
    "state",
    metadata,
    sa.Column("only", sa.Integer, primary_key=True),
    sa.Column("format", sa.Integer, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("next_row", sa.BigInteger, nullable=False),
    sa.Column("next_entry", sa.BigInteger, nullable=False),
)
"""`next_row` and `next_entry` are the lowest numbers to assign, even if later rows were deleted."""
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
STATE_AND_NEWEST = STATE.outerjoin(_newest, sa.true())
OUR_STATE = STATE.c.only == sa.literal_column("1")
"""The condition for the only row of the table `state` that is used."""


def _greater(one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The greater one; `other` may be NULL."""
    return sa.case((other > one, other), else_=one)


# After the newest row, and never what was given out before.
NEXT_ROW = _greater(STATE.c.next_row, _newest.c.id + sa.literal_column("1"))
NEXT_ENTRY = _greater(STATE.c.next_entry, _newest.c.first + _newest.c.count)


SELECT_FLOORS = sa.select(NEXT_ROW, NEXT_ENTRY).select_from(STATE_AND_NEWEST).where(OUR_STATE)
"""The next row id and entry id: lower ones are never assigned."""
SELECT_STATE = sa.select(STATE.c.format, STATE.c.generation).where(OUR_STATE)


def append_statement(guarded: bool) -> sa.Insert:
    values = [
        NEXT_ROW,
        NEXT_ENTRY,
        sa.bindparam("new_count", type_=sa.Integer),
        sa.bindparam("new_token", type_=sa.Text),
        sa.bindparam("new_head", type_=sa.LargeBinary),
        sa.bindparam("new_body", type_=sa.LargeBinary),
        sa.bindparam("new_checksum", type_=sa.BigInteger),
    ]
    chosen = sa.select(*values).select_from(STATE_AND_NEWEST).where(OUR_STATE)
    if guarded:
        chosen = chosen.where(STATE.c.version == sa.bindparam("version"))
    return LOG.insert().from_select([each.name for each in LOG.c], chosen)


ROW = (LOG.c.id, LOG.c.first, LOG.c.token, LOG.c.head, LOG.c.body, LOG.c.checksum)
_CHECKSUM_OF_AFTER = (
    sa.select(LOG.c.checksum).where(LOG.c.id == sa.bindparam("after")).scalar_subquery()
)
SELECT_PAGE = (
    sa.select(STATE.c.generation, _CHECKSUM_OF_AFTER, *ROW)
    .select_from(STATE.outerjoin(LOG, LOG.c.id > sa.bindparam("after")))
    .where(OUR_STATE)
    .order_by(LOG.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_WITH_IDS = LOG.c.id.in_(sa.bindparam("ids", expanding=True))
SELECT_ROWS = sa.select(*ROW).where(_WITH_IDS)
_NO_BODY = sa.literal(b"", sa.LargeBinary)
SELECT_ROWS_WITHOUT_BODIES = sa.select(*ROW[:4], _NO_BODY).where(_WITH_IDS)
_OLDEST = sa.select(LOG.c.first).order_by(LOG.c.id).limit(1)
SELECT_EXTENT = (
    sa.select(_OLDEST.scalar_subquery(), NEXT_ENTRY).select_from(STATE_AND_NEWEST).where(OUR_STATE)
)
SELECT_ANSWERS = (
    sa.select(ANSWERS.c.name, sa.func.sum(sa.func.length(ANSWERS.c.value)))
    .group_by(ANSWERS.c.name)
    .order_by(sa.func.max(ANSWERS.c.id).desc())
)
SELECT_CHANGES = (
    sa.select(
        *(STATE.c.format, STATE.c.version),
        *(SETTINGS.c.name, SETTINGS.c.value, SETTINGS.c.checksum),
    )
    .select_from(STATE.outerjoin(SETTINGS, SETTINGS.c.version > sa.bindparam("since")))
    .where(OUR_STATE)
    .order_by(SETTINGS.c.version)
)

_ESCAPED = "\x1b"
"""First character of a text in a column that is written in JSON's escapes."""


def to_column(text: str | None) -> str | None:
    """A text as every database can keep it: some take no NUL, and none a lone surrogate."""
    if text is None:
        return None
    if "\0" in text or text.startswith(_ESCAPED) or not text.isprintable():
        return _ESCAPED + json.dumps(text)
    return text


def from_column(column: str) -> str:
    """The text that `_column` wrote."""
    if column.startswith(_ESCAPED):
        return str(json.loads(column.removeprefix(_ESCAPED)))
    return column


def read_row(columns: Sequence[Any]) -> Row:
    """The row of the columns `ROW`, or of all but its checksum. Raises DamagedError."""
    row_id, first, token, head, body, *rest = columns
    if rest and rest[0] != checksum(head, body):
        raise DamagedError(
            f"the checksum of request {row_id} is wrong: the row is damaged, or of another program."
            " Restore it from a copy, or delete it from the table `log`"
        )
    return Row(row_id, first, None if token is None else from_column(token), head, body)


def read_setting(name: str, value: bytes | None, checked: int) -> tuple[str, bytes | None]:
    """The name and value of a setting. Raises DamagedError if its checksum is not this one."""
    if checked != checksum(value or b""):
        raise DamagedError(
            f"the checksum of the setting {name!r} is wrong: the row is damaged, or of another"
            " program. Restore it from a copy, or delete it from the table `settings`"
        )
    return from_column(name), value


def checksum(*parts: bytes) -> int:
    found = 0
    for part in parts:
        found = crc32(part, found)
    return found
