"""The journal of requests, read through the index of the fold."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from mock_mixpanel.log.records import Journaled, LogEntry
from mock_mixpanel.state.log_fold import LogFold

FIRST, AT_ONCE = 10, 100
"""Number of requests in the first fetch, and in any fetch, when the journal is read backwards."""
FIRST_WITHOUT_RECORDS = 51
"""The same without records: a page of 50, and the one after it."""
MOST_UNREAD = 500
"""Unread requests that are looked at for those of one project."""
RECORDS_AT_ONCE = 20
"""Records that are fetched at once, each with its request."""


class JournalReader(LogFold):
    """Requests and records of the log, newest first or by id."""

    def journal(
        self,
        token: str | None = None,
        before: int | None = None,
        *,
        records: bool = True,
        unread: bool = False,
    ) -> Iterator[Journaled]:
        """The requests, or those with records of a project, newest first, before a request id.

        Without `records` there is None in place of each record. With `unread`, it begins with
        requests that are not read yet: nothing is known of the effects of their records.
        """
        with self.locked():
            self._current(token)
            numbers = self._index.backwards(before, token)
            if unread:
                numbers = chain(self._unread(token, before), numbers)
        size = FIRST if records else FIRST_WITHOUT_RECORDS  # Most readers need only a few.
        while some := list(islice(numbers, size)):
            size = min(AT_ONCE, 2 * size)
            for request in self._log.requests(some, records=records):
                if token is None or token in request.tokens:
                    yield request

    def request(self, number: int) -> Journaled | None:
        """A request by its id."""
        return next(self._log.requests([number]), None)

    def requests_of(self, entries: Iterable[int]) -> Iterator[tuple[Journaled, LogEntry]]:
        """Records, each with its request, by entry ids in any order; forgotten ones are left out.

        The requests have no other records.
        """
        with self.locked():
            self._current(None)
            request_of = self._index.request_of
        numbers = iter(entries)
        while some := list(islice(numbers, RECORDS_AT_ONCE)):
            wanted = {each: request_of(each) for each in some}
            ids = list(dict.fromkeys(wanted.values()))
            requests = self._log.requests(ids, only=wanted.keys())
            there = {e.id: (request, e) for request in requests for e in request.entries}
            yield from (there[number] for number in wanted if number in there)

    def count_requests(self, token: str | None = None) -> int:
        """The number of requests, or of those that may have records of a project."""
        with self.locked():
            self._current(token)
            return self._index.count(token)

    def request_before(self, record: int) -> int:
        """The request id before which all records before a record are."""
        with self.locked():
            self._current(None)
            return self._index.request_of(record) + 1

    def _unread(self, token: str | None, before: int | None) -> Sequence[int]:
        """The ids of requests that are not read yet, newest first.

        To find those of one project, each request must be read. So the result is empty if there are
        more than `MOST_UNREAD`.
        """
        last = self._log.last()
        if before is not None:
            last = min(last, before - 1)
        found = range(last, self._index.last, -1)
        return found if token is None or len(found) <= MOST_UNREAD else ()
