"""The report of identities: clusters, links, split and duplicate profiles, and their causes.

A report of one id reads the data of its people alone. A report of all people finds candidates by
their ids, so that people without a split and without a second profile cost next to nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from heapq import merge
from itertools import chain, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.state.deletions import ENDPOINT as ERASE
from mock_mixpanel.state.events.event import IDENTITY_EVENTS
from mock_mixpanel.state.identities import Link
from mock_mixpanel.state.identities.links import LinkHistory, LinkLog
from mock_mixpanel.state.lists.references import CausingRecord, References, about
from mock_mixpanel.state.profiles.profile import Profile

if TYPE_CHECKING:
    from mock_mixpanel.state.project_state import ProjectState

Items = Iterator[dict[str, Any]]
"""The items of a list, as JSON values."""
MOST_CAUSES = 1000
"""Causes of one split that are listed; `causes_total` counts all."""


class IdentityReport:
    """The identities of one project in one region at one time.

    `refused` are the identity events that were refused when they arrived. With `who`, only what
    concerns this id. Make it when the state is up to date, and drop it before the state changes.
    """

    def __init__(
        self,
        state: "ProjectState",
        references: References,
        refused: LinkLog,
        who: str | None = None,
    ) -> None:
        self._state, self._references, self._refused, self._who = state, references, refused, who
        self._scope = {"token": state.token, "region": state.region}

    def lists(self, most: int | None = None) -> dict[str, list[Any]]:
        """All lists, each with its first `most` items."""
        return {name: list(islice(read(self), most)) for name, read in LISTS.items()}

    def counts(self, most: int | None = None) -> dict[str, int]:
        """The number of items in each list that may need attention; `most` if a list has more.

        `refused_links` counts the links of all people.
        """
        return {
            "pending_aliases": len(self._pending),
            "split_profiles": _length(self._splits(), most),
            "duplicate_profiles": _length(self._duplicates(), most),
            "queued": len(self._queued),
            "refused_links": self._state.links.refused + self._refused.refused,
        }

    def clusters(self) -> Items:
        """People with several ids."""
        return ({"canonical": ids[0], "ids": list(ids)} for ids in self._people())

    def links(self) -> Items:
        """Every identity event, and what was decided about it."""
        found: Iterable[LinkHistory] = self._links_of_who
        if self._who is None:
            found = merge(self._state.links, self._refused, key=attrgetter("id"))
        return ({**self._link(each), **self._scope} for each in found)

    def pending(self) -> Items:
        """Links that are decided and not in effect."""
        return ({**link._asdict(), "due": iso(due)} for due, link in self._pending)

    def splits(self) -> Items:
        """People with split data, and the records that cause it."""
        pending = {link for _, link in self._pending}
        for asked, who in self._splits():
            causes = sorted(self._causes(who))
            entries = self._state.entries(causes[:MOST_CAUSES])
            yield {
                **asked.link._asdict(),
                "status": "pending" if asked.link in pending else "in_effect",
                "asked": self._references.cause(CausingRecord(asked.id, asked.at)),
                "due": iso(asked.due),
                "causes": [self._references.record(entry) for entry in entries],
                "causes_total": len(causes),
                **self._scope,
            }

    def duplicates(self) -> Items:
        """People with several profiles, by pending links too, and the first update of each."""
        for profiles in self._duplicates():
            made = {profile.made: who for who, profile in profiles.items()}
            entries = self._state.entries(sorted(made))
            first_updates = {made[entry.id]: self._references.record(entry) for entry in entries}
            yield {
                "distinct_ids": list(profiles),
                "profiles": [
                    {"distinct_id": who, "made_by": first_updates.get(who)} for who in profiles
                ],
                **self._scope,
            }

    def queued(self) -> Items:
        """Records that wait."""
        return (
            {**self._references.record(entry), "due": iso(due), **self._scope}
            for due, entry in self._queued
        )

    def _people(self) -> Iterator[Sequence[str]]:
        identities = self._state.identities
        return identities.people() if self._who is None else identities.people_with(self._who)

    @cached_property
    def _links_of_who(self) -> list[LinkHistory]:
        """Every identity event that names the id or another id of its people."""
        ids = {self._who or "", *(each for people in self._people() for each in people)}
        found = (*self._state.links.of(ids), *self._refused.of(ids))
        return sorted(found, key=attrgetter("id"))

    @cached_property
    def _related(self) -> set[str] | None:
        """All ids that the report is about; None for all."""
        if self._who is None:
            return None
        people = {each for ids in self._people() for each in ids}
        return {self._who, *people, *(each for link in self._links_of_who for each in link.link)}

    def _concerns(self, link: Link) -> bool:
        related = self._related
        return related is None or link.alias in related or link.distinct_id in related

    @cached_property
    def _all_pending(self) -> list[tuple[float, Link]]:
        """When each pending link is due."""
        effects = self._state.scheduler.all()
        return [(each.due, each.what) for each in effects if isinstance(each.what, Link)]

    @cached_property
    def _pending(self) -> list[tuple[float, Link]]:
        return [(due, link) for due, link in self._all_pending if self._concerns(link)]

    @cached_property
    def _queued(self) -> list[tuple[float, LogEntry]]:
        effects = self._state.scheduler.all()
        return [
            (each.due, each.what)
            for each in effects
            if isinstance(each.what, LogEntry) and each.what.verdict.endpoint != ERASE
            if self._who is None or about(each.what)["distinct_id"] == self._who
        ]

    def _splits(self) -> Iterator[tuple[LinkHistory, str]]:
        """The links that do not join stored data, and the distinct id that this data is under."""
        state, resolve = self._state, self._state.identities.resolve
        pending = [link for _, link in self._all_pending]
        stored = state.ids_with_data()
        if self._related is not None:
            named = (each.link for each in state.links.of(self._related))
            stored = [dict.fromkeys(chain.from_iterable(named)).keys()]
        for link in state.identities.splits(pending, stored):
            who, asked = resolve(link.alias), state.links.decision(link)
            apart = who != resolve(link.distinct_id) and self._concerns(link)
            if asked and apart and any(True for _ in self._causes(who)):
                yield asked, who

    def _causes(self, who: str) -> Iterator[int]:
        """The entry ids of what is stored for a person, identity events aside."""
        stored = self._state.stored_ids(who)
        for each in stored:
            yield from (number for _, number in self._state.profiles.history(each))
        for event in self._state.events_of(stored, None):
            if event.name not in IDENTITY_EVENTS:
                yield event.id

    def _duplicates(self) -> Iterator[dict[str, Profile]]:
        """The profiles of each person who has several, by distinct id."""
        state, pending = self._state, defaultdict[str, list[str]](list)
        for _, link in self._pending:
            pending[link.distinct_id].append(link.alias)
            pending[link.alias].append(link.distinct_id)
        if self._who is None:
            likely = state.profiles.keys() & state.identities.led_on()
            starts = filter(likely.__contains__, state.identities.led_on())
        else:
            starts = filter(None, [self._who])
        visited: set[str] = set()
        for start in chain(starts, pending):
            if start in visited:
                continue
            ids = self._joined(start, pending)
            visited |= ids
            profiles = {who: profile for who in sorted(ids) if (profile := state.profiles.get(who))}
            if len(profiles) > 1:
                yield profiles

    def _joined(self, start: str, pending: Mapping[str, Sequence[str]]) -> set[str]:
        """All ids of a person, when the pending links are in effect as well."""
        found, left = {start}, [start]
        while left:
            who = left.pop()
            ids = {each for people in self._state.identities.people_with(who) for each in people}
            new = {*ids, *pending.get(who, ())} - found
            found |= new
            left += new
        return found

    def _link(self, history: LinkHistory) -> dict[str, Any]:
        status = history.outcome
        if status == "linked":
            status = "pending" if history.due > self._state.now else "in_effect"
        cause, because = self._references.cause, self._state.links.times.get(history.because)
        return {
            **history.link._asdict(),
            "status": status,
            "reason": history.reason or None,
            "asked": cause(CausingRecord(history.id, history.at)),
            "due": iso(history.due),
            "because": cause(CausingRecord(history.because, because)) if because else None,
        }


def _length(items: Iterator[Any], most: int | None) -> int:
    return sum(1 for _ in islice(items, most))


LISTS: dict[str, Callable[[IdentityReport], Items]] = {
    "clusters": IdentityReport.clusters,
    "links": IdentityReport.links,
    "pending_aliases": IdentityReport.pending,
    "split_profiles": IdentityReport.splits,
    "duplicate_profiles": IdentityReport.duplicates,
    "queued": IdentityReport.queued,
}
