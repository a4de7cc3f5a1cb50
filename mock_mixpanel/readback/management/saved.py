"""Cohorts and annotations, which Mixpanel's users save on its pages; here, options of the project.

Sources: docs/facts/mixpanel-http-api.md#other-query-routes and what readers expect.
"""

from typing import Any

from mock_mixpanel.projects.config import Annotation, Project
from mock_mixpanel.readback.access import CallError, shown_id
from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse
from mock_mixpanel.readback.data.cohorts import listed
from mock_mixpanel.readback.data.engage import people


def list_cohorts(call: ReadbackCall) -> ReadbackResponse:
    """The cohorts with the number of their members. Raises CallError 400, 401, 429."""
    project = call.query_project()
    profiles, number = people(call, project), shown_id(project)
    return ReadbackResponse.json(
        [listed(each, profiles, number, call.today) for each in project.cohorts]
    )


def list_annotations(call: ReadbackCall, project_id: str) -> ReadbackResponse:
    """The annotations, between `fromDate` and `toDate` if given. Raises CallError 401."""
    project = call.project(project_id)
    found = _between(project, call.params.get("fromDate", ""), call.params.get("toDate", ""))
    return ReadbackResponse.json(
        {"status": "ok", "results": [_shown(each, project) for each in found]}
    )


def annotation(call: ReadbackCall, project_id: str, annotation_id: str) -> ReadbackResponse:
    """One annotation. Raises CallError 401, or 404 for an unknown id."""
    project = call.project(project_id)
    for each in project.annotations:
        if str(each.id) == annotation_id:
            return ReadbackResponse.json({"status": "ok", "results": _shown(each, project)})
    raise CallError(404, f"the project has no annotation {annotation_id}")


def old_annotations(call: ReadbackCall) -> ReadbackResponse:
    """The annotations in the older shape, which readers with a project secret expect.

    Raises CallError 401, 429.
    """
    project = call.query_project()
    found = _between(project, call.params.get("from_date", ""), call.params.get("to_date", ""))
    number = shown_id(project)
    shown = [
        {"date": each.date, "project_id": number, "id": each.id, "description": each.description}
        for each in found
    ]
    return ReadbackResponse.json({"annotations": shown, "error": False})


def _between(project: Project, first: str, last: str) -> list[Annotation]:
    """The annotations of the days from `first` to `last`, by date."""
    found = sorted(project.annotations, key=lambda each: (each.date, each.id))
    return [
        each
        for each in found
        if first[:10] <= each.date[:10] and (not last or each.date[:10] <= last[:10])
    ]


def _shown(each: Annotation, project: Project) -> dict[str, Any]:
    return {
        "id": each.id,
        "project_id": shown_id(project),
        "date": each.date,
        "description": each.description,
        "user": {"id": 1, "first_name": "", "last_name": ""},
        "tags": [],
    }
