"""The state of one project in one region: a fold over its log entries, in order of arrival.

The virtual clock decides only what is scheduled and what has happened: links between ids that
take effect, records that wait for them, and deletions.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import filterfalse, islice
from operator import attrgetter
from typing import Any

from mock_mixpanel.garbage_collection import Table
from mock_mixpanel.json_values import identifier, truthy
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.simulation.scheduler import ScheduledEffect, Scheduler
from mock_mixpanel.state.deletions import ENDPOINT as ERASE
from mock_mixpanel.state.deletions import TASKS, Erasures
from mock_mixpanel.state.events.deduplication import Deduplication
from mock_mixpanel.state.events.event import IDENTITY_EVENTS, Event, hot_shard, read_event
from mock_mixpanel.state.events.hot_shards import HotShards
from mock_mixpanel.state.findings import Finding, RefusedError
from mock_mixpanel.state.identities import Identities, Link
from mock_mixpanel.state.identities.link_decisions import LinkDecisions
from mock_mixpanel.state.lists.items import Item, Seen
from mock_mixpanel.state.lists.pagination import Part
from mock_mixpanel.state.lists.references import CausingRecord
from mock_mixpanel.state.profiles.profile import Profile
from mock_mixpanel.state.profiles.profiles import Profiles

EVENTS = ("/track", "/import")
NOTHING_ADDED: Mapping[str, Any] = {}


@dataclass
class ProjectState:
    """The state of one project in one region."""

    token: str
    region: str
    identities: Identities
    limits: MixpanelLimits
    group_keys: Sequence[str]
    entries: Callable[[Sequence[int]], Iterator[LogEntry]]
    """Reads entries by ids, in order."""
    events: list[Event] = field(default_factory=list)
    """In order of arrival."""
    duplicates: Deduplication = field(default_factory=Deduplication)
    profiles: Profiles[str] = field(init=False)
    groups: Profiles[tuple[str, str]] = field(init=False)
    findings: dict[int, Finding] = field(default_factory=dict)
    """By entry id."""
    tasks: list[LogEntry] = field(default_factory=list)
    """Data deletions and retrievals, and their cancellations."""
    erasures: Erasures = field(default_factory=Erasures)
    scheduler: Scheduler = field(default_factory=Scheduler)
    queued_until: float = float("-inf")
    """Records that arrive before this time wait for the alias queue (virtual seconds)."""
    now: float = 0
    """Time of the last read (virtual seconds)."""
    ahead: float = float("-inf")
    """Due time of the last effect that a read applied. An entry that arrived before it is too
    late: the state has to be recomputed."""
    last: float = 0
    """When the last accepted entry arrived (virtual seconds)."""
    links: LinkDecisions = field(default_factory=LinkDecisions)
    erased: dict[int, CausingRecord] = field(default_factory=dict)
    """The deletion that erased a record, by entry id of the record."""
    hot_shards: HotShards = field(init=False)

    _events_by_id: dict[str, list[Event]] = field(default_factory=dict)
    """By the id that each is stored under, in order of arrival."""

    def __post_init__(self) -> None:
        self.profiles = Profiles(self.limits, self.entries, self.findings)
        self.groups = Profiles(self.limits, self.entries, self.findings)
        self.hot_shards = HotShards(self.limits, self.group_keys)

    def apply(self, entry: LogEntry) -> None:
        """Apply the next accepted entry; an entry that changes no data has no effect."""
        self.last = entry.verdict.received_at
        self._advance(entry.verdict.received_at)
        if entry.verdict.endpoint in EVENTS:
            self._take_event(entry)
        elif entry.verdict.endpoint == "/engage":
            if not self._waits(entry):
                self._update_profile(entry)
        elif entry.verdict.endpoint == "/groups":
            self._update_group(entry)
        elif entry.verdict.endpoint in TASKS:
            self.tasks.append(entry)
            if entry.verdict.endpoint == ERASE:
                self.erasures.learn(entry)
                self.scheduler.add(ScheduledEffect(entry.verdict.effective_at, entry.id, entry))

    def look(self, now: float) -> None:
        """Apply every effect that is due at `now` (virtual seconds)."""
        self.now = now
        self.ahead = self._advance(now) or self.ahead
        self.profiles.settle()
        self.groups.settle()

    def tables(self) -> list[Table]:
        """The tables that grow with the log, for a state that is no longer used."""
        profiles = (*self.profiles.tables(), *self.groups.tables())
        return [self.events, self._events_by_id, *self.duplicates.tables(), *profiles]

    def _advance(self, now: float) -> float | None:
        """Apply due effects; returns the due time of the last one, if there was any."""
        last = None
        if not self.scheduler.heap:
            return last
        for effect in self.scheduler.until(now):
            last = effect.due
            if isinstance(effect.what, Link):
                self._link(effect.what)
            elif effect.what.verdict.endpoint == "/engage":
                self._update_profile(effect.what)
            elif effect.what.verdict.endpoint in EVENTS:
                self._add_event(effect.what, effect.added)
            else:
                self._erase(effect)
        return last

    def _take_event(self, entry: LogEntry) -> None:
        try:
            decision = self.identities.decide(entry)
        except RefusedError as error:
            self.findings[entry.id] = Finding(str(error), refused=True)
            self.links.decide(entry, None, str(error))
            return
        if decision.note:
            self.findings[entry.id] = Finding(decision.note, refused=False)
        if decision.link or entry.record["event"] in IDENTITY_EVENTS:
            self.links.decide(entry, decision.link, decision.note or "")
        if decision.link is None:
            if not self._waits(entry, decision.added):
                self._add_event(entry, decision.added)
            return
        if entry.verdict.effective_at > entry.verdict.received_at:
            self.scheduler.add(ScheduledEffect(entry.verdict.effective_at, entry.id, decision.link))
        else:
            self._link(decision.link)
        self._add_event(entry, NOTHING_ADDED)

    def _waits(self, entry: LogEntry, added: Mapping[str, Any] = NOTHING_ADDED) -> bool:
        """Whether an entry has to wait because the alias queue is backed up
        (docs/facts/mixpanel-http-api.md#propagation-and-split-profiles).

        It waits for the links before it, and behind those that wait already.
        """
        most = self.limits.alias_queue
        if most is None:
            return False
        if self.scheduler.links > most:
            self.queued_until = self.scheduler.last_link
        if self.queued_until <= entry.verdict.received_at:
            return False
        self.scheduler.add(ScheduledEffect(self.queued_until, entry.id, entry, added))
        return True

    def _link(self, link: Link) -> None:
        merge = self.identities.link(link)
        if merge:
            self.profiles.merge(merge.gone, merge.kept)

    def _erase(self, effect: ScheduledEffect) -> None:
        """Delete events and profiles of the people whose deletion is due."""
        asked = self.erasures.due(effect.due)
        if not asked:
            return
        gone = asked | {self.identities.resolve(who) for who in asked}
        kept, erased = [], self.profiles.forget(gone, self.identities.resolve)
        for event in self.events:
            if event.stored in gone or self.identities.resolve(event.stored) in gone:
                erased.append(event.id)
            else:
                kept.append(event)
        self.events = kept
        self._events_by_id = {
            who: events
            for who, events in self._events_by_id.items()
            if not (who in gone or self.identities.resolve(who) in gone)
        }
        self.duplicates = Deduplication(self.events)
        self.erased |= dict.fromkeys(erased, CausingRecord(effect.record_id, effect.due))

    def seen(self, raw: bool, part: Part) -> Sequence[Seen]:
        """The events as queries see them, or every row; the canonical id is the one at this moment.

        Of those with the same event, distinct id, time and insert id only the latest is seen
        (docs/facts/mixpanel-http-api.md#deduplication). They are read from the end, so that a
        part costs no more than it has.
        """
        resolve, token, region, limits = (
            self.identities.resolve,
            self.token,
            self.region,
            self.limits,
        )
        number = attrgetter("id")
        first = bisect_right(self.events, part.after, key=number)
        end = len(self.events)
        if part.before is not None:
            end = max(first, bisect_left(self.events, part.before, key=number))
        found: Iterator[Event] = (self.events[place] for place in range(end - 1, first - 1, -1))
        if part.moment is not None:
            moment = part.moment
            found = (event for event in found if event.at > moment)
        if self.duplicates:
            found = filterfalse(self.superseded_by(raw=raw), found)
        rows = [
            Seen(event, resolve(event.stored), token, region, limits)
            for event in islice(found, part.limit)
        ]
        rows.reverse()
        return rows

    def superseded_by(self, *, raw: bool) -> Callable[[Event], int | None]:
        """A function that gives the id of the event that replaces a duplicate."""
        compaction = self.limits.compaction
        old = None if compaction is None else self.now - compaction
        return self.duplicates.superseded(self.identities.resolve, old, raw=raw)

    def latest(self, kind: str, before: int | None) -> Iterator[Item]:
        """`profiles` or `groups` that changed last before an entry id, the latest first."""
        if kind == "profiles":
            for who, profile in self.profiles.latest(before):
                yield self._item(profile, distinct_id=who)
            return
        for (key, who), group in self.groups.latest(before):
            yield self._item(group, group_key=key, group_id=who)

    def profile_items(self) -> list[Item]:
        """All profiles, oldest first."""
        return [self._item(profile, distinct_id=who) for who, profile in self.profiles.items()]

    def group_items(self) -> list[Item]:
        """All group profiles, oldest first."""
        return [
            self._item(group, group_key=key, group_id=who)
            for (key, who), group in self.groups.items()
        ]

    def events_of(self, stored: Collection[str], before: int | None) -> Iterator[Event]:
        """The events stored under some ids that arrived before an entry id, newest first."""
        newest_first = (reversed(self._events_by_id.get(each, [])) for each in stored)
        found = merge(*newest_first, key=attrgetter("id"), reverse=True)
        return (event for event in found if before is None or event.id < before)

    def stored_ids(self, canonical: str) -> set[str]:
        """The ids whose data belongs to the person of a canonical id."""
        people = self.identities.people_with(canonical)
        ids = (each for ids in people for each in ids)
        return {canonical, *(each for each in ids if self.identities.resolve(each) == canonical)}

    def ids_with_data(self) -> Sequence[KeysView[str]]:
        """The ids that events and profiles are stored under; deleted profiles are among them."""
        return self._events_by_id.keys(), self.profiles.keys()

    def _add_event(self, entry: LogEntry, added: Mapping[str, Any]) -> None:
        event = read_event(entry, added, self.identities.place, self.identities.resolve)
        whose = self.hot_shards.count(event, entry.record["properties"])
        if whose:
            self.findings[entry.id] = Finding(f"{whose}: too many events in a day", False)
            event = hot_shard(event)
        self.duplicates.add(event)
        _insert(self.events, event)
        _insert(self._events_by_id.setdefault(event.stored, []), event)

    def _update_profile(self, entry: LogEntry) -> None:
        who = identifier(entry.record["$distinct_id"])
        if not truthy(entry.record.get("$ignore_alias")):
            who = self.identities.resolve(self.identities.place(who))
        self.profiles.update(who, entry)

    def _update_group(self, entry: LogEntry) -> None:
        record = entry.record
        self.groups.update(
            (identifier(record["$group_key"]), identifier(record["$group_id"])), entry
        )

    def _item(self, profile: Profile, **more: Any) -> Item:
        value = {"token": self.token, "region": self.region, **more}
        value["properties"] = profile.properties
        return Item(profile.changed, profile.at, self.token, value)


def _insert(events: list[Event], event: Event) -> None:
    """Insert an event by its id; one that waited belongs before later ones."""
    events.append(event)
    place = len(events) - 1
    while place and events[place - 1].id > event.id:
        events[place] = events[place - 1]
        place -= 1
    events[place] = event
