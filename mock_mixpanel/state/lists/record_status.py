"""The status of a record: whether it counts, waits, or was replaced or erased, and by what.

The JSON API calls it `fate`.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mock_mixpanel.json_values import identifier
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.state.events.event import IDENTITY_EVENTS, Event
from mock_mixpanel.state.identities import Link
from mock_mixpanel.state.lists.references import CausingRecord, References, kind_of

if TYPE_CHECKING:
    from mock_mixpanel.state.project_state import ProjectState

RECORD_STATUSES = (
    "seen",
    "applied",
    "duplicate",
    "waiting",
    "split",
    "erased",
    "rejected",
    "stored",
)
"""- `seen`: an event that queries return; `applied`: an update that is part of a profile.
- `stored`: a record that changes neither.
- `duplicate`: an event that a later one replaces.
- `waiting`: a record that waits for pending links.
- `split`: a record under an id whose link came too late for it, or is not in effect yet.
- `erased`: a data deletion removed it.
- `rejected`: refused or silently dropped.
"""

RecordStatus = dict[str, Any]


class StatusReader:
    """Gives the status of records of one project in one region, at one moment of the virtual clock.

    Make it when the state is up to date, and drop it before the state changes.
    """

    def __init__(self, state: "ProjectState", references: References) -> None:
        self._state, self._references = state, references

    def of(self, entry: LogEntry) -> RecordStatus:
        """The status of a record of this project."""
        finding = self._state.findings.get(entry.id)
        if not entry.verdict.accepted or (finding and finding.refused):
            return {"state": "rejected"}
        if entry.id in self._waiting:
            return {"state": "waiting", "until": iso(self._waiting[entry.id])}
        if entry.id in self._state.erased:
            return {"state": "erased", "by": self._cause(self._state.erased[entry.id])}
        kind = kind_of(entry)
        if kind == "event":
            return self._event(entry)
        if kind == "profile":
            return self._update(entry)
        return {"state": "applied" if kind == "group" else "stored"}

    def _event(self, entry: LogEntry) -> RecordStatus:
        event = self.event(entry.id)
        if event is None:
            return {"state": "stored"}
        later = self._superseded_by(event)
        if later:
            replaced = self.event(later)
            at = replaced.at if replaced else event.at
            return {"state": "duplicate", "of": self._cause(CausingRecord(later, at))}
        who = self._state.identities.resolve(event.stored)
        split = None if event.name in IDENTITY_EVENTS else self._split(who)
        return split or {"state": "seen", "distinct_id": who}

    def _update(self, entry: LogEntry) -> RecordStatus:
        who = self.profile_of(entry)
        if who is None:
            return {"state": "applied", "distinct_id": None}
        found = self._state.identities.resolve(who)
        return self._split(found) or {"state": "applied", "distinct_id": who}

    def event(self, number: int) -> Event | None:
        """The stored event of an entry id."""
        events = self._state.events
        place = bisect_left(events, number, key=attrgetter("id"))
        found = place < len(events) and events[place].id == number
        return events[place] if found else None

    def profile_of(self, entry: LogEntry) -> str | None:
        """The distinct id of the profile that an update was made to; None if it is gone."""
        sent = identifier(entry.record["$distinct_id"])
        identities = self._state.identities
        others = (each for ids in identities.people_with(sent) for each in ids)
        likely = (identities.resolve(identities.place(sent)), sent, *others)
        return self._state.profiles.holder(entry.id, likely)

    def _split(self, who: str) -> RecordStatus | None:
        """The status of records of a person who is split off another one."""
        link = self._state.identities.split_from(who, self._pending)
        if link is None or self._state.identities.resolve(link.distinct_id) == who:
            return None
        asked = self._state.links.decision(link)
        return {
            "state": "split",
            "alias": link.alias,
            "distinct_id": link.distinct_id,
            "link": self._cause(CausingRecord(asked.id, asked.at)) if asked else None,
            "due": iso(asked.due) if asked else None,
        }

    def _cause(self, cause: CausingRecord) -> dict[str, Any]:
        return self._references.cause(cause)

    @cached_property
    def _waiting(self) -> dict[int, float]:
        """When each waiting record takes effect, by entry id."""
        effects = (effect for *_, effect in self._state.scheduler.heap)
        return {each.record_id: each.due for each in effects if isinstance(each.what, LogEntry)}

    @cached_property
    def _pending(self) -> Sequence[Link]:
        effects = (effect for *_, effect in self._state.scheduler.heap)
        return [each.what for each in effects if isinstance(each.what, Link)]

    @cached_property
    def _superseded_by(self) -> Callable[[Event], int | None]:
        return self._state.superseded_by(raw=False)
