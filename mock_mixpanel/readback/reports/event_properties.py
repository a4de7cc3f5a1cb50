"""Properties of events and their values (docs/facts/mixpanel-http-api.md#other-query-routes).

Choices: without days, `top` and `values` look at all stored events; a call without `event` at all
events, as one reader wants it; the properties are those of the export, without time and person.
"""

from collections import Counter

from mock_mixpanel.projects.config import Project
from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse
from mock_mixpanel.readback.dates import days, has_days, recent, whole_days
from mock_mixpanel.readback.reports.events import LARGEST_LIST, NAMES, UNITS
from mock_mixpanel.readback.reports.rows import EventRow, counting, event_rows, series, shown, top

TOP_PROPERTIES = 10
"""Properties that a list shows by default."""


def counts(call: ReadbackCall) -> ReadbackResponse:
    """Events by time and value of a property. Raises CallError 400 for a bad parameter, 401, 429.

    An event without the property is not counted (choice).
    """
    project = call.query_project()
    call.only_json()
    event, name = call.text("event"), call.text("name")
    only, limit = call.texts("values"), call.integer("limit", NAMES, 1, LARGEST_LIST)
    period, kind = recent(call, UNITS), counting(call)
    rows = event_rows(call, project, period.since, period.until, [event])

    def values(row: EventRow) -> list[str]:
        properties = row.properties
        return [shown(properties[name])] if name in properties else []

    return ReadbackResponse.json(series(rows, values, period, kind, only, limit))


def top_properties(call: ReadbackCall) -> ReadbackResponse:
    """The most frequent properties, with the number of events that have them.

    Raises CallError 400 for a bad parameter, 401, 429.
    """
    project = call.query_project()
    limit = call.integer("limit", TOP_PROPERTIES, 1, LARGEST_LIST)
    found = Counter(name for row in _rows(call, project) for name in row.properties)
    return ReadbackResponse.json({name: {"count": found[name]} for name in top(found)[:limit]})


def top_values(call: ReadbackCall) -> ReadbackResponse:
    """The most frequent values of a property. Raises CallError 400, 401, 429."""
    project = call.query_project()
    name, limit = call.text("name"), call.integer("limit", NAMES, 1, LARGEST_LIST)
    rows = [row.properties for row in _rows(call, project)]
    found = Counter(shown(each[name]) for each in rows if name in each)
    return ReadbackResponse.json(top(found)[:limit])


def _rows(call: ReadbackCall, project: Project) -> list[EventRow]:
    name = call.params.get("event", "")
    names = [name] if name else None
    if not has_days(call):
        return event_rows(call, project, names=names)
    since, until = whole_days(*days(call))
    return event_rows(call, project, since, until, names)
