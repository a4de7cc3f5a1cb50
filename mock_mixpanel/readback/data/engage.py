"""The engage query: profiles of people or of groups, page by page
(docs/facts/mixpanel-http-api.md#engage-query).

Page 0 makes a session, and the later pages show what was found then. Choices: profiles come in
the order they were made; `total` is on every page; a page past the end is empty; the latest
sessions are kept, and for one that is not the query runs again; `page_size` is at most 1000.
"""

import secrets
from typing import Any

from mock_mixpanel.backend import Backend
from mock_mixpanel.log.row_codec import dump, load
from mock_mixpanel.projects.config import Project
from mock_mixpanel.readback.access import CallError
from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse
from mock_mixpanel.readback.data.cohorts import Profiles, cohort_of, matching, members
from mock_mixpanel.readback.data.groups import data_groups

PAGE_SIZE = 1000
MAX_PAGE = 10**9

NOT_AVAILABLE = (
    "behaviors",
    "as_of_timestamp",
    "search",
    "sort_key",
)
"""Parameters that select profiles in Mixpanel and are not available here."""


def query(call: ReadbackCall) -> ReadbackResponse:
    """One page. Raises CallError 400 for a bad parameter, 401, 429, 501 for one not available."""
    project = call.query_project()
    call.refuse(*NOT_AVAILABLE, "limit")
    page = call.integer("page", 0, 0, MAX_PAGE)
    session_id = call.params.get("session_id", "")
    if page and not session_id:
        raise CallError(400, "request for page in uncached query for params")
    found = _page(call.backend, session_id, page) if session_id else None
    if found is None or found["token"] != project.token:
        size = min(call.integer("page_size", PAGE_SIZE, 1, 10**9), PAGE_SIZE)
        session_id = session_id or f"{int(call.now)}-{secrets.token_hex(6)}"
        results = _profiles(call, project)
        session = {"token": project.token, "page_size": size, "total": len(results)}
        # Page 0 exists even if it is empty.
        starts = range(0, max(1, len(results)), size)
        pages = [{**session, "results": results[start : start + size]} for start in starts]
        call.backend.remember(session_id, [dump(each) for each in pages])
        found = pages[page] if page < len(pages) else {**session, "results": []}
    return ReadbackResponse.json(
        {
            "page": page,
            "page_size": found["page_size"],
            "results": found["results"],
            "session_id": session_id,
            "status": "ok",
            "total": found["total"],
        }
    )


def _page(backend: Backend, session_id: str, page: int) -> dict[str, Any] | None:
    """A page of a stored session; empty beyond the end, None if the session is not stored."""
    kept = backend.recall(session_id, page)
    if kept is not None:
        found: dict[str, Any] = load(kept)
        return found
    first = backend.recall(session_id, 0) if page else None
    return None if first is None else {**load(first), "results": []}


def _profiles(call: ReadbackCall, project: Project) -> list[dict[str, Any]]:
    """All profiles that the parameters select, as the response shows them."""
    selected = profiles_of(call, project)
    names = call.texts("output_properties")
    return [
        {
            "$distinct_id": who,
            "$properties": properties
            if names is None
            else {name: properties[name] for name in names if name in properties},
        }
        for who, properties in selected.items()
    ]


def profiles_of(call: ReadbackCall, project: Project) -> Profiles:
    """The profiles that the parameters select, by id.

    Raises CallError 400 for a bad parameter, 501 for one that is not available.
    """
    call.refuse(*NOT_AVAILABLE)
    groups = _groups(call, project)
    found = people(call, project) if groups is None else groups
    wanted = call.params.get("filter_by_cohort", "")
    if wanted:
        found = members(cohort_of(project, wanted), found)
    return _selected(call, _asked_for(call, found))


def people(call: ReadbackCall, project: Project) -> Profiles:
    """All people with a profile, by id."""
    return {
        item.value["distinct_id"]: item.value["properties"]
        for item in call.backend.projections.items("profiles", project.token)
        if item.value["region"] == call.envelope.region
    }


def _groups(call: ReadbackCall, project: Project) -> Profiles | None:
    """The profiles of groups by data group id or group key; None without these parameters."""
    wanted = call.params.get("data_group_id", "")
    if not wanted:
        return None
    known = data_groups(call, project)
    key = next((key for key, number in known.items() if wanted in (key, str(number))), None)
    if key is None:
        listed = f"/api/app/projects/{project.project_id or project.token}/data-groups/"
        raise CallError(400, f"data_group_id: no group {wanted}; GET {listed} lists them")
    return {
        item.value["group_id"]: item.value["properties"]
        for item in call.backend.projections.items("groups", project.token)
        if item.value["region"] == call.envelope.region and item.value["group_key"] == key
    }


def _asked_for(call: ReadbackCall, profiles: Profiles) -> Profiles:
    """The profiles of `distinct_id` and `distinct_ids`, if given."""
    one, several = call.params.get("distinct_id", ""), call.texts("distinct_ids")
    if one:
        profiles = {who: each for who, each in profiles.items() if who == one}
    if several is not None:
        profiles = {who: profiles[who] for who in several if who in profiles}
    return profiles


def _selected(call: ReadbackCall, profiles: Profiles) -> Profiles:
    """The profiles that `where` selects.

    `selector`, which mixpanel-utils sends, is the same under another name (choice).
    """
    for name in ("where", "selector"):
        expression = call.params.get(name, "")
        if expression:
            profiles = matching(expression, profiles, name)
    return profiles
