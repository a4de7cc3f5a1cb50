"""The log of a store: requests are appended, and read back as requests and entries."""

from collections.abc import Container, Iterator, Sequence
from itertools import islice

from mock_mixpanel.log.forgotten import ForgottenProjects
from mock_mixpanel.log.records import Arrival, Draft, Exchange, Journaled, LogEntry, Places
from mock_mixpanel.log.retention import Retention
from mock_mixpanel.log.row_codec import (
    Packed,
    Row,
    dump,
    entries_of,
    has_token,
    journaled,
    pack,
    without_records,
)
from mock_mixpanel.log.stores import PAGE, Page, Store

AT_ONCE = 200
"""Number of requests that are fetched at once for their entries."""


class Log:
    """The requests and entries that a store keeps."""

    def __init__(self, store: Store, retention: Retention | None = None) -> None:
        self._store, self._retention = store, retention
        self._forgotten = ForgottenProjects(store)

    def append(self, exchange: Exchange, drafts: Sequence[Draft]) -> None:
        """Store a request with its records; ids count up from 1 and are never used again."""
        records = dump([draft.record for draft in drafts])
        self.append_packed(pack(Arrival(exchange, [draft.verdict for draft in drafts], records)))

    def append_packed(self, packed: Packed, version: int | None = None) -> bool:
        """Store a packed request; False, without storing, if the settings have another version."""
        stored = self._store.append(packed, version)
        if stored and self._retention:
            self._retention.request_stored()
        return stored

    def page(self, generation: int, after: int, most: int = PAGE) -> Page:
        """The next rows after a request, or the first ones if something was forgotten since."""
        return self._store.page(generation, after, most)

    def rows(self, after: int = 0, token: str | None = None) -> Iterator[Row]:
        """All requests, or those with records of a project, oldest first, still packed."""
        while True:
            page = self._store.page(None, after)
            for row in page.rows:
                if token is None or has_token(row, token):
                    yield row
            if page.last:
                return
            after = page.rows[-1].id

    def journal(self) -> list[Journaled]:
        """All requests, oldest first."""
        return [journaled(row) for row in self.rows()]

    def entries(self, requests: Iterator[Places]) -> Iterator[LogEntry]:
        """The entries at some places, request by request; what was forgotten is left out."""
        while wanted := dict(islice(requests, AT_ONCE)):
            for row in self._store.rows(list(wanted)):
                only = {row.first + index for index in wanted[row.id]}
                yield from entries_of(row, only=only)

    def last(self) -> int:
        """The id of the last request that was stored, forgotten ones included; 0 if none was."""
        return self._store.last()

    def requests(
        self, ids: Sequence[int], *, records: bool = True, only: Container[int] | None = None
    ) -> Iterator[Journaled]:
        """The requests of these ids, in this order; what was forgotten is left out.

        Without `records` there is None in place of each record; `only` leaves the records of these
        entry ids.
        """
        for row in self._store.rows(ids, bodies=records):
            yield journaled(row, only=only) if records else without_records(row)

    def forget(self, token: str | None = None) -> None:
        """Everything, or the records of one project and the requests that had no others."""
        with self._store.exclusive():
            generation = self._store.forget(token)
            if token is not None:
                self._forgotten.add(generation, token)

    def forgotten(self, before: int, generation: int) -> set[str] | None:
        """The projects that were forgotten after a generation; None to read everything again."""
        return self._forgotten.between(before, generation)
