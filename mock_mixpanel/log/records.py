"""The records of the log: requests as they arrived, and their records as entries.

Every record that arrives becomes one entry, refused ones too; an entry never changes. All state is
computed from the entries (see projections.py), and the requests are the journal.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class RecordVerdict(NamedTuple):
    """The decisions about a record when it arrives.

    `accepted` means it is stored; `reasons` say why not, or what of it has no effect.
    `effective_at` is when it begins to have effect: later than its arrival for an alias that has
    to propagate. `place` is where it was sent from, as `geo` names it. `sender_id` is the distinct
    id of an event that was sent without one. Times are virtual seconds since 1970.
    """

    endpoint: str
    token: str
    region: str
    received_at: float
    effective_at: float
    accepted: bool
    reasons: tuple[str, ...] = ()
    identity: str = "legacy"
    place: str = ""
    sender_id: str = ""


class Draft(NamedTuple):
    """A record with its verdict, before it has a place in the log."""

    record: Any
    verdict: RecordVerdict


class LogEntry(NamedTuple):
    """A record in the log, with its verdict; `index` is its place in its request, from 0.

    A tuple, since a million of them are made when the log is read.
    """

    record: Any
    verdict: RecordVerdict
    id: int = 0
    request_id: int = 0
    index: int = 0  # type: ignore[assignment]  # tuples have a method of that name


class Exchange(NamedTuple):
    """A request as it arrived, without secrets, and the answer.

    `status` is None if no answer was sent. `fault` is the id of the fault rule that acted, if any.
    """

    received_at: float
    region: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    status: int | None
    body: str | None
    fault: int | None = None


class Journaled(NamedTuple):
    """A request in the journal, with its records."""

    id: int
    exchange: Exchange
    entries: tuple[LogEntry, ...]

    @property
    def tokens(self) -> set[str]:
        """The projects its records are for."""
        return {entry.verdict.token for entry in self.entries}


class Places(NamedTuple):
    """The places of some entries: the id of their request, and their indexes in it, in order."""

    request_id: int
    indexes: Sequence[int]


class Arrival(NamedTuple):
    """A request on its way into the log: its records as a JSON array, and a verdict for each."""

    exchange: Exchange
    verdicts: Sequence[RecordVerdict]
    records: bytes
