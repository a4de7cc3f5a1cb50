"""Saved cohorts: people whose profiles an expression selects (an option of the project).

Choice: a cohort is computed from the profiles of the moment, so it has members only with a profile,
`include_all_users` has no effect.
"""

from typing import Any

import orjson

from mock_mixpanel.projects.config import Cohort, Project
from mock_mixpanel.readback.access import CallError
from mock_mixpanel.readback.expression_values import ExpressionError
from mock_mixpanel.readback.expressions import WhereRow, compile_where

Profiles = dict[str, dict[str, Any]]
"""Properties by distinct id."""


def cohort_of(project: Project, wanted: str) -> Cohort:
    """The cohort of a parameter such as `{"id": 12}`. Raises CallError 400 for an unknown id."""
    try:
        value = orjson.loads(wanted)
    except orjson.JSONDecodeError:
        value = None
    number = value.get("id") if isinstance(value, dict) else None
    if isinstance(value, dict) and "id" not in value:
        raise CallError(501, "filter_by_cohort: only saved cohorts are available in this mock")
    for cohort in project.cohorts:
        if number is not True and str(number) == str(cohort.id):
            return cohort
    known = ", ".join(str(each.id) for each in project.cohorts) or "none"
    raise CallError(
        400, f'filter_by_cohort: must be {{"id": N}}, N one of the project\'s cohorts: {known}'
    )


def members(cohort: Cohort, profiles: Profiles) -> Profiles:
    """Those profiles that belong to a cohort. Raises CallError 400 for a wrong expression."""
    return matching(cohort.where, profiles, f"where of cohort {cohort.id}")


def matching(expression: str, profiles: Profiles, name: str) -> Profiles:
    """The profiles that an expression selects; `user[...]` equals `properties[...]` here.

    Raises CallError 400 for a wrong expression, which `name` tells where to find.
    """
    try:
        selects = compile_where(expression)
        rows = {who: each | {"$distinct_id": who} for who, each in profiles.items()}
        return {who: profiles[who] for who, row in rows.items() if selects(WhereRow(row, row))}
    except ExpressionError as error:
        raise CallError(400, f"{name}: {error}") from error


def listed(cohort: Cohort, profiles: Profiles, project_id: int | str, today: str) -> dict[str, Any]:
    """A cohort as the list shows it (docs/facts/mixpanel-http-api.md#other-query-routes)."""
    return {
        "count": len(members(cohort, profiles)),
        "is_visible": int(cohort.is_visible),
        "description": cohort.description,
        "created": cohort.created or f"{today} 00:00:00",
        "project_id": project_id,
        "id": cohort.id,
        "name": cohort.name,
    }
