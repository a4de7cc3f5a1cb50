"""Retention: how many people come back (docs/facts/mixpanel-http-api.md#other-query-routes).

Choices: with `birth` a person counts on the day of their first `born_event` among the days of the
call, with `compounded` in each bucket in which they did `event`; what counts as coming back is
another event at the same time or later; a month is 30 days; `counts` has the 0th interval and
`interval_count` more, without those that begin later than now.
"""

from collections import defaultdict
from collections.abc import Iterable

from mock_mixpanel.projects.config import Project
from mock_mixpanel.readback.access import CallError
from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse
from mock_mixpanel.readback.dates import Period, period, unit_of
from mock_mixpanel.readback.reports.rows import EventRow, event_rows, selected

UNITS = ("day", "week", "month")
DAYS = {"day": 1, "week": 7, "month": 30}
KINDS = ("birth", "compounded")
MOST_INTERVALS = 1000


def retention(call: ReadbackCall) -> ReadbackResponse:
    """People by bucket, and how many of them come back after each interval.

    Raises CallError 400 for a bad parameter, 401, 429, 501 for one that is not available.
    """
    project = call.query_project()
    for name in ("on", "limit"):
        if call.params.get(name):
            raise CallError(501, f"{name} is not available for retention in this mock")
    kind = call.params.get("retention_type") or KINDS[0]
    if kind not in KINDS:
        raise CallError(400, f"retention_type must be one of {', '.join(KINDS)}")
    interval = call.integer("interval", 1, 1, 90)
    count = call.integer("interval_count", 1, 1, MOST_INTERVALS)
    span = period(call, UNITS, interval=interval)
    length = interval * DAYS[unit_of(call, UNITS)] * 86400
    returns = _returns(call, project, span, length * (count + 1))
    starts = _births(call, project, span) if kind == "birth" else _recurring(returns, span)
    unbounded = call.params.get("unbounded_retention", "").lower() in ("true", "1")
    back: dict[str, list[EventRow]] = defaultdict(list)
    for row in returns:
        back[row.who].append(row)
    results = {}
    for index, bucket in enumerate(span.buckets):
        begun = [n for n in range(count + 1) if bucket.since + n * length <= call.now]
        counts = [0] * len(begun)
        for row in starts[index]:
            hit = {
                int((each.time - row.time) // length)
                for each in back[row.who]
                if each.id != row.id and each.time >= row.time
            }
            for number in begun:
                counts[number] += max(hit, default=-1) >= number if unbounded else number in hit
        results[bucket.label] = {"counts": counts, "first": len(starts[index])}
    return ReadbackResponse.json(results)


def _births(call: ReadbackCall, project: Project, span: Period) -> dict[int, list[EventRow]]:
    """By bucket, the first event of each person."""
    name = call.text("born_event")
    rows = event_rows(call, project, span.since, span.until, [name])
    first: dict[str, EventRow] = {}
    for row in selected(call, rows, "born_where"):
        first.setdefault(row.who, row)
    return _by_bucket(first.values(), span)


def _returns(call: ReadbackCall, project: Project, span: Period, more: float) -> list[EventRow]:
    """The events that count as coming back, also those after the days of the call."""
    event = call.params.get("event", "")
    names = [event] if event else None
    rows = event_rows(call, project, span.since, span.until + more, names)
    return selected(call, rows)


def _recurring(rows: list[EventRow], span: Period) -> dict[int, list[EventRow]]:
    """By bucket, the first event in it of each person."""
    first: dict[tuple[str, int | None], EventRow] = {}
    for row in rows:
        first.setdefault((row.who, span.bucket(row.time)), row)
    return _by_bucket(first.values(), span)


def _by_bucket(rows: Iterable[EventRow], span: Period) -> dict[int, list[EventRow]]:
    found: dict[int, list[EventRow]] = defaultdict(list)
    for row in rows:
        index = span.bucket(row.time)
        if index is not None:
            found[index].append(row)
    return found
