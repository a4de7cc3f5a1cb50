"""Retention by time: requests that are too old are dropped, with all their effects."""

from collections.abc import Callable
from contextlib import suppress

from mock_mixpanel.log.row_codec import exchange_of
from mock_mixpanel.log.stores import Store, StoreError

LOOKS = 20
"""Number of checks of the oldest request during one period of retention."""
SLACK = 10
"""A tenth of the retention is dropped at once, because all state is then computed again."""


class Retention:
    """Drops the requests that arrived more than `seconds` ago, in virtual time, and somewhat later.

    `now` gives the virtual time in seconds. Several workers may drop at the same time.
    """

    def __init__(self, store: Store, seconds: float, now: Callable[[], float]) -> None:
        self._store, self._seconds, self._now = store, seconds, now
        self._looked = now()

    def request_stored(self) -> None:
        """Check the oldest request, if it is time; the next check repeats a failed one.

        An error here does not affect the request that was just stored.
        """
        now = self._now()
        if 0 <= now - self._looked < self._seconds / LOOKS:
            return
        self._looked = now
        with suppress(StoreError, OSError):
            entry = self._first_to_keep(now - self._seconds)
            if entry is not None:
                self._store.drop(entry)

    def _first_to_keep(self, oldest: float) -> int | None:
        """The entry id before which all requests arrived before a virtual time.

        None if the oldest request is not much older than that.
        """
        after, entry = 0, None
        while True:
            page = self._store.page(None, after)
            for row in page.rows:
                at = exchange_of(row).received_at
                if after == 0 and row is page.rows[0] and at > oldest - self._seconds / SLACK:
                    return None
                if at >= oldest:
                    return row.first
                entry = row.first + 1
            if page.last:
                return entry
            after = page.rows[-1].id
