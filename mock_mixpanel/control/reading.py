"""The reading side of the control API: lists, single items and their causes, as JSON values.

The values do not depend on HTTP; web pages use them too.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from mock_mixpanel.backend import Backend
from mock_mixpanel.control.lists import Candidate, Query, Subjects, listed, page
from mock_mixpanel.control.search_terms import Subject
from mock_mixpanel.control.views import (
    item_subject,
    reasons,
    record_item,
    record_subject,
    rejected_item,
    request_item,
    request_subjects,
    request_summary,
)
from mock_mixpanel.ingest.regions import home_in
from mock_mixpanel.log.records import Journaled, LogEntry
from mock_mixpanel.state.lists.items import Item
from mock_mixpanel.state.lists.pagination import Part
from mock_mixpanel.state.lists.reason_counts import ReasonCount

BLOCK = 500
"""Events whose properties are read at once."""
PROFILES = 100
"""Profiles that are read at once."""

Arrived = tuple[Journaled, LogEntry]
"""A record with its request."""


class LogReader:
    """Reads what one server holds."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def requests(self, query: Query, *, summary: bool) -> Any:
        """The journal of requests."""
        projections = self.backend.projections
        findings = projections.findings()
        records = not summary or bool(query.search.tests)
        candidates = (
            Candidate(request.id, request.exchange.received_at, request)
            for request in projections.journal(
                query.token, query.before, records=records, unread=True
            )
            if query.region in (None, request.exchange.region)
        )

        def subjects(request: Journaled) -> Iterator[Subject]:
            return request_subjects(request, findings)

        def shown(request: Journaled) -> dict[str, Any]:
            view = request_summary if summary else request_item
            return view(request, findings)

        total = projections.count_requests(query.token)
        return _answer(query, candidates, subjects, total, shown)

    def request(self, number: int) -> dict[str, Any] | None:
        """A request with all of its records and their statuses; None if the id is unknown."""
        found = self.backend.projections.request(number)
        if found is None:
            return None
        findings = self.backend.projections.findings()
        return {
            **request_item(found, findings),
            "summary": request_summary(found, findings),
            "records": self.records_of(found.entries),
        }

    def records(self, query: Query) -> Any:
        """Every record that arrived, with its verdict and status."""
        projections = self.backend.projections
        findings = projections.findings()
        needs_status = "fate" in query.search.fields

        def subjects(arrived: Arrived) -> Iterator[Subject]:
            request, entry = arrived
            status = projections.record_statuses([entry])[0] if needs_status else None
            yield record_subject(request, entry, findings, status)

        found = self._arrived(query)
        candidates = (Candidate(each[1].id, each[1].verdict.received_at, each) for each in found)
        total = projections.count_records(query.token)
        answer = _answer(query, candidates, subjects, total, lambda arrived: arrived[1])
        if query.paged:
            return answer | {"items": self.records_of(answer["items"])}
        return self.records_of(list(answer))

    def record(self, number: int) -> dict[str, Any] | None:
        """A record by its id, with a summary of its request; None if the id is unknown."""
        found = next(self.backend.projections.requests_of([number]), None)
        if found is None:
            return None
        [item] = self.records_of([found[1]])
        request = self.backend.projections.request(item["request_id"]) or found[0]
        return {**item, "request": request_summary(request, self.backend.projections.findings())}

    def event(self, number: int) -> dict[str, Any] | None:
        """A record by its id; for an event, `stored` is what queries see of it."""
        item = self.record(number)
        return item and item | {"stored": self.backend.projections.event(number)}

    def rejected(self, query: Query, *, reason: str | None = None) -> Any:
        """Records refused, dropped in silence, or without effect."""
        projections = self.backend.projections
        findings = projections.findings()
        numbers = projections.noted(query.token)

        def wanted(entry: LogEntry) -> bool:
            return reason is None or reason in reasons(entry, findings)

        candidates = self._noted(numbers, query, wanted)

        def subjects(arrived: Arrived) -> Iterator[Subject]:
            yield record_subject(*arrived, findings)

        def shown(arrived: Arrived) -> dict[str, Any]:
            return rejected_item(arrived[1], findings, projections.references)

        return _answer(query, candidates, subjects, len(numbers), shown)

    def reasons(self, query: Query) -> list[dict[str, Any]]:
        """The reasons against records, with counts, the most frequent first."""
        projections = self.backend.projections
        findings = projections.findings()
        groups = projections.reasons(query.token, query.region)
        ids = {number for group in groups.values() for number in group.shown}
        entries = {entry.id: entry for _, entry in projections.requests_of(sorted(ids))}

        def shown(reason: str, group: ReasonCount) -> dict[str, Any]:
            examples = [entries[each] for each in group.examples if each in entries]
            first, last = entries.get(group.first), entries.get(group.last)
            return {
                "reason": reason,
                "count": group.count,
                "first": first and projections.references.record(first),
                "last": last and projections.references.record(last),
                "examples": [
                    rejected_item(each, findings, projections.references) for each in examples
                ],
            }

        found = (shown(reason, group) for reason, group in groups.items())
        return sorted(found, key=lambda group: -group["count"])

    def leaks(self, query: Query) -> Any:
        """Records sent to another region than their project's, with that as `home`."""
        projections = self.backend.projections
        numbers = projections.noted(query.token)
        if not any(home_in([each]) for each in projections.reasons(query.token, query.region)):
            numbers = []  # No records, so there is nothing to search.
        candidates = self._noted(
            numbers, query, lambda entry: home_in(entry.verdict.reasons) is not None
        )

        def subjects(arrived: Arrived) -> Iterator[Subject]:
            yield record_subject(*arrived, {})

        def shown(arrived: Arrived) -> dict[str, Any]:
            home = home_in(arrived[1].verdict.reasons) or ""
            return rejected_item(arrived[1], {}, projections.references, home=home)

        return _answer(query, candidates, subjects, len(numbers), shown)

    def stored(self, kind: str, query: Query) -> Any:
        """The profiles or groups, by the last record that changed each."""
        latest = self.backend.projections.latest
        part = Part(limit=PROFILES, before=query.before)
        first, total = latest(kind, query.token, query.region, part)

        def candidates() -> Iterator[Candidate]:
            some = first
            while some:
                for item in some:
                    yield Candidate(item.id, item.at, item)
                following = replace(part, before=some[-1].id)
                some, _ = latest(kind, query.token, query.region, following)

        return _answer(query, candidates(), _item_subjects, total, lambda item: item.value)

    def events(self, query: Query, *, raw: bool) -> Any:
        """Stored events."""
        projections = self.backend.projections

        def candidates() -> Iterator[Candidate]:
            part = Part(limit=BLOCK, before=query.before)
            while seen := projections.events(query.token, query.region, raw=raw, part=part):
                for item in reversed(list(projections.event_items(seen))):
                    yield Candidate(item.id, item.at, item)
                part = replace(part, before=seen[0].id)

        with projections.locked():
            states = projections.states(query.token, query.region)
            total = sum(len(state.events) for state in states)
        return _answer(query, candidates(), _item_subjects, total, lambda item: item.value)

    def _arrived(self, query: Query) -> Iterator[Arrived]:
        """The records of a project and region before a record, newest first."""
        projections = self.backend.projections
        start = None if query.before is None else projections.request_before(query.before)
        for request in projections.journal(query.token, start):
            for entry in reversed(request.entries):
                verdict = entry.verdict
                here = query.token in (None, verdict.token)
                here = here and query.region in (None, verdict.region)
                if here and (query.before is None or entry.id < query.before):
                    yield request, entry

    def _noted(
        self, numbers: Sequence[int], query: Query, wanted: Callable[[LogEntry], bool]
    ) -> Iterator[Candidate]:
        """Records with a reason, newest first; those that are not wanted have no value."""
        end = len(numbers) if query.before is None else bisect_left(numbers, query.before)
        newest_first = (numbers[place] for place in range(end - 1, -1, -1))
        for request, entry in self.backend.projections.requests_of(newest_first):
            if query.region in (None, entry.verdict.region):
                value = (request, entry) if wanted(entry) else None
                yield Candidate(entry.id, entry.verdict.received_at, value)

    def records_of(self, entries: Sequence[LogEntry]) -> list[dict[str, Any]]:
        """These records with verdicts and statuses."""
        projections = self.backend.projections
        findings, references = projections.findings(), projections.references
        statuses = projections.record_statuses(entries)
        return [
            record_item(entry, status, findings, references)
            for entry, status in zip(entries, statuses, strict=True)
        ]


def _answer(
    query: Query,
    candidates: Iterator[Candidate],
    subjects: Subjects,
    total: int,
    shown: Callable[[Any], Any],
) -> Any:
    """A page or a list, its values shown as JSON."""
    if not query.paged:
        return map(shown, listed(query, candidates, subjects))
    found = page(query, candidates, subjects, total)
    return found | {"items": list(map(shown, found["items"]))}


def _item_subjects(item: Item) -> Iterator[Subject]:
    names = ("distinct_id", "group_id")
    ids = [str(item.value[name]) for name in names if name in item.value]
    yield item_subject(item.value, ids, item.id, item.at)
