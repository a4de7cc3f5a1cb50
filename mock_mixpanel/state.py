"""What one project holds in one region: a fold over its entries, in order of arrival.

The virtual clock decides only what is on the agenda and what has happened: links between ids that
take effect, records that wait for them, and deletions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import Any, NamedTuple

from mock_mixpanel.agenda import Agenda, Later
from mock_mixpanel.clock import iso
from mock_mixpanel.config import Limits
from mock_mixpanel.erasures import ENDPOINT as ERASE
from mock_mixpanel.erasures import TASKS, Erasures
from mock_mixpanel.events import IDENTITY_EVENTS, Event, cut, hot_shard, read_event
from mock_mixpanel.geo import profile_location
from mock_mixpanel.identities import Identities, Link, Merge
from mock_mixpanel.identities.clusters import Clusters
from mock_mixpanel.items import Item, Seen
from mock_mixpanel.problems import Finding, RefusedError
from mock_mixpanel.records import Entry
from mock_mixpanel.twins import Twins
from mock_mixpanel.updates import Properties, apply_all
from mock_mixpanel.values import identifier, json_bytes, same, truthy

LAST_SEEN = "$last_seen"
EVENTS = ("/track", "/import")
IDENTITY_LISTS = (
    "clusters",
    "pending_aliases",
    "split_profiles",
    "duplicate_profiles",
    "queued",
)


class Changed(NamedTuple):
    """Something with the entry that changed it last."""

    properties: Properties
    entry: Entry


@dataclass
class ProjectState:
    """What one project holds in one region."""

    token: str
    region: str
    identities: Identities
    limits: Limits
    events: list[Event] = field(default_factory=list)
    """In order of arrival."""
    twins: Twins = field(default_factory=Twins)
    profiles: dict[str, Changed] = field(default_factory=dict)
    groups: dict[tuple[str, str], Changed] = field(default_factory=dict)
    findings: dict[int, Finding] = field(default_factory=dict)
    """By entry id."""
    tasks: list[Entry] = field(default_factory=list)
    """Data deletions and retrievals, and their cancellations."""
    erasures: Erasures = field(default_factory=Erasures)
    agenda: Agenda = field(default_factory=Agenda)
    queued_until: float = float("-inf")
    """Until when records wait for the alias queue (virtual seconds)."""
    ahead: float = float("-inf")
    """The moment of the last thing that happened because somebody looked. An entry that arrived
    before it comes too late: the state has to be computed anew."""
    updates: dict[str, list[int]] = field(default_factory=dict)
    """For each id the profile updates that were made under it."""
    by_day: dict[tuple[str, int], int] = field(default_factory=dict)
    """How many events each id has on each day, in days since 1970."""

    def apply(self, entry: Entry) -> None:
        """Take in the next accepted entry; one that changes no data has no effect."""
        self._advance(entry.received_at)
        if entry.endpoint in EVENTS:
            self._take_event(entry)
        elif entry.endpoint == "/engage":
            if not self._waits(entry):
                self._update_profile(entry)
        elif entry.endpoint == "/groups":
            self._update_group(entry)
        elif entry.endpoint in TASKS:
            self.tasks.append(entry)
            if entry.endpoint == ERASE:
                self.erasures.learn(entry)
                self.agenda.add(Later(entry.effective_at, entry.id, entry))

    def look(self, now: float) -> None:
        """Let everything happen that is due at `now` (virtual seconds)."""
        self.ahead = self._advance(now) or self.ahead

    def _advance(self, now: float) -> float | None:
        """When the last thing that is due happened, if anything was."""
        last = None
        for later in self.agenda.until(now):
            last = later.due
            if isinstance(later.what, Link):
                self._link(later.what, later.number)
            elif later.what.endpoint == "/engage":
                self._update_profile(later.what)
            elif later.what.endpoint in EVENTS:
                self._add_event(later.what, {})
            else:
                self._erase(later.due)
        return last

    def _take_event(self, entry: Entry) -> None:
        try:
            decision = self.identities.decide(entry)
        except RefusedError as error:
            self.findings[entry.id] = Finding(str(error), refused=True)
            return
        if decision.note:
            self.findings[entry.id] = Finding(decision.note, refused=False)
        if decision.link is None:
            if not self._waits(entry):
                self._add_event(entry, decision.added)
            return
        if entry.effective_at > entry.received_at:
            self.agenda.add(Later(entry.effective_at, entry.id, decision.link))
        else:
            self._link(decision.link, entry.id)
        self._add_event(entry, {})

    def _waits(self, entry: Entry) -> bool:
        """Whether an entry goes on the agenda because the alias queue is backed up (5.5).

        It waits for the links before it, and behind those that wait already.
        """
        most = self.limits.alias_queue
        if most is None:
            return False
        if self.agenda.links > most:
            self.queued_until = self.agenda.last_link
        if self.queued_until <= entry.received_at:
            return False
        self.agenda.add(Later(self.queued_until, entry.id, entry))
        return True

    def _link(self, link: Link, number: int) -> None:
        merge = self.identities.link(link)
        if merge:
            self._merge_profiles(merge, number)

    def _erase(self, now: float) -> None:
        """Delete events and profiles of the people whose deletion is due (virtual seconds)."""
        asked = self.erasures.due(now)
        if not asked:
            return
        gone = asked | {self.identities.resolve(who) for who in asked}
        self.events = [
            event
            for event in self.events
            if event.stored not in gone and self.identities.resolve(event.stored) not in gone
        ]
        self.profiles = {who: old for who, old in self.profiles.items() if who not in gone}
        self.updates = {
            who: ids
            for who, ids in self.updates.items()
            if who not in gone and self.identities.resolve(who) not in gone
        }

    def seen(self, raw: bool) -> Sequence[Seen]:
        """The events as queries see them, or every row; the canonical id is the one at this moment.

        Of those with the same event, distinct id, time and insert id only the latest is seen (1.7).
        """
        resolve, token, region, limits = (
            self.identities.resolve,
            self.token,
            self.region,
            self.limits,
        )
        rows = [Seen(event, resolve(event.stored), token, region, limits) for event in self.events]
        return rows if raw else self.twins.latest(rows)

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

    def identity_items(self) -> dict[str, list[Any]]:
        """Who is who, what is pending, and whose data is in several places."""
        agenda = self.agenda.all()
        pending = [later.what for later in agenda if isinstance(later.what, Link)]
        people = self.identities.people()
        return {
            "clusters": [{"canonical": ids[0], "ids": list(ids)} for ids in people],
            "pending_aliases": [
                {**later.what._asdict(), "due": iso(later.due)}
                for later in agenda
                if isinstance(later.what, Link)
            ],
            "split_profiles": self._splits(pending),
            "duplicate_profiles": self._duplicates(people, pending),
            "queued": [
                {"id": later.number, "endpoint": later.what.endpoint, "due": iso(later.due)}
                for later in agenda
                if isinstance(later.what, Entry) and later.what.endpoint != ERASE
            ],
        }

    def _splits(self, pending: Sequence[Link]) -> list[dict[str, Any]]:
        """The aliases that are somebody else, with the ids of the records that made them so."""
        resolve = self.identities.resolve
        splits = [
            (link, resolve(link.alias))
            for link in self.identities.splits(pending)
            if resolve(link.alias) != resolve(link.distinct_id)
        ]
        causes: dict[str, list[int]] = {who: [] for _, who in splits}
        if causes:
            for who, numbers in self.updates.items():
                causes.get(resolve(who), []).extend(numbers)
            for event in self.events:
                if event.name not in IDENTITY_EVENTS:
                    causes.get(resolve(event.stored), []).append(event.id)
        return [
            {**link._asdict(), "causes": sorted(causes[who])} for link, who in splits if causes[who]
        ]

    def _duplicates(
        self, people: Sequence[Sequence[str]], pending: Sequence[Link]
    ) -> list[dict[str, Any]]:
        """People who have several profiles, with the ids of these; pending links count."""
        everyone = Clusters()
        for first, *others in [*people, *((link.distinct_id, link.alias) for link in pending)]:
            for other in others:
                everyone.join(first, other)
        profiles = [[who for who in ids if who in self.profiles] for ids in everyone.all()]
        return [{"distinct_ids": sorted(ids)} for ids in profiles if len(ids) > 1]

    def _add_event(self, entry: Entry, added: Properties) -> None:
        event = read_event(entry, added)
        event = event._replace(stored=intern(self.identities.place(event.distinct_id)))
        if event.stored and self._is_hot(event):
            self.findings[entry.id] = Finding("distinct_id: too many events in a day", False)
            event = hot_shard(event)
        self.twins.add(event)
        self.events.append(event)
        # A record that waited is behind later ones; from the end the place is near.
        place = len(self.events) - 1
        while place and self.events[place - 1].id > entry.id:
            self.events[place] = self.events[place - 1]
            place -= 1
        self.events[place] = event

    def _is_hot(self, event: Event) -> bool:
        day = (event.stored, int(event.time // 86400))
        self.by_day[day] = self.by_day.get(day, 0) + 1
        return self.by_day[day] > self.limits.hot_shard

    def _update_profile(self, entry: Entry) -> None:
        who = identifier(entry.record["$distinct_id"])
        if not truthy(entry.record.get("$ignore_alias")):
            stored = self.identities.place(who)
            self.updates.setdefault(stored, []).append(entry.id)
            who = self.identities.resolve(stored)
        old = self.profiles.get(who)
        new = self._updated(old, entry)
        if new is None:
            self.profiles.pop(who, None)
        elif old is None or new is not old.properties:
            new = new | profile_location(entry.place)
            if not truthy(entry.record.get("$ignore_time")):
                new = new | {LAST_SEEN: iso(entry.received_at)[:19]}
            self.profiles[who] = Changed(new, entry)

    def _merge_profiles(self, merge: Merge, number: int) -> None:
        """Make one profile of two; which value wins is unknown, here it is the later update's."""
        old = self.profiles.pop(merge.gone, None)
        if old is None:
            return
        both = [old, self.profiles.get(merge.kept, old)]
        older, newer = sorted(both, key=lambda profile: profile.entry.id)
        seen = [each.properties[LAST_SEEN] for each in both if LAST_SEEN in each.properties]
        lost = [
            name
            for name, value in older.properties.items()
            if name != LAST_SEEN and not same(value, newer.properties.get(name, value))
        ]
        if lost:
            reason = f"profiles: both had {', '.join(lost)}; the later update's values are kept"
            self.findings[number] = Finding(reason, refused=False)
        properties = older.properties | newer.properties | ({LAST_SEEN: max(seen)} if seen else {})
        self.profiles[merge.kept] = Changed(properties, newer.entry)

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
