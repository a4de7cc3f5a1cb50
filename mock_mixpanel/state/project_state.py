"""What one project holds in one region: a fold over its entries, in order of arrival.

The virtual clock decides only what is on the agenda and what has happened: links between ids that
take effect, records that wait for them, and deletions.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import filterfalse, islice
from operator import attrgetter
from typing import Any

from mock_mixpanel.ingest.problems import Finding, RefusedError
from mock_mixpanel.json_values import identifier, truthy
from mock_mixpanel.log.records import Entry
from mock_mixpanel.projects.config import Limits
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.simulation.scheduler import Agenda, Later
from mock_mixpanel.state.deduplication import Twins
from mock_mixpanel.state.deletions import ENDPOINT as ERASE
from mock_mixpanel.state.deletions import TASKS, Erasures
from mock_mixpanel.state.events import IDENTITY_EVENTS, Event, hot_shard, read_event
from mock_mixpanel.state.identities import Identities, Link
from mock_mixpanel.state.identities.clusters import Clusters
from mock_mixpanel.state.list_items import Item, Seen
from mock_mixpanel.state.pagination import Part
from mock_mixpanel.state.profiles import Profile, Profiles

EVENTS = ("/track", "/import")
NOTHING_ADDED: Mapping[str, Any] = {}
IDENTITY_LISTS = (
    "clusters",
    "pending_aliases",
    "split_profiles",
    "duplicate_profiles",
    "queued",
)


@dataclass
class ProjectState:
    """What one project holds in one region."""

    token: str
    region: str
    identities: Identities
    limits: Limits
    group_keys: Sequence[str]
    entries: Callable[[Sequence[int]], Iterator[Entry]]
    """Reads entries again, by ids in order."""
    events: list[Event] = field(default_factory=list)
    """In order of arrival."""
    twins: Twins = field(default_factory=Twins)
    profiles: Profiles[str] = field(init=False)
    groups: Profiles[tuple[str, str]] = field(init=False)
    findings: dict[int, Finding] = field(default_factory=dict)
    """By entry id."""
    tasks: list[Entry] = field(default_factory=list)
    """Data deletions and retrievals, and their cancellations."""
    erasures: Erasures = field(default_factory=Erasures)
    agenda: Agenda = field(default_factory=Agenda)
    queued_until: float = float("-inf")
    """Until when records wait for the alias queue (virtual seconds)."""
    now: float = 0
    """When somebody looked last (virtual seconds)."""
    ahead: float = float("-inf")
    """The moment of the last thing that happened because somebody looked. An entry that arrived
    before it comes too late: the state has to be computed anew."""
    by_day: dict[tuple[str, str, int], int] = field(default_factory=dict)
    """How many events each distinct id and each group has on each day, in days since 1970."""

    def __post_init__(self) -> None:
        self.profiles = Profiles(self.limits, self.entries, self.findings)
        self.groups = Profiles(self.limits, self.entries, self.findings)

    def apply(self, entry: Entry) -> None:
        """Take in the next accepted entry; one that changes no data has no effect."""
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
                self.agenda.add(Later(entry.verdict.effective_at, entry.id, entry))

    def look(self, now: float) -> None:
        """Let everything happen that is due at `now` (virtual seconds)."""
        self.now = now
        self.ahead = self._advance(now) or self.ahead
        self.profiles.settle()
        self.groups.settle()

    def _advance(self, now: float) -> float | None:
        """When the last thing that is due happened, if anything was."""
        last = None
        if not self.agenda.heap:
            return last
        for later in self.agenda.until(now):
            last = later.due
            if isinstance(later.what, Link):
                self._link(later.what)
            elif later.what.verdict.endpoint == "/engage":
                self._update_profile(later.what)
            elif later.what.verdict.endpoint in EVENTS:
                self._add_event(later.what, later.added)
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
            if not self._waits(entry, decision.added):
                self._add_event(entry, decision.added)
            return
        if entry.verdict.effective_at > entry.verdict.received_at:
            self.agenda.add(Later(entry.verdict.effective_at, entry.id, decision.link))
        else:
            self._link(decision.link)
        self._add_event(entry, NOTHING_ADDED)

    def _waits(self, entry: Entry, added: Mapping[str, Any] = NOTHING_ADDED) -> bool:
        """Whether an entry goes on the agenda because the alias queue is backed up
        (docs/facts/mixpanel-http-api.md#propagation-and-split-profiles).

        It waits for the links before it, and behind those that wait already.
        """
        most = self.limits.alias_queue
        if most is None:
            return False
        if self.agenda.links > most:
            self.queued_until = self.agenda.last_link
        if self.queued_until <= entry.verdict.received_at:
            return False
        self.agenda.add(Later(self.queued_until, entry.id, entry, added))
        return True

    def _link(self, link: Link) -> None:
        merge = self.identities.link(link)
        if merge:
            self.profiles.merge(merge.gone, merge.kept)

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
        self.twins = Twins(self.events)
        self.profiles.forget(gone, self.identities.resolve)

    def seen(self, raw: bool, part: Part) -> Sequence[Seen]:
        """The events as queries see them, or every row; the canonical id is the one at this moment.

        Of those with the same event, distinct id, time and insert id only the latest is seen
        (docs/facts/mixpanel-http-api.md#deduplication). They are looked at from the end, so that a
        part costs no more than it has.
        """
        resolve, token, region, limits = (
            self.identities.resolve,
            self.token,
            self.region,
            self.limits,
        )
        first = bisect_right(self.events, part.after, key=attrgetter("id"))
        found: Iterator[Event] = islice(reversed(self.events), len(self.events) - first)
        if part.moment is not None:
            moment = part.moment
            found = (event for event in found if event.at > moment)
        if self.twins:
            old = None if limits.compaction is None else self.now - limits.compaction
            found = filterfalse(self.twins.superseded(resolve, old, raw=raw), found)
        rows = [
            Seen(event, resolve(event.stored), token, region, limits)
            for event in islice(found, part.limit)
        ]
        rows.reverse()
        return rows

    def profile_items(self) -> list[Item]:
        """Every profile, oldest first."""
        return [self._item(profile, distinct_id=who) for who, profile in self.profiles.items()]

    def group_items(self) -> list[Item]:
        """Every group profile, oldest first."""
        return [
            self._item(group, group_key=key, group_id=who)
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
                {"id": later.number, "endpoint": later.what.verdict.endpoint, "due": iso(later.due)}
                for later in agenda
                if isinstance(later.what, Entry) and later.what.verdict.endpoint != ERASE
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
            for who, numbers in self.profiles.updates():
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

    def _add_event(self, entry: Entry, added: Mapping[str, Any]) -> None:
        event = read_event(entry, added, self.identities.place, self.identities.resolve)
        whose = self._hot(event, entry.record["properties"])
        if whose:
            self.findings[entry.id] = Finding(f"{whose}: too many events in a day", False)
            event = hot_shard(event)
        self.twins.add(event)
        self.events.append(event)
        # A record that waited is behind later ones; from the end the place is near.
        place = len(self.events) - 1
        while place and self.events[place - 1].id > entry.id:
            self.events[place] = self.events[place - 1]
            place -= 1
        self.events[place] = event

    def _hot(self, event: Event, properties: Mapping[str, Any]) -> str | None:
        """What of an event has too many on its day: the distinct id, or the name of a group key."""
        hot = None
        if event.stored and self._count("distinct_id", event.stored, event) > self.limits.hot_shard:
            hot = "distinct_id"
        for key in self.group_keys:
            groups = properties.get(key)
            for group in groups if isinstance(groups, list) else [groups]:
                who = identifier(group)
                if who and self._count(key, who, event) > self.limits.hot_shard_group:
                    hot = hot or key
        return hot

    def _count(self, name: str, who: str, event: Event) -> int:
        shard = (name, who, event.day)
        count = self.by_day[shard] = self.by_day.get(shard, 0) + 1
        return count

    def _update_profile(self, entry: Entry) -> None:
        who = identifier(entry.record["$distinct_id"])
        if not truthy(entry.record.get("$ignore_alias")):
            who = self.identities.resolve(self.identities.place(who))
        self.profiles.update(who, entry)

    def _update_group(self, entry: Entry) -> None:
        record = entry.record
        self.groups.update(
            (identifier(record["$group_key"]), identifier(record["$group_id"])), entry
        )

    def _item(self, profile: Profile, **more: Any) -> Item:
        value = {"token": self.token, "region": self.region, **more}
        value["properties"] = profile.properties
        return Item(profile.changed, profile.at, self.token, value)
