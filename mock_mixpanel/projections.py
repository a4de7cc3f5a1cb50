"""Events, profiles, groups and identities from the log.

A projection is a fold over the entries of one project in one region. `Projections` keeps one per
project and gives it only what is new, until something is forgotten; folding step by step and
folding at once give the same. The virtual clock only decides which aliases are pending, and which
deletions are done.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mock_mixpanel.clock import iso
from mock_mixpanel.config import Limits
from mock_mixpanel.erasures import ENDPOINT as ERASE
from mock_mixpanel.erasures import Erasures
from mock_mixpanel.events import Event, cut, hot_shard, read_event
from mock_mixpanel.geo import profile_location
from mock_mixpanel.identities import Identities, identities_for
from mock_mixpanel.log import Entry, Log
from mock_mixpanel.problems import Finding, RefusedError
from mock_mixpanel.updates import Properties, apply_all
from mock_mixpanel.values import identifier, json_bytes, truthy

LAST_SEEN = "$last_seen"


class Changed(NamedTuple):
    """Something with the entry that changed it last."""

    properties: Properties
    entry: Entry


class Item(NamedTuple):
    """An item of a list of the control API, with what it can be filtered by."""

    id: int
    at: float
    token: str
    value: dict[str, Any]


@dataclass
class ProjectState:
    """What one project holds in one region."""

    token: str
    region: str
    identities: Identities
    limits: Limits
    events: list[tuple[Event, str]] = field(default_factory=list)
    """With the id each was stored under."""
    profiles: dict[str, Changed] = field(default_factory=dict)
    groups: dict[tuple[str, str], Changed] = field(default_factory=dict)
    findings: dict[int, Finding] = field(default_factory=dict)
    """By entry id."""
    erasures: Erasures = field(default_factory=Erasures)
    by_day: dict[tuple[str, int], int] = field(default_factory=dict)
    """How many events each id has on each day, in days since 1970."""

    def apply(self, entry: Entry) -> None:
        """Take in the next accepted entry; one that changes no data has no effect."""
        self.erase(entry.received_at)
        if entry.endpoint == "/engage":
            self._update_profile(entry)
        elif entry.endpoint == "/groups":
            self._update_group(entry)
        elif entry.endpoint in ("/track", "/import"):
            self._add_event(entry)
        elif entry.endpoint == ERASE:
            self.erasures.learn(entry)

    def erase(self, now: float) -> None:
        """Delete events and profiles of the people whose deletion is due (virtual seconds)."""
        asked = self.erasures.due(now)
        if not asked:
            return
        gone = asked | {self.identities.resolve(who) for who in asked}
        self.events = [
            (event, stored)
            for event, stored in self.events
            if stored not in gone and self.identities.resolve(stored) not in gone
        ]
        self.profiles = {who: old for who, old in self.profiles.items() if who not in gone}

    def event_items(self, raw: bool) -> list[Item]:
        """As queries see them, or every row; the canonical id is the one at this moment.

        Of those with the same event, distinct id, time and insert id only the latest is seen (1.7).
        """
        rows = [(event, self.identities.resolve(stored)) for event, stored in self.events]
        if not raw:
            latest = {(e.name, who, e.time, e.insert_id): (e, who) for e, who in rows}
            rows = sorted(latest.values(), key=lambda row: row[0].entry.id)
        return [self._event_item(event, who) for event, who in rows]

    def profile_items(self) -> list[Item]:
        """Every profile, oldest first."""
        return [
            self._item(profile, distinct_id=who, properties=profile.properties)
            for who, profile in self.profiles.items()
        ]

    def group_items(self) -> list[Item]:
        """Every group profile, oldest first."""
        return [
            self._item(group, group_key=key, group_id=who, properties=group.properties)
            for (key, who), group in self.groups.items()
        ]

    def _add_event(self, entry: Entry) -> None:
        try:
            note = self.identities.learn(entry)
        except RefusedError as error:
            self.findings[entry.id] = Finding(str(error), refused=True)
            return
        if note:
            self.findings[entry.id] = Finding(note, refused=False)
        event = read_event(entry, self.limits)
        stored = self.identities.place(entry, event.distinct_id)
        if stored and self._is_hot(event, stored):
            self.findings[entry.id] = Finding("distinct_id: too many events in a day", False)
            event, stored = hot_shard(event), ""
        self.events.append((event, stored))

    def _is_hot(self, event: Event, stored: str) -> bool:
        day = (stored, int(event.time // 86400))
        self.by_day[day] = self.by_day.get(day, 0) + 1
        return self.by_day[day] > self.limits.hot_shard

    def _update_profile(self, entry: Entry) -> None:
        who = identifier(entry.record["$distinct_id"])
        if not truthy(entry.record.get("$ignore_alias")):
            who = self.identities.place(entry, who)
        old = self.profiles.get(who)
        new = self._updated(old, entry)
        if new is None:
            self.profiles.pop(who, None)
        elif old is None or new is not old.properties:
            new = new | profile_location(entry.place)
            if not truthy(entry.record.get("$ignore_time")):
                new = new | {LAST_SEEN: iso(entry.received_at)[:19]}
            self.profiles[who] = Changed(new, entry)

    def _update_group(self, entry: Entry) -> None:
        which = (identifier(entry.record["$group_key"]), identifier(entry.record["$group_id"]))
        new = self._updated(self.groups.get(which), entry)
        if new is None:
            self.groups.pop(which, None)
        else:
            self.groups[which] = Changed(new, entry)

    def _updated(self, old: Changed | None, entry: Entry) -> Properties | None:
        """The properties after an update; a refused one leaves the very same."""
        before = old.properties if old else None
        limit = self.limits.string_characters
        record = {
            name: cut(value, limit) if isinstance(value, dict) else value
            for name, value in entry.record.items()
        }
        try:
            after = apply_all(before, record)
            most = self.limits.profile_properties
            if after and len(after) > most and len(after) > len(before or ()):
                raise RefusedError(f"properties: the profile would have more than {most}")
            self._check_sizes(before or {}, after or {})
        except RefusedError as error:
            self.findings[entry.id] = Finding(str(error), refused=True)
            return before
        return after if after or before is not None else None

    def _check_sizes(self, before: Properties, after: Properties) -> None:
        most = self.limits.profile_property_bytes
        for name, value in after.items():
            new = isinstance(value, dict | list) and value is not before.get(name)
            if new and json_bytes(value) > most:
                raise RefusedError(f"{name}: would be larger than {most} bytes")

    def _item(self, changed: Changed, **more: Any) -> Item:
        value = {"token": self.token, "region": self.region, **more}
        return Item(changed.entry.id, changed.entry.received_at, self.token, value)

    def _event_item(self, event: Event, who: str) -> Item:
        value = {
            "id": event.entry.id,
            "token": self.token,
            "region": self.region,
            "event": event.name,
            "distinct_id": who,
            "time": event.time,
            "insert_id": event.insert_id,
            "properties": event.properties,
            "endpoint": event.entry.endpoint,
        }
        return Item(event.entry.id, event.entry.received_at, self.token, value)


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

    def identities(self, now: float, token: str | None = None) -> dict[str, list[Any]]:
        """Clusters, pending aliases and split profiles as at `now` (virtual seconds)."""
        found: dict[str, list[Any]] = {"clusters": [], "pending_aliases": [], "split_profiles": []}
        with self._lock:
            for state in self._current(token):
                for name, items in state.identities.describe(now).items():
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
        generation, entries = self._log.snapshot(self._generation, self._applied)
        if generation != self._generation:
            self._generation, self._applied, self._states = generation, 0, {}
        for entry in entries:
            if entry.accepted:
                self._state(entry).apply(entry)
        self._applied += len(entries)
        found = [state for state in self._states.values() if token in (None, state.token)]
        for state in found:
            state.erase(self._now())
        return found

    def _state(self, entry: Entry) -> ProjectState:
        key = (entry.token, entry.region)
        if key not in self._states:
            identities = identities_for(entry.identity)
            self._states[key] = ProjectState(*key, identities, self._limits(entry.token))
        return self._states[key]
