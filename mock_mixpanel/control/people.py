"""One person, group or project in the control API: properties, history, activity and identity."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import islice
from time import thread_time
from typing import Any
from urllib.parse import quote

from mock_mixpanel.backend import Backend
from mock_mixpanel.control.lists import Query
from mock_mixpanel.control.reading import LogReader
from mock_mixpanel.json_values import same
from mock_mixpanel.projects.config import Project
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.state.lists.references import References
from mock_mixpanel.state.profiles.profiles import Profiles
from mock_mixpanel.state.project_state import ProjectState

ACTIVITY = 100
"""Events of a person or group, and steps of a history, that are shown without `limit`."""


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
                history = _history(state.groups, (key, who), projections.references)
                if not history:
                    continue
                profile = state.groups.get((key, who))
                members = self._members(state, query, key, who)
                return {
                    "token": state.token,
                    "region": state.region,
                    "group_key": key,
                    "group_id": who,
                    "exists": profile is not None,
                    "properties": profile.properties if profile else {},
                    "set_by": _set_by(history),
                    "history_total": len(history),
                    "history": _latest(history, query),
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
        found = {place: self._at(state, query, place) for place in places}
        shown = next((place for place, (history, events) in found.items() if history or events), "")
        identity = projections.identities(state.token, state.region, who)
        if not shown and not any(identity.values()):
            return None
        shown = shown or places[-1]
        history, events = found[shown]
        profile = state.profiles.get(shown)
        return {
            "token": state.token,
            "region": state.region,
            "distinct_id": shown,
            "ids": next((list(ids) for ids in identities.people_with(who)), [shown]),
            "see_also": [place for place in places if place != shown],
            "exists": profile is not None,
            "properties": profile.properties if profile else {},
            "set_by": _set_by(history),
            "history_total": len(history),
            "history": _latest(history, query),
            "events": events,
            "identity": identity,
        }

    def _at(
        self, state: ProjectState, query: Query, canonical: str
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The history and the latest events of what is stored for a canonical id."""
        projections = self.backend.projections
        stored = state.events_of(state.stored_ids(canonical), query.before)
        latest = islice((event.id for event in stored), _most(query))
        events = [entry for _, entry in projections.requests_of(latest)]
        history = _history(state.profiles, canonical, projections.references)
        return history, self.reading.records_of(events)

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


AT_ONCE = 500
EXAMINED = 1000
"""The latest events that are looked at for the members of a group."""


def _most(query: Query) -> int:
    return ACTIVITY if query.limit is None else query.limit


def _history(profiles: Profiles[Any], key: Any, references: References) -> list[dict[str, Any]]:
    """Each update made to a profile in the order they apply, with what it changed."""
    found = []
    for entry, before, after, reason in profiles.replay(key):
        found.append(
            {
                **references.record(entry),
                "accepted": reason is None,
                "reasons": [] if reason is None else [reason],
                "existed": before is not None,
                "exists": after is not None,
                "changed": _changes(before or {}, after or {}),
                "record": entry.record,
            }
        )
    return found


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


def _set_by(history: list[dict[str, Any]]) -> dict[str, Any]:
    """For each property the record that gave it its value."""
    found: dict[str, Any] = {}
    names = ("id", "request_id", "received_at", "url", "request_url", "name")
    for step in history:
        for name, values in step["changed"].items():
            if "after" in values:
                found[name] = {each: step[each] for each in names}
            else:
                found.pop(name, None)
    return found


def _latest(history: list[dict[str, Any]], query: Query) -> list[dict[str, Any]]:
    """The last steps, oldest first."""
    most = _most(query)
    return history[-most:] if most else []


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
