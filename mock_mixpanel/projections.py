"""Events, profiles, groups and identities from the log.

A projection is a fold over the entries of one project in one region. `Projections` keeps one per
project and gives it only what is new, until something is forgotten; folding step by step and
folding at once give the same.
"""

import threading
from collections.abc import Callable
from typing import Any

from mock_mixpanel.config import Limits
from mock_mixpanel.identities import identities_for
from mock_mixpanel.log import Entry, Log
from mock_mixpanel.problems import Finding
from mock_mixpanel.state import IDENTITY_LISTS, Item, ProjectState

__all__ = ["Item", "Projections"]


class Projections:
    """The state of all projects, brought up to date when it is read."""

    def __init__(self, log: Log, limits: Callable[[str], Limits], now: Callable[[], float]) -> None:
        """`limits` gives those of a project."""
        self._log = log
        self._limits = limits
        self._now = now
        self._lock = threading.Lock()
        self._generation = -1
        self._applied = 0
        self._states: dict[tuple[str, str], ProjectState] = {}

    def items(self, kind: str, token: str | None = None, *, raw: bool = False) -> list[Item]:
        """`events`, `profiles` or `groups` of one project or of all, oldest first."""
        read: dict[str, Callable[[ProjectState], list[Item]]] = {
            "events": lambda state: state.event_items(raw),
            "profiles": ProjectState.profile_items,
            "groups": ProjectState.group_items,
        }
        with self._lock:
            return [item for state in self._current(token) for item in read[kind](state)]

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

    def restart(self) -> None:
        """Compute everything anew: the limits of a project have changed."""
        with self._lock:
            self._generation = -1

    def _current(self, token: str | None) -> list[ProjectState]:
        now = self._now()
        if not self._take_in(now):
            self._generation = -1
            self._take_in(now)
        found = [state for state in self._states.values() if token in (None, state.token)]
        for state in found:
            state.look(now)
        return found

    def _take_in(self, now: float) -> bool:
        """Apply what is new. False: the clock went back behind something that has happened."""
        generation, entries = self._log.snapshot(self._generation, self._applied)
        if generation != self._generation:
            self._generation, self._applied, self._states = generation, 0, {}
        if any(now < state.ahead for state in self._states.values()):
            return False
        for entry in entries:
            if entry.accepted:
                state = self._state(entry)
                if entry.received_at < state.ahead:
                    return False
                state.apply(entry)
        self._applied += len(entries)
        return True

    def _state(self, entry: Entry) -> ProjectState:
        key = (entry.token, entry.region)
        if key not in self._states:
            limits = self._limits(entry.token)
            identities = identities_for(entry.identity, limits.cluster_ids)
            self._states[key] = ProjectState(*key, identities, limits)
        return self._states[key]
