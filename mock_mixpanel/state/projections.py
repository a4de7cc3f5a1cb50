"""Events, profiles, groups and identities from the log.

There is one state for each project and region (see state.py), a fold over its entries. It is given
only what is new in the log when somebody reads, until something is forgotten; then all begin anew.
Folding step by step and folding at once give the same.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

from mock_mixpanel.gc_pause import uncollected
from mock_mixpanel.ingest.problems import Finding
from mock_mixpanel.log.index import Index
from mock_mixpanel.log.journal import Log
from mock_mixpanel.log.records import Entry
from mock_mixpanel.log.row_codec import Row, entries_of
from mock_mixpanel.projects.config import Limits
from mock_mixpanel.state.identities import identities_for
from mock_mixpanel.state.json_cache import Texts
from mock_mixpanel.state.list_items import Item, Seen, with_entries
from mock_mixpanel.state.pagination import ALL, Part
from mock_mixpanel.state.project_state import IDENTITY_LISTS, ProjectState

__all__ = ["Item", "Projections", "Seen"]


class Projections:
    """The state of all projects, brought up to date when it is read."""

    def __init__(
        self,
        log: Log,
        limits: Callable[[str], Limits],
        group_keys: Callable[[str], Sequence[str]],
        now: Callable[[], float],
    ) -> None:
        """`limits` and `group_keys` give those of a project."""
        self._log = log
        self._limits = limits
        self._group_keys = group_keys
        self._now = now
        self._lock = threading.RLock()
        self._generation = 0
        self._begin()

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
        """The events of one project or of all, oldest first, still without their properties."""
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
        """These events with their properties, but for those forgotten meanwhile."""
        found = with_entries(seen, self._index.entries)
        return (each.item(entry) for each, entry in found)

    def rejected(self, token: str | None = None) -> Iterator[Entry]:
        """The entries that were refused, or have a reason or a finding, oldest first."""
        with self._lock:
            found = {key for state in self._current(token) for key in state.findings}
            noted = self._noted.values() if token is None else [self._noted.get(token, [])]
            return self._index.entries(sorted(found.union(*noted)))

    def tasks(self, token: str) -> list[Entry]:
        """Data deletions and retrievals of a project, and their cancellations, oldest first."""
        with self._lock:
            return [task for state in self._current(token) for task in state.tasks]

    def identities(self, token: str | None = None) -> dict[str, list[Any]]:
        """Clusters, and what is pending, split, duplicate and queued."""
        found: dict[str, list[Any]] = {name: [] for name in IDENTITY_LISTS}
        with self._lock:
            for state in self._current(token):
                for name, items in state.identity_items().items():
                    found[name] += items
        return found

    def findings(self) -> dict[int, Finding]:
        """By entry id: what only the records before it tell about an accepted record."""
        with self._lock:
            return {key: one for s in self._current(None) for key, one in s.findings.items()}

    def tokens(self, region: str) -> set[str]:
        """The projects of which anything is stored in a region."""
        with self._lock:
            return {state.token for state in self._current(None) if state.region == region}

    def has_data(self, token: str) -> bool:
        """Whether anything of a project is stored."""
        with self._lock:
            return bool(self._current(token))

    def _begin(self) -> None:
        """Forget all that was computed."""
        self._states: dict[tuple[str, str], ProjectState] = {}
        self._noted: dict[str, list[int]] = {}
        """By token, the ids of the entries that arrived with a reason."""
        self._index = Index(self._log)
        self._texts = Texts(self._index)

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
            if not self._take_in(now):
                self._begin()
                self._take_in(now)
        found = [state for state in self._states.values() if token in (None, state.token)]
        for state in found:
            state.look(now)
        return found

    def _take_in(self, now: float) -> bool:
        """Apply what is new. False: the clock went back behind something that has happened."""
        last = False
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
            last = page.last
        return True

    def _take(self, row: Row) -> bool:
        self._index.add(row)
        for entry in entries_of(row):
            if entry.verdict.accepted:
                state = self._state(entry)
                if entry.verdict.received_at < state.ahead:
                    return False
                state.apply(entry)
            if entry.verdict.reasons:
                self._noted.setdefault(entry.verdict.token, []).append(entry.id)
        return True

    def _state(self, entry: Entry) -> ProjectState:
        key = (entry.verdict.token, entry.verdict.region)
        if key not in self._states:
            limits = self._limits(entry.verdict.token)
            identities = identities_for(entry.verdict.identity, limits.cluster_ids)
            group_keys = self._group_keys(entry.verdict.token)
            entries = self._index.entries
            self._states[key] = ProjectState(*key, identities, limits, group_keys, entries)
        return self._states[key]
