"""Events, profiles, groups and identities from the log, and the journal of requests."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import chain, islice
from operator import attrgetter
from typing import Any

from mock_mixpanel.garbage_collection import uncollected
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.projects.config import REGIONS
from mock_mixpanel.state.findings import Finding
from mock_mixpanel.state.identities.links import LinkLog
from mock_mixpanel.state.journal_reader import JournalReader
from mock_mixpanel.state.lists.identity_report import LISTS, IdentityReport
from mock_mixpanel.state.lists.items import Item, Seen, with_entries
from mock_mixpanel.state.lists.pagination import ALL, Part
from mock_mixpanel.state.lists.reason_counts import ReasonCount
from mock_mixpanel.state.lists.record_status import RecordStatus, StatusReader
from mock_mixpanel.state.project_state import ProjectState

__all__ = ["Item", "Projections", "Seen"]


class Projections(JournalReader):
    """The projections of the log: lists, counts and reports over the states of all projects."""

    def items(self, kind: str, token: str | None = None, *, raw: bool = False) -> list[Item]:
        """`events`, `profiles` or `groups` of one project or of all, oldest first."""
        if kind == "events":
            return list(self.event_items(self.events(token, raw=raw)))
        read: dict[str, Callable[[ProjectState], list[Item]]] = {
            "profiles": ProjectState.profile_items,
            "groups": ProjectState.group_items,
        }
        with self.locked():
            return [item for state in self._current(token) for item in read[kind](state)]

    def latest(
        self, kind: str, token: str | None, region: str | None, part: Part
    ) -> tuple[list[Item], int]:
        """The `profiles` or `groups` of a part by last change, the latest first; and how many
        there are in all."""
        with self.locked():
            states = self.states(token, region)
            total = sum(
                len(state.profiles if kind == "profiles" else state.groups) for state in states
            )
            found = merge(
                *(state.latest(kind, part.before) for state in states),
                key=attrgetter("id"),
                reverse=True,
            )
            return list(islice(found, part.limit)), total

    def events(
        self,
        token: str | None = None,
        region: str | None = None,
        *,
        raw: bool = False,
        part: Part = ALL,
    ) -> Sequence[Seen]:
        """The events of one project or of all, oldest first, without their properties."""
        with self.locked(), uncollected():
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
        with self.locked():
            found = self.events(token, raw=raw, part=part)
            return self._texts.pieces(found, keep=part == ALL)

    def event_items(self, seen: Sequence[Seen]) -> Iterator[Item]:
        """These events with their properties, without those that were forgotten meanwhile."""
        found = with_entries(seen, self._index.entries)
        return (each.item(entry) for each, entry in found)

    def rejected(self, token: str | None = None) -> Iterator[LogEntry]:
        """The entries that were refused, or have a reason or a finding, oldest first."""
        with self.locked():
            return self._index.entries(self.noted(token))

    def tasks(self, token: str) -> list[LogEntry]:
        """Data deletions and retrievals of a project, and their cancellations, oldest first."""
        with self.locked():
            return [task for state in self._current(token) for task in state.tasks]

    def identities(
        self,
        token: str | None = None,
        region: str | None = None,
        who: str | None = None,
        most: int | None = None,
    ) -> dict[str, list[Any]]:
        """Clusters, links, and what is pending, split, duplicate and queued.

        `who` leaves only what concerns one id, `most` the first items of each list.
        """
        found: dict[str, list[Any]] = {name: [] for name in LISTS}
        with self.locked():
            for report in self._identity_reports(token, region, who):
                for name, items in report.lists(most).items():
                    found[name] += items
        return {name: items[:most] for name, items in found.items()}

    def identity_counts(
        self, token: str | None, region: str | None, who: str | None = None, most: int | None = None
    ) -> Counter[str]:
        """The number of items that may need attention, by list; those of a project up to `most`."""
        counts: Counter[str] = Counter()
        with self.locked():
            for report in self._identity_reports(token, region, who):
                counts.update(report.counts(most))
        return counts

    def _identity_reports(
        self, token: str | None, region: str | None, who: str | None
    ) -> list[IdentityReport]:
        nothing = LinkLog()
        return [
            IdentityReport(
                state,
                self.references,
                self._refused_links.get((state.token, state.region), nothing),
                who,
            )
            for state in self.states(token, region)
        ]

    def record_statuses(self, entries: Sequence[LogEntry]) -> list[RecordStatus]:
        """The status of each of these records."""
        with self.locked():
            wanted = {(entry.verdict.token, entry.verdict.region) for entry in entries}
            readers = {
                (state.token, state.region): StatusReader(state, self.references)
                for state in self._current(None)
                if (state.token, state.region) in wanted
            }
            found: list[RecordStatus] = []
            for entry in entries:
                project = readers.get((entry.verdict.token, entry.verdict.region))
                stored = project is not None and entry.verdict.accepted
                found.append(project.of(entry) if project and stored else {"state": "rejected"})
            return found

    def totals(self, token: str | None) -> dict[str, int]:
        """The numbers of requests, records and records with a reason, of a project or of all.

        Call it in `locked`.

        Of one project, requests with records of several projects are left out.
        """
        if token is None:
            findings = sum(len(state.findings) for state in self._states.values())
            requests, records = self._index.count(), sum(self._records.values())
            noted = sum(map(len, self._noted.values()))
        else:
            states = (self._states.get((token, region)) for region in REGIONS)
            findings = sum(len(state.findings) for state in states if state)
            requests, records = self._index.count_of(token), self._records[token]
            noted = len(self._noted.get(token, []))
        return {"requests": requests, "records": records, "noted": noted + findings}

    def count_records(self, token: str | None = None) -> int:
        """The number of records, of one project or of all."""
        with self.locked():
            self._current(token)
            return sum(self._records.values()) if token is None else self._records[token]

    def event(self, number: int) -> dict[str, Any] | None:
        """A stored event by its entry id, as the list of events shows it."""
        with self.locked():
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
        with self.locked():
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
        """The number of records that are refused or dropped, or have no effect at all."""
        with self.locked():
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
        with self.locked():
            found = [list(state.findings) for state in self._current(token) if state.findings]
            noted = self._noted.values() if token is None else [self._noted.get(token, [])]
            found += [each for each in noted if each]
            if len(found) == 1:
                return sorted(found[0])  # Nearly sorted, so that this takes little time.
            return sorted(set(chain.from_iterable(found)))

    def findings(self) -> Mapping[int, Finding]:
        """Findings about accepted records, by entry id."""
        with self.locked():
            found = [state.findings for state in self._current(None) if state.findings]
            if len(found) == 1:
                return found[0].copy()
            return {number: one for each in found for number, one in each.items()}

    def tokens(self, region: str) -> set[str]:
        """The projects with stored data in a region."""
        with self.locked():
            return {state.token for state in self._current(None) if state.region == region}

    def has_data(self, token: str) -> bool:
        """Whether a project has stored data."""
        with self.locked():
            return bool(self._current(token))
