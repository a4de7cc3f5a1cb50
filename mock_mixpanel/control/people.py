"""One person, group or project in the control API: properties, history, activity and identity."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice
from time import thread_time
from typing import Any
from urllib.parse import quote

from mock_mixpanel.backend import Backend
from mock_mixpanel.control.lists import Query
from mock_mixpanel.control.parameters import ControlError
from mock_mixpanel.control.reading import LogReader
from mock_mixpanel.json_values import same
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.projects.config import Project
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.state.lists.references import CausingRecord, References
from mock_mixpanel.state.profiles.profile import NO_PROFILE, PropertySource
from mock_mixpanel.state.profiles.profiles import Profiles, UpdateStep
from mock_mixpanel.state.project_state import ProjectState

ACTIVITY = 100
"""Events of a person, and updates and members of a profile, that are shown without `limit`."""


class PeopleReader:
    """Reads people, groups and projects."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.reading = backend, LogReader(backend)

    def person(self, query: Query, who: str) -> dict[str, Any] | None:
        """A person by any of their ids; None if nothing is known of this id.

        `set_by` names the record that set each property, `history` what each update changed.
        """
        projections = self.backend.projections
        with projections.locked():
            for state in projections.states(query.token, query.region):
                found = self._person(state, query, who)
                if found:
                    return found
        return None

    def group(self, query: Query, key: str, who: str) -> dict[str, Any] | None:
        """A group by its key and id; None if it does not exist."""
        projections = self.backend.projections
        with projections.locked():
            for state in projections.states(query.token, query.region):
                if not state.groups.history((key, who)):
                    continue
                members = self._members(state, query, key, who)
                return {
                    "token": state.token,
                    "region": state.region,
                    "group_key": key,
                    "group_id": who,
                    **self._profile(state.groups, (key, who), query),
                    "members": members,
                }
        return None

    def projects(self) -> list[dict[str, Any]]:
        """All projects with data or options, with counts for each region; by token."""
        projections = self.backend.projections
        with projections.locked():
            by_token = defaultdict(list)
            for state in projections.states():
                by_token[state.token].append(state)
            known = {project.token: project for project in self.backend.projects.known()}
            return [
                {
                    **_options(self.backend.projects.options(token)),
                    "known": token in known,
                    **projections.totals(token),
                    "regions": [_counts(state) for state in by_token[token]],
                    "url": f"/_mock/projects/{quote(token, safe='', errors='surrogatepass')}",
                }
                for token in sorted({*known, *by_token})
            ]

    def _person(self, state: ProjectState, query: Query, who: str) -> dict[str, Any] | None:
        identities, projections = state.identities, self.backend.projections
        # Under legacy identity, data that came before an alias stays under the alias.
        both = identities.resolve(who), identities.resolve(identities.place(who))
        places = list(dict.fromkeys(both))
        found = {place: self._events(state, query, place) for place in places}
        shown = next(
            (place for place in places if state.profiles.history(place) or found[place]), ""
        )
        identity = projections.identities(state.token, state.region, who)
        if not shown and not any(identity.values()):
            return None
        shown = shown or places[-1]
        return {
            "token": state.token,
            "region": state.region,
            "distinct_id": shown,
            "ids": next((list(ids) for ids in identities.people_with(who)), [shown]),
            "see_also": [place for place in places if place != shown and _has_data(state, place)],
            **self._profile(state.profiles, shown, query),
            "events": self.reading.records_of(found[shown]),
            "identity": identity,
        }

    def _events(self, state: ProjectState, query: Query, canonical: str) -> list[LogEntry]:
        """The latest events that are stored for a canonical id."""
        stored = state.events_of(state.stored_ids(canonical), query.before)
        latest = islice((event.id for event in stored), _most(query))
        return [entry for _, entry in self.backend.projections.requests_of(latest)]

    def _profile(self, profiles: Profiles[Any], key: Any, query: Query) -> dict[str, Any]:
        """The properties of a profile, the record that set each, and a page of its history."""
        references = self.backend.projections.references
        profile, updates = profiles.get(key) or NO_PROFILE, profiles.history(key)
        end = _end(updates, query)
        first = max(0, end - _most(query))
        continued = updates[first][1] if first < end else query.history_before
        return {
            "exists": profile.properties is not None,
            "properties": profile.properties or {},
            "set_by": {
                name: _source(source, references) for name, source in profile.sources.items()
            },
            "history_total": len(updates),
            "history": [_step(each, references) for each in profiles.replay(key, first, end)],
            "history_before": continued if first else None,
        }

    def _members(
        self, state: ProjectState, query: Query, key: str, who: str
    ) -> list[dict[str, Any]]:
        """The people whose events name a group, the latest first, among the latest events."""
        counts: dict[str, int] = {}
        recent, end = islice(reversed(state.events), EXAMINED), thread_time() + query.seconds
        while (some := list(islice(recent, AT_ONCE))) and thread_time() < end:
            stored = {event.id: event.stored for event in reversed(some)}
            for entry in sorted(state.entries(list(stored)), key=lambda each: -each.id):
                named = entry.record["properties"].get(key)
                if any(same(each, who) for each in (named if isinstance(named, list) else [named])):
                    member = state.identities.resolve(stored[entry.id])
                    counts[member] = counts.get(member, 0) + 1
        shown = list(counts.items())[: _most(query)]
        return [{"distinct_id": member, "events": count} for member, count in shown]


def _has_data(state: ProjectState, canonical: str) -> bool:
    """Whether a profile or an event is stored for a canonical id."""
    if state.profiles.history(canonical):
        return True
    return next(state.events_of(state.stored_ids(canonical), None), None) is not None


AT_ONCE = 500
EXAMINED = 1000
"""Number of latest events that are searched for the members of a group."""


def _most(query: Query) -> int:
    return ACTIVITY if query.limit is None else query.limit


def _end(updates: Sequence[tuple[float, int]], query: Query) -> int:
    """The place in a history before which the page of a query ends."""
    before = query.history_before
    if before is None:
        return len(updates)
    place = next((place for place, (_, number) in enumerate(updates) if number == before), None)
    if place is None:
        raise ControlError(f"history_before: record {before} is not an update in this history")
    return place


def _step(step: UpdateStep, references: References) -> dict[str, Any]:
    """An update made to a profile, with what it changed."""
    return {
        **references.record(step.entry),
        "accepted": step.refused is None,
        "reasons": [] if step.refused is None else [step.refused],
        "existed": step.before is not None,
        "exists": step.after is not None,
        "changed": _changes(step.before or {}, step.after or {}),
        "record": step.entry.record,
    }


def _source(source: PropertySource, references: References) -> dict[str, Any]:
    """The record that set a property."""
    cause = references.cause(CausingRecord(source.id, source.at))
    return {**cause, "name": source.operations}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that differ, each with `before` and `after`; an absent value is left out."""
    changed: dict[str, Any] = {}
    for name in {**before, **after}:
        both = name in before and name in after
        if both and same(before[name], after[name]):
            continue
        changed[name] = {
            **({"before": before[name]} if name in before else {}),
            **({"after": after[name]} if name in after else {}),
        }
    return changed


def _options(project: Project) -> dict[str, Any]:
    return {
        "token": project.token,
        "project_id": project.project_id,
        "identity": project.identity,
        "home": project.region,
    }


def _counts(state: ProjectState) -> dict[str, Any]:
    return {
        "region": state.region,
        "events": len(state.events),
        "profiles": len(state.profiles),
        "groups": len(state.groups),
        "last_received_at": iso(state.last),
    }
