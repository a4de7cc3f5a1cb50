"""The pages about people, groups and identity."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Response, request

from mock_mixpanel.control.lists import Query
from mock_mixpanel.control.parameters import ControlError, required_text, whole_number
from mock_mixpanel.control.search import read_search
from mock_mixpanel.control.search_terms import SearchError, quoted
from mock_mixpanel.control.views import ITEM_FIELDS, RECORD_FIELDS
from mock_mixpanel.inspector.identity_timeline import drawing, timeline
from mock_mixpanel.inspector.site import Site, View
from mock_mixpanel.inspector.visit import Visit
from mock_mixpanel.inspector.wording import seconds_between

ACTIVITY = 20
"""Events of a person, and updates of a person or group, that a page shows."""
LISTED = 50
"""Clusters, splits or links that the page of all identities shows."""


class PeoplePages:
    """The views, by path."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def views(self) -> dict[str, View]:
        """The view of each page, by the path below `/_mock/ui/`."""
        return {
            "people": lambda: self._list("profiles"),
            "groups": lambda: self._list("groups"),
            "person": self.person,
            "group": self.group,
            "identity": self.identity,
        }

    def _list(self, kind: str) -> Response:
        visit, now, problem = self._site.visit(), self._site.backend.clock.now(), None
        try:
            search = read_search(request.args.get("q", ""), now, ITEM_FIELDS)
        except SearchError as error:
            search, problem = read_search("", now, ITEM_FIELDS), str(error)
        found = self._site.reading.stored(kind, self._site.query(visit, search))
        return self._site.render(f"{kind}.html", visit, found=found, problem=problem)

    def person(self) -> Response:
        """Properties with their history, activity, ids."""
        visit, who = self._site.visit(), required_text("id")
        query = Query(
            visit.token,
            visit.region,
            before=whole_number("before"),
            limit=ACTIVITY,
            history_before=whole_number("history_before"),
        )
        found = self._site.people.person(query, who)
        if found is None:
            return self._unknown_person(visit, who)
        return self._site.render(
            "person.html",
            visit,
            person=found,
            asked=who,
            more=len(found["events"]) == ACTIVITY,
            days=by_day(activity(found)),
            splits=advice(found["identity"]["split_profiles"]),
            drawing=drawing(timeline(found["identity"])),
        )

    def _unknown_person(self, visit: Visit, who: str) -> Response:
        """Says that there is no such person, and shows the latest records that name the id."""
        text = f"id:{quoted(who)}"
        search = read_search(text, self._site.backend.clock.now(), RECORD_FIELDS)
        found = self._site.reading.records(self._site.query(visit, search, limit=ACTIVITY))
        return self._site.render(
            "unknown_person.html", visit, 404, asked=who, search=text, found=found
        )

    def group(self) -> Response:
        """Properties with their history, and the members."""
        visit, key, who = self._site.visit(), required_text("key"), required_text("id")
        history_before = whole_number("history_before")
        query = replace(self._site.query(visit, limit=ACTIVITY), history_before=history_before)
        found = self._site.people.group(query, key, who)
        if found is None:
            raise ControlError(f"no data of a group {who!r} of {key!r}", 404)
        return self._site.render("group.html", visit, group=found)

    def identity(self) -> Response:
        """The links between ids over time: of one id, or of all."""
        visit, who = self._site.visit(), request.args.get("id")
        read = self._site.backend.projections.identities
        found = read(visit.token, visit.region, who, LISTED)
        return self._site.render(
            "identity.html",
            visit,
            who=who,
            known=who is not None and self._site.knows_person(who, visit.token, visit.region),
            identity=found,
            attention=self._site.attention(visit, who),
            splits=advice(found["split_profiles"]),
            drawing=drawing(timeline(found)) if who else "",
        )


def activity(person: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Events and updates of a person, newest first."""
    events = [{**each, "changed": None} for each in person["events"]]
    updates = [{**each, "fate": None} for each in person["history"]]
    return sorted([*events, *updates], key=lambda each: -each["id"])


def by_day(items: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Items by the day on which they arrived, in the same order."""
    days: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for each in items:
        days[each["received_at"][:10]].append(each)
    return dict(days)


def advice(splits: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Splits with the first record that caused each, and the number of seconds by which it was too
    early."""
    found = []
    for split in splits:
        first = split["causes"][0] if split["causes"] else None
        early = None
        if first and split["due"]:
            early = seconds_between(first["received_at"], split["due"])
        found.append({**split, "first": first, "early": early})
    return found
