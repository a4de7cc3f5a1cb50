"""Tells of changes in a PostgreSQL database by LISTEN and NOTIFY.

Triggers send the notifications, so that every process reports its changes. A lost
connection is opened again. Meanwhile `listening` is False, and readers ask the database instead.
"""

import logging
import os
import select
import threading
from collections.abc import Callable
from typing import Any

CHANNEL = "mockpanel"
"""Of the notifications of a database. They say nothing but that something changed."""
RETRY_SECONDS = 1.0
"""Real seconds between two attempts to connect."""
COALESCE_SECONDS = 0.02
"""Real seconds after a notification in which further ones are collected."""
CLOSE_SECONDS = 1.0
"""Real seconds that `close` waits for an attempt to connect."""
KEEPALIVE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""Options of the driver, by which a database that is gone without a word is noticed."""
TRIGGERS = (
    f"""CREATE OR REPLACE FUNCTION mockpanel_changed() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_notify('{CHANNEL}', ''); RETURN NULL; END $$""",
    "DROP TRIGGER IF EXISTS mockpanel_changed ON log",
    "CREATE TRIGGER mockpanel_changed AFTER INSERT ON log"
    " FOR EACH STATEMENT EXECUTE PROCEDURE mockpanel_changed()",
    "DROP TRIGGER IF EXISTS mockpanel_changed ON state",
    "CREATE TRIGGER mockpanel_changed AFTER UPDATE ON state"
    " FOR EACH STATEMENT EXECUTE PROCEDURE mockpanel_changed()",
)
"""The statements that make the triggers. Every other change of the store also updates `state`."""

_LOGGER = logging.getLogger("mock_mixpanel")


class Notifications:
    """A thread that calls `changed` after each change of the database, and when it is lost.

    `connect` opens a connection of psycopg with the given options, which commits each statement.
    """

    def __init__(self, connect: Callable[..., Any], changed: Callable[[], None]) -> None:
        self._connect, self._changed = connect, changed
        self._listening = False
        self._stopped = threading.Event()
        self._end, self._stop = os.pipe()
        """A pipe: a byte written to its second end wakes the thread."""
        self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)
        self._thread.start()

    @property
    def listening(self) -> bool:
        """Whether changes are reported at this moment."""
        return self._listening

    def close(self) -> None:
        """End the thread and its connection."""
        self._stopped.set()
        os.write(self._stop, b"x")
        self._thread.join(CLOSE_SECONDS)
        if not self._thread.is_alive():
            os.close(self._end)
            os.close(self._stop)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except Exception:  # The driver's errors; it may be missing its own module here.
                _LOGGER.debug("the database does not report changes now", exc_info=True)
            if self._listening:
                self._listening = False
                self._changed()
            self._stopped.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        """Tell of changes until the connection is lost or `close` is called."""
        with self._connect(**KEEPALIVE) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._listening = True
            self._changed()  # There may have been changes before.
            while True:
                ready, _, _ = select.select([connection.fileno(), self._end], [], [])
                if self._stopped.wait(COALESCE_SECONDS) or self._end in ready:
                    return
                if list(connection.notifies(timeout=0)):
                    self._changed()
