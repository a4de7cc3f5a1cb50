"""Counts of events by name (docs/facts/mixpanel-http-api.md#other-query-routes)."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

from mock_mixpanel.readback.access import CallError
from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse
from mock_mixpanel.readback.dates import days, has_days, midnight, recent, whole_days
from mock_mixpanel.readback.reports.rows import EventRow, amount, counting, event_rows, series, top

UNITS = ("day", "minute", "hour", "week", "month")
NAMES = 255
"""Names that a list shows by default."""
LARGEST_LIST = 10_000
RECENT_DAYS = 31


def counts(call: ReadbackCall) -> ReadbackResponse:
    """Events of some names by time. Raises CallError 400 for a bad parameter, 401, 429."""
    project = call.query_project()
    call.only_json()
    names = call.texts("event")
    if not names:
        raise CallError(400, "event is missing; it must be a JSON array of event names")
    period, kind = recent(call, UNITS), counting(call)
    rows = event_rows(call, project, period.since, period.until, names)
    only = list(dict.fromkeys(names))
    return ReadbackResponse.json(series(rows, lambda row: [row.name], period, kind, only))


def top_events(call: ReadbackCall) -> ReadbackResponse:
    """The most frequent events of today, and their change from yesterday.

    Choice: an event that did not come yesterday has a change of 0. Raises CallError 400, 401, 429.
    """
    project = call.query_project()
    kind, limit = counting(call), call.integer("limit", 100, 1, LARGEST_LIST)
    today = datetime.fromtimestamp(call.now, UTC).date()
    since, until = whole_days(today - timedelta(days=1), today)
    now: dict[str, list[EventRow]] = defaultdict(list)
    before: dict[str, list[EventRow]] = defaultdict(list)
    for row in event_rows(call, project, since, until):
        (now if row.time >= midnight(today) else before)[row.name].append(row)
    amounts = {name: amount(rows, kind) for name, rows in now.items()}
    found = []
    for name in top(amounts)[:limit]:
        then = amount(before[name], kind)
        change = (amounts[name] - then) / then if then else 0
        found.append({"amount": amounts[name], "event": name, "percent_change": change})
    return ReadbackResponse.json({"events": found, "type": kind})


def names(call: ReadbackCall) -> ReadbackResponse:
    """The names of the last 31 days, or of the days of the call, the most frequent first.

    `type` has no effect on the names (choice). Raises CallError 400, 401, 429.
    """
    project = call.query_project()
    counting(call)
    limit = call.integer("limit", NAMES, 1, LARGEST_LIST)
    today = datetime.fromtimestamp(call.now, UTC).date()
    first, last = days(call) if has_days(call) else (today - timedelta(days=RECENT_DAYS - 1), today)
    since, until = whole_days(first, last)
    seen = call.backend.projections.events(project.token, call.envelope.region)
    found = Counter(each.event.name for each in seen if since <= each.event.time < until)
    return ReadbackResponse.json(top(found)[:limit])
