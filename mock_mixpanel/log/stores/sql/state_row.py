"""The row of the table `state`: a writer locks it, and inserts it again if it was deleted."""

import logging
import time
from typing import Any

import sqlalchemy as sa

from mock_mixpanel.log.stores import StoreError
from mock_mixpanel.log.stores.sql.schema import FORMAT, OUR_STATE, SELECT_STATE, STATE

FIRST_STATE = {"only": 1, "format": FORMAT, "version": 1, "generation": 1}
NO_FLOORS = {"next_row": 1, "next_entry": 1}

_LOGGER = logging.getLogger("mock_mixpanel")


def make_first_state(connection: sa.Connection) -> None:
    """Insert the state of a new store."""
    connection.execute(STATE.insert().values(FIRST_STATE | NO_FLOORS))


def lock_state(connection: sa.Connection, shown: str) -> None:
    """Lock the state until the transaction ends. Raises StoreError for another format.

    A state that was deleted is made again: the log has all records. Its numbers are the time in
    microseconds, far beyond any that a mock has seen, so that each mock reads the log and all
    settings again, also if others empty the tables many times a second. JavaScript reads them
    exactly.
    """
    found = connection.execute(SELECT_STATE.with_for_update()).all()
    if not found:
        now = time.time_ns() // 1000
        numbers = FIRST_STATE | {"version": now, "generation": now}
        values = sa.select(*(sa.literal(each) for each in (numbers | NO_FLOORS).values()))
        absent = ~sa.exists().where(OUR_STATE)
        connection.execute(STATE.insert().from_select([*numbers, *NO_FLOORS], values.where(absent)))
        found = connection.execute(SELECT_STATE.with_for_update()).all()
        _LOGGER.warning("The table `state` of %s was empty. It was made again from the log", shown)
    check_format(found[0].format, shown)


def check_format(found: Any, shown: str) -> None:
    """Raise StoreError for the tables of another version."""
    if found != FORMAT:
        raise StoreError(f"{shown} has format {found}, this version reads {FORMAT}; use another")
