"""The append-only log of records and the journal of requests: all that a store has to keep.

Every record that arrives becomes one entry, refused ones too; an entry never changes. All state is
computed from the entries (see projections.py).
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self


@dataclass(frozen=True, slots=True)
class Draft:
    """A record with its verdict, before it has a place in the log.

    `accepted` means it is stored; `reasons` say why not, or what of it has no effect.
    `effective_at` is when its effect on others begins, later than its arrival: an alias has to
    propagate, a deletion to be carried out. `place` is where it was sent from, as `geo` names it.
    Times are virtual seconds since 1970.
    """

    endpoint: str
    token: str
    region: str
    record: Any
    received_at: float
    effective_at: float
    accepted: bool
    reasons: tuple[str, ...] = ()
    identity: str = "legacy"
    place: str = ""


@dataclass(frozen=True, slots=True)
class Entry(Draft):
    """A record in the log; `index` is its place in its request, from 0."""

    id: int = 0
    request_id: int = 0
    index: int = 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as it arrived, without secrets, and the answer; status None: no answer was sent."""

    received_at: float
    region: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    status: int | None
    body: str | None


class Journaled(NamedTuple):
    """A request in the journal, with its records."""

    id: int
    exchange: Exchange
    entries: tuple[Entry, ...]

    @property
    def tokens(self) -> set[str]:
        """The projects its records are for."""
        return {entry.token for entry in self.entries}

    def without(self, token: str) -> Self:
        """The same request as if it had had no records of a project."""
        return self._replace(entries=tuple(each for each in self.entries if each.token != token))


class Snapshot(NamedTuple):
    """The entries from a place on; another `generation` means that older ones were forgotten."""

    generation: int
    entries: Sequence[Entry]


class Log:
    """In memory. One lock around appending; readers get copies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._journal: list[Journaled] = []
        self._generation = 0
        self._last_entry = 0
        self._last_request = 0

    def append(self, exchange: Exchange, drafts: Sequence[Draft]) -> Journaled:
        """Store a request with its records; ids count up from 1 and are never used again."""
        with self._lock:
            self._last_request += 1
            entries = []
            for index, draft in enumerate(drafts):
                self._last_entry += 1
                entries.append(_entry(draft, self._last_entry, self._last_request, index))
            journaled = Journaled(self._last_request, exchange, tuple(entries))
            self._entries += entries
            self._journal.append(journaled)
            return journaled

    def snapshot(self, generation: int = -1, start: int = 0) -> Snapshot:
        """The entries from `start` on, or all if something was forgotten since `generation`."""
        with self._lock:
            if generation != self._generation:
                start = 0
            return Snapshot(self._generation, self._entries[start:])

    def journal(self) -> list[Journaled]:
        """All requests, oldest first."""
        with self._lock:
            return list(self._journal)

    def forget(self, token: str | None = None) -> None:
        """Everything, or the records of one project and the requests that had no others."""
        with self._lock:
            self._generation += 1
            if token is None:
                self._entries, self._journal = [], []
                return
            self._entries = [entry for entry in self._entries if entry.token != token]
            self._journal = [
                request.without(token) for request in self._journal if request.tokens != {token}
            ]


def _entry(draft: Draft, number: int, request: int, index: int) -> Entry:
    return Entry(
        draft.endpoint,
        draft.token,
        draft.region,
        draft.record,
        draft.received_at,
        draft.effective_at,
        draft.accepted,
        draft.reasons,
        draft.identity,
        draft.place,
        id=number,
        request_id=request,
        index=index,
    )
