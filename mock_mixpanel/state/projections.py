"""Events, profiles, groups and identities from the log.

There is one state for each project and region, a fold over its entries. A read applies only what is
new in the log. When something was forgotten, all states are recomputed. Applying entries step by
step and all at once give the same state.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from math import inf
from operator import attrgetter
from time import monotonic
from typing import Any

from mock_mixpanel.gc_pause import uncollected
from mock_mixpanel.log.index import Index
from mock_mixpanel.log.journal import Log
from mock_mixpanel.log.records import Journaled, LogEntry
from mock_mixpanel.log.row_codec import Row, entries_of
from mock_mixpanel.projects.config import REGIONS, MixpanelLimits
from mock_mixpanel.state.events import IDENTITY_EVENTS
from mock_mixpanel.state.fates import Fate, Fates
from mock_mixpanel.state.findings import Finding
from mock_mixpanel.state.identities import identities_for
from mock_mixpanel.state.identities.links import LinkHistory, named_ids
from mock_mixpanel.state.identity_report import IDENTITY_LISTS, identity_report
from mock_mixpanel.state.json_cache import Texts
from mock_mixpanel.state.list_items import Item, Seen, with_entries
from mock_mixpanel.state.pagination import ALL, Part
from mock_mixpanel.state.project_state import ProjectState
from mock_mixpanel.state.reason_counts import ReasonCount
from mock_mixpanel.state.references import References, kind_of

__all__ = ["Item", "Projections", "Seen"]

AT_ONCE = 100
"""How many requests are fetched at once when the journal is read backwards."""
RECORDS_AT_ONCE = 20
"""Records that are fetched at once, each with its request."""


class Projections:
    """The state of all projects, brought up to date when it is read."""

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
        self._begin()

    @contextmanager
    def reading_within(self, seconds: float) -> Iterator[None]:
        """Let this thread read new entries for at most so many real seconds in this block.

        What it reads may then be older than the log; see `behind`.
        """
        self._reading.end = monotonic() + seconds
        try:
            yield
        finally:
            self._reading.end = inf

    def catch_up(self, seconds: float) -> bool:
        """Read new entries for at most so many real seconds; True if none are left."""
        with self.reading_within(seconds), self._lock:
            self._current(None)
            return self.behind() == 0

    def behind(self) -> int:
        """How many requests of the log are not read yet."""
        return self._log.last() - self._index.last

    def items(self, kind: str, token: str | None = None, *, raw: bool = False) -> list[Item]:
        """`events`, `profiles` or `groups` of one project or of all, oldest first."""
        if kind == "events":
            return list(self.event_items(self.events(token, raw=raw)))
        read: dict[str, Callable[[ProjectState], list[Item]]] = {
            "profiles": ProjectState.profile_items,
            "groups": ProjectState.group_items,
        }
        with self._lock:
            return [item for state in self._current(token) for item in read[kind](state)]

    def events(
        self,
        token: str | None = None,
        region: str | None = None,
        *,
        raw: bool = False,
        part: Part = ALL,
    ) -> Sequence[Seen]:
        """The events of one project or of all, oldest first, without their properties."""
        with self._lock, uncollected():
            states = [each for each in self._current(token) if region in (None, each.region)]
            found = [state.seen(raw, part) for state in states]
            if len(found) == 1:
                return found[0]
            together = sorted(chain.from_iterable(found), key=attrgetter("id"))
        return list(Part(limit=part.limit).of(together))

    def event_texts(
        self, token: str | None = None, *, raw: bool = False, part: Part = ALL
    ) -> Iterator[bytes]:
        """The same as JSON text, piece by piece, with commas between them."""
        with self._lock:
            found = self.events(token, raw=raw, part=part)
            return self._texts.pieces(found, keep=part == ALL)

    def event_items(self, seen: Sequence[Seen]) -> Iterator[Item]:
        """These events with their properties, without those that were forgotten meanwhile."""
        found = with_entries(seen, self._index.entries)
        return (each.item(entry) for each, entry in found)

    def rejected(self, token: str | None = None) -> Iterator[LogEntry]:
        """The entries that were refused, or have a reason or a finding, oldest first."""
        with self._lock:
            return self._index.entries(self.noted(token))

    def tasks(self, token: str) -> list[LogEntry]:
        """Data deletions and retrievals of a project, and their cancellations, oldest first."""
        with self._lock:
            return [task for state in self._current(token) for task in state.tasks]

    def identities(
        self, token: str | None = None, region: str | None = None, who: str | None = None
    ) -> dict[str, list[Any]]:
        """Clusters, links, and what is pending, split, duplicate and queued.

        `who` leaves only what concerns one id; see `identity_report`.
        """
        found: dict[str, list[Any]] = {name: [] for name in IDENTITY_LISTS}
        with self._lock:
            for state in self.states(token, region):
                refused = self._refused_links.get((state.token, state.region), [])
                report = identity_report(state, self.references, refused, who)
                for name, items in report.items():
                    found[name] += items
        return found

    def fates(self, entries: Sequence[LogEntry]) -> list[Fate]:
        """The fate of each of these records."""
        with self._lock:
            wanted = {(entry.verdict.token, entry.verdict.region) for entry in entries}
            fates = {
                (state.token, state.region): Fates(state, self.references)
                for state in self._current(None)
                if (state.token, state.region) in wanted
            }
            found: list[Fate] = []
            for entry in entries:
                project = fates.get((entry.verdict.token, entry.verdict.region))
                stored = project is not None and entry.verdict.accepted
                found.append(project.of(entry) if project and stored else {"state": "rejected"})
            return found

    def states(self, token: str | None = None, region: str | None = None) -> list[ProjectState]:
        """The states of one project or of all, up to date. Call it in `locked`."""
        return [state for state in self._current(token) if region in (None, state.region)]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the states as they are."""
        with self._lock:
            yield

    def journal(
        self, token: str | None = None, before: int | None = None, *, records: bool = True
    ) -> Iterator[Journaled]:
        """The requests, or those with records of a project, newest first, before a request id.

        Without `records` there is None in place of each record.
        """
        with self._lock:
            self._current(token)
            numbers = self._index.backwards(before, token)
        while some := list(islice(numbers, AT_ONCE)):
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
        with self._lock:
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
        """How many requests there are, or may have records of a project."""
        with self._lock:
            self._current(token)
            return self._index.count(token)

    def totals(self, token: str) -> dict[str, int]:
        """How many requests, records and records with a reason a project has. Call it in `locked`.

        Requests with records of several projects are left out.
        """
        states = (self._states.get((token, region)) for region in REGIONS)
        findings = sum(len(state.findings) for state in states if state)
        return {
            "requests": self._index.count_of(token),
            "records": self._records[token],
            "noted": len(self._noted.get(token, [])) + findings,
        }

    def count_records(self, token: str | None = None) -> int:
        """How many records there are, of one project or of all."""
        with self._lock:
            self._current(token)
            return sum(self._records.values()) if token is None else self._records[token]

    def request_before(self, record: int) -> int:
        """The request id before which all records before a record are."""
        with self._lock:
            self._current(None)
            return self._index.request_of(record) + 1

    def event(self, number: int) -> dict[str, Any] | None:
        """A stored event by its entry id, as the list of events shows it."""
        with self._lock:
            for state in self._current(None):
                seen = state.seen(True, Part(after=number - 1, before=number + 1))
                for item in self.event_items(seen):
                    return item.value
        return None

    def reasons(
        self, token: str | None = None, region: str | None = None
    ) -> dict[str, ReasonCount]:
        """The reasons against records and findings, counted."""
        found: dict[str, ReasonCount] = {}
        with self._lock:
            states = self.states(token, region)
            for (its_token, its_region), counts in self._reasons.items():
                if token in (None, its_token) and region in (None, its_region):
                    for reason, count in counts.items():
                        found.setdefault(reason, ReasonCount()).join(count)
            for state in states:
                for number, finding in state.findings.items():
                    found.setdefault(finding.reason, ReasonCount()).add(number)
        return found

    def refused(self, token: str | None = None, region: str | None = None) -> int:
        """How many records are refused or dropped, or have no effect at all."""
        with self._lock:
            findings = sum(
                finding.refused
                for state in self.states(token, region)
                for finding in state.findings.values()
            )
            return findings + sum(
                count
                for (its_token, its_region), count in self._refused.items()
                if token in (None, its_token) and region in (None, its_region)
            )

    def noted(self, token: str | None = None) -> Sequence[int]:
        """The entry ids of records with a reason or a finding, in order."""
        with self._lock:
            found = [list(state.findings) for state in self._current(token) if state.findings]
            noted = self._noted.values() if token is None else [self._noted.get(token, [])]
            found += [each for each in noted if each]
            if len(found) == 1:
                return sorted(found[0])  # Nearly sorted, so that this takes little time.
            return sorted(set(chain.from_iterable(found)))

    def findings(self) -> Mapping[int, Finding]:
        """Findings about accepted records, by entry id."""
        with self._lock:
            found = [state.findings for state in self._current(None) if state.findings]
            if len(found) == 1:
                return found[0].copy()
            return {number: one for each in found for number, one in each.items()}

    def tokens(self, region: str) -> set[str]:
        """The projects with stored data in a region."""
        with self._lock:
            return {state.token for state in self._current(None) if state.region == region}

    def has_data(self, token: str) -> bool:
        """Whether a project has stored data."""
        with self._lock:
            return bool(self._current(token))

    def _begin(self) -> None:
        """Discard all computed states."""
        self._states: dict[tuple[str, str], ProjectState] = {}
        self._partly = False
        """Whether the log has entries that are not applied because there was no time."""
        self._noted: dict[str, list[int]] = {}
        """By token, the ids of the entries that arrived with a reason."""
        self._index = Index(self._log)
        self._records: Counter[str] = Counter()
        """How many records there are, by token."""
        self._refused: Counter[tuple[str, str]] = Counter()
        """How many records were refused when they arrived, by token and region."""
        self._reasons: dict[tuple[str, str], dict[str, ReasonCount]] = {}
        """The reasons that records arrived with, by token and region."""
        self._refused_links: dict[tuple[str, str], list[LinkHistory]] = {}
        """By token and region, the identity events that were refused when they arrived."""
        self._texts = Texts(self._index)
        self.references = References(self._index.request_of)

    def _current(self, token: str | None) -> list[ProjectState]:
        """The states of one project or of all, up to date."""
        now = self._now()
        if any(
            each.limits != self._limits(each.token)
            or each.group_keys != self._group_keys(each.token)
            for each in self._states.values()
        ):
            self._begin()
        with uncollected():
            end = getattr(self._reading, "end", inf)
            if not self._take_in(now, end):
                self._begin()
                self._take_in(now, end)
        found = [state for state in self._states.values() if token in (None, state.token)]
        for state in found:
            # Nothing may happen yet that is due after an entry that is not read.
            state.look(min(now, state.last) if self._partly else now)
        return found

    def _take_in(self, now: float, end: float) -> bool:
        """Apply new entries until the real time `end`, but at least those of one request.

        False: the clock went back before an effect that was applied.
        """
        last, self._partly = False, False
        while not last:
            generation, rows = page = self._log.page(self._generation, self._index.last)
            if generation != self._generation:
                self._generation = generation
                self._begin()
            if any(now < state.ahead for state in self._states.values()):
                return False
            for row in rows:
                if not self._take(row):
                    return False
                if monotonic() > end:
                    self._partly = self.behind() > 0
                    return True
            last = page.last
        return True

    def _take(self, row: Row) -> bool:
        self._index.add(row)
        entries = entries_of(row)
        if row.token is None:
            self._records.update(entry.verdict.token for entry in entries)
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
        key = (entry.verdict.token, entry.verdict.region)
        counts = self._reasons.setdefault(key, {})
        for reason in entry.verdict.reasons:
            counts.setdefault(reason, ReasonCount()).add(entry.id)

    def _note_refused_link(self, entry: LogEntry) -> None:
        record, verdict = entry.record, entry.verdict
        if isinstance(record, dict) and record.get("event") in IDENTITY_EVENTS:
            at, reason = verdict.received_at, "; ".join(verdict.reasons)
            refused = LinkHistory(named_ids(record), entry.id, at, at, "refused", reason)
            key = (verdict.token, verdict.region)
            self._refused_links.setdefault(key, []).append(refused)

    def _state(self, entry: LogEntry) -> ProjectState:
        key = (entry.verdict.token, entry.verdict.region)
        if key not in self._states:
            limits = self._limits(entry.verdict.token)
            identities = identities_for(entry.verdict.identity, limits.cluster_ids)
            group_keys = self._group_keys(entry.verdict.token)
            entries = self._index.entries
            self._states[key] = ProjectState(*key, identities, limits, group_keys, entries)
        return self._states[key]
