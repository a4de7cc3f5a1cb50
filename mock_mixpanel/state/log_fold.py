"""The fold of the log into one state for each project and region.

A read applies only the new entries of the log. When a project was deleted, its state is discarded;
when old requests were dropped, all states are recomputed, since each may depend on them. Applying
entries step by step and all at once give the same state.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from time import monotonic, sleep
from typing import Any

from mock_mixpanel.garbage_collection import DiscardedTables, LongLived, uncollected
from mock_mixpanel.log.index import Index
from mock_mixpanel.log.journal import Log
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.log.row_codec import Row, entries_of
from mock_mixpanel.log.stores import PAGE, Page
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.state.events.event import IDENTITY_EVENTS
from mock_mixpanel.state.identities import identities_for
from mock_mixpanel.state.identities.links import LinkHistory, LinkLog, named_ids
from mock_mixpanel.state.lists.json_cache import Texts
from mock_mixpanel.state.lists.reason_counts import ReasonCount
from mock_mixpanel.state.lists.references import References, kind_of
from mock_mixpanel.state.project_state import ProjectState

SMALLEST_PAGE, FIRST_PAGE = 10, 50
"""Requests that are fetched at once while time is limited: the fewest, and the first number."""
SLICE_SECONDS, PAUSE_SECONDS = 0.05, 0.001
"""Seconds of a slice of a thread without a time limit, and of the pause after it."""


class LogFold:
    """The states of all projects, with the index of the log and counts of its records."""

    def __init__(
        self,
        log: Log,
        limits: Callable[[str], MixpanelLimits],
        group_keys: Callable[[str], Sequence[str]],
        now: Callable[[], float],
    ) -> None:
        """`limits` and `group_keys` give those of a project."""
        self._log = log
        self._limits = limits
        self._group_keys = group_keys
        self._now = now
        self._lock = threading.RLock()
        self._reading = threading.local()
        self._generation = 0
        self._long_lived, self._discarded = LongLived(), DiscardedTables()
        self._states: dict[tuple[str, str], ProjectState] = {}
        self._page_size = FIRST_PAGE
        """Number of requests that are fetched at once while time is limited."""
        self._discard_all()

    @contextmanager
    def reading_within(self, seconds: float) -> Iterator[None]:
        """Let this thread read new entries once in this block, in at most `seconds` of real time.

        So the block shows one moment, which may be older than the log; see `behind`.
        """
        self._reading.end = monotonic() + seconds
        self._reading.done = self._reading.keeps = False
        try:
            yield
        finally:
            self._reading.end = inf

    def catch_up(self, seconds: float) -> bool:
        """Read new entries for at most `seconds` of real time; True if there is no more to do.

        Rows that are fetched but not read are kept for the next call. If they were deleted
        meanwhile, the next fetch detects it, and everything is read again.
        """
        self._read_slice(seconds)
        return not self._incomplete and not self._discarded

    def behind(self) -> int:
        """The number of requests of the log that are not read yet."""
        return self._log.last() - self._index.last

    def states(self, token: str | None = None, region: str | None = None) -> list[ProjectState]:
        """The states of one project or of all, up to date. Call it in `locked`."""
        return [state for state in self._current(token) if region in (None, state.region)]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the states as they are."""
        with self._lock:
            before = self._holds
            self._reading.holds = True
            try:
                yield
            finally:
                self._reading.holds = before

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the states as they are, after new entries were read.

        Reads nothing if the thread holds the states already, or if its time is limited.
        """
        if not self._holds and getattr(self._reading, "end", inf) == inf:
            self._read_in_slices()
        with self.held():
            yield

    @property
    def _holds(self) -> bool:
        """Whether this thread keeps the states as they are."""
        return getattr(self._reading, "holds", False)

    def _read_in_slices(self) -> None:
        """Read all present entries. Between two slices other threads get the lock."""
        self._read_slice(SLICE_SECONDS)
        last = self._log.last()
        while self._incomplete and self._index.last < last:
            sleep(PAUSE_SECONDS)
            self._read_slice(SLICE_SECONDS)

    def _read_slice(self, seconds: float) -> None:
        with self._lock, self.reading_within(seconds):
            self._reading.keeps = True
            self._current(None)
            self._discarded.free_some()

    def _discard_all(self) -> None:
        """Discard all computed states."""
        self._discard(list(self._states))
        self._kept = Page(0, (), False)
        """The rows that `catch_up` fetched, but did not read."""
        self._incomplete = False
        """Whether the log has entries that are not applied because there was no time."""
        self._noted: dict[str, list[int]] = {}
        """By token, the ids of the entries that arrived with a reason."""
        self._index = Index(self._log)
        self._records: Counter[str] = Counter()
        """The number of records, by token."""
        self._refused: Counter[tuple[str, str]] = Counter()
        """The number of records that were refused at their arrival, by token and region."""
        self._reasons: dict[tuple[str, str], dict[str, ReasonCount]] = {}
        """The reasons that records arrived with, by token and region."""
        self._refused_links: dict[tuple[str, str], LinkLog] = {}
        """By token and region, the identity events that were refused when they arrived."""
        self._mixed: set[str] = set()
        """The projects that have records in a request with records of several projects."""
        self._use_index()

    def _discard(self, keys: Sequence[tuple[str, str]]) -> None:
        self._discarded.add(table for key in keys for table in self._states.pop(key).tables())

    def _use_index(self) -> None:
        self._texts = Texts(self._index)
        self.references = References(self._index.request_of)

    def _forget(self, tokens: set[str]) -> bool:
        """Discard the states of some projects, whose records were removed from the log.

        False if the requests of another project have changed with it.
        """
        if tokens & self._mixed:
            return False
        self._discard([key for key in self._states if key[0] in tokens])
        tables: Sequence[dict[Any, Any]] = (self._refused, self._reasons, self._refused_links)
        for table in tables:
            for key in [key for key in table if key[0] in tokens]:
                del table[key]
        for token in tokens:
            self._noted.pop(token, None)
            self._records.pop(token, None)
        self._kept = Page(0, (), False)
        # Readers may still use the former index.
        self._index = self._index.without(tokens)
        self._use_index()
        return True

    def _current(self, token: str | None) -> list[ProjectState]:
        """The states of one project or of all, up to date."""
        now = self._now()
        end = getattr(self._reading, "end", inf)
        if end == inf or not self._reading.done:
            self._apply_or_recompute(now, end)
        # Compared after that, because a deleted project has other options.
        if any(
            each.limits != self._limits(each.token)
            or each.group_keys != self._group_keys(each.token)
            for each in self._states.values()
        ):
            self._discard_all()
            self._apply_or_recompute(now, end)
        found = [state for state in self._states.values() if token in (None, state.token)]
        for state in found:
            # Apply no effect that is due after an entry that is not read.
            state.look(min(now, state.last) if self._incomplete else now)
        return found

    def _apply_or_recompute(self, now: float, end: float) -> None:
        with uncollected():
            if not self._apply_new_rows(now, end):
                self._discard_all()
                self._apply_new_rows(now, end)
            self._long_lived.freeze()
        self._reading.done = True

    def _apply_new_rows(self, now: float, end: float) -> bool:
        """Apply new entries until the real time `end`, but at least those of one request.

        False: the clock went back before an effect that was applied.
        """
        last, self._incomplete = False, False
        while not last:
            rows, last = self._next_rows(limited=end != inf)
            if any(now < state.ahead for state in self._states.values()):
                return False
            for number, row in enumerate(rows, 1):
                if not self._apply_row(row):
                    return False
                if monotonic() > end:
                    self._keep_for_later(rows[number:], last)
                    return True
        return True

    def _next_rows(self, *, limited: bool) -> tuple[Sequence[Row], bool]:
        """The rows after the last one that was read, and whether there are no more of them."""
        keeps = limited and self._reading.keeps
        kept = [row for row in self._kept.rows if row.id > self._index.last]
        if keeps and kept:
            return kept, self._kept.last
        most = self._page_size if limited and not keeps else PAGE
        page = self._log.page(self._generation, self._index.last, most)
        if limited and not keeps:
            self._page_size = min(PAGE, 2 * most)
        if page.generation != self._generation:
            tokens = self._log.forgotten(self._generation, page.generation)
            self._generation = page.generation
            if tokens is not None and self._forget(tokens):
                return self._next_rows(limited=limited)
            self._discard_all()
        return page.rows, page.last

    def _keep_for_later(self, rows: Sequence[Row], last: bool) -> None:
        """Keep fetched rows for a later reader."""
        self._incomplete = bool(rows) or not last
        if self._reading.keeps:
            self._kept = Page(self._generation, rows, last)
        elif rows:
            self._page_size = max(SMALLEST_PAGE, self._page_size // 4)

    def _apply_row(self, row: Row) -> bool:
        self._index.add(row)
        entries = entries_of(row)
        self._long_lived.add(len(entries))
        if row.token is None:
            self._records.update(entry.verdict.token for entry in entries)
            self._mixed.update(entry.verdict.token for entry in entries)
        else:
            self._records[row.token] += len(entries)
        for entry in entries:
            if entry.verdict.accepted:
                state = self._state(entry)
                if entry.verdict.received_at < state.ahead:
                    return False
                state.apply(entry)
            else:
                self._refused[entry.verdict.token, entry.verdict.region] += 1
                if kind_of(entry) == "event":
                    self._note_refused_link(entry)
            if entry.verdict.reasons:
                self._count_reasons(entry)
                self._noted.setdefault(entry.verdict.token, []).append(entry.id)
        return True

    def _count_reasons(self, entry: LogEntry) -> None:
        counts = self._reasons.setdefault((entry.verdict.token, entry.verdict.region), {})
        for reason in entry.verdict.reasons:
            counts.setdefault(reason, ReasonCount()).add(entry.id)

    def _note_refused_link(self, entry: LogEntry) -> None:
        record, verdict = entry.record, entry.verdict
        if isinstance(record, dict) and record.get("event") in IDENTITY_EVENTS:
            at, reason = verdict.received_at, "; ".join(verdict.reasons)
            refused = LinkHistory(named_ids(record), entry.id, at, at, "refused", reason)
            self._refused_links.setdefault((verdict.token, verdict.region), LinkLog()).add(refused)

    def _state(self, entry: LogEntry) -> ProjectState:
        key = (entry.verdict.token, entry.verdict.region)
        if key not in self._states:
            limits = self._limits(entry.verdict.token)
            identities = identities_for(entry.verdict.identity, limits.cluster_ids)
            group_keys = self._group_keys(entry.verdict.token)
            self._states[key] = ProjectState(*key, identities, limits, group_keys, self._entries)
        return self._states[key]

    def _entries(self, ids: Sequence[int]) -> Iterator[LogEntry]:
        return self._index.entries(ids)
