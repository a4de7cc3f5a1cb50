"""Segmentation: an event by time and by an expression
(docs/facts/mixpanel-http-api.md#other-query-routes).

Choices: a value that is missing counts as `undefined`, a list as one value; a bucket without an
event has a 0; only numbers count in sums and averages.
"""

from typing import Any

from mock_mixpanel.projects.config import Project
from mock_mixpanel.readback.access import CallError
from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse
from mock_mixpanel.readback.dates import Period, period
from mock_mixpanel.readback.expression_values import ExpressionError
from mock_mixpanel.readback.expressions import Compute, compile_value
from mock_mixpanel.readback.reports.rows import (
    EventRow,
    counting,
    event_rows,
    selected,
    series,
    shown,
)

UNITS = ("day", "minute", "hour", "week", "month")
VALUES, MOST_VALUES = 60, 10_000
LONGEST_DAYS = 3650


def segmentation(call: ReadbackCall) -> ReadbackResponse:
    """The amounts by time, and by the values of `on` if given.

    Raises CallError 400 for a bad parameter, 401, 429, 501 for a format other than JSON.
    """
    project = call.query_project()
    call.only_json()
    event, kind = call.text("event"), counting(call)
    span = _period(call)
    rows = _rows(call, project, event, span)
    on = call.params.get("on", "")
    if not on:
        return ReadbackResponse.json(series(rows, lambda row: [row.name], span, kind, [event]))
    limit = call.integer("limit", VALUES, 1, MOST_VALUES)
    try:
        value = compile_value(on)
        return ReadbackResponse.json(
            series(rows, lambda row: [shown(value(row.row))], span, kind, limit=limit)
        )
    except ExpressionError as error:
        raise CallError(400, f"on: {error}") from error


def sums(call: ReadbackCall) -> ReadbackResponse:
    """The sum of a numeric expression by time. Raises CallError 400, 401, 429."""
    return _computed(call, sum)


def averages(call: ReadbackCall) -> ReadbackResponse:
    """The average of a numeric expression by time. Raises CallError 400, 401, 429."""
    return _computed(call, lambda values: sum(values) / len(values) if values else 0)


def _computed(call: ReadbackCall, function: Any) -> ReadbackResponse:
    project = call.query_project()
    event, on, span = call.text("event"), call.text("on"), _period(call)
    try:
        value = compile_value(on)
        found = _numbers(_rows(call, project, event, span), value, span)
    except ExpressionError as error:
        raise CallError(400, f"on: {error}") from error
    try:
        results = {
            bucket.label: function(values)
            for bucket, values in zip(span.buckets, found, strict=True)
        }
    except OverflowError as error:
        raise CallError(400, "on: a result is larger than a number can be") from error
    return ReadbackResponse.json(
        {"status": "ok", "computed_at": call.computed_at, "results": results}
    )


def _numbers(rows: list[EventRow], value: Compute, span: Period) -> list[list[float]]:
    """The numbers of each bucket."""
    found: list[list[float]] = [[] for _ in span.buckets]
    for row in rows:
        index, number = span.bucket(row.time), value(row.row)
        if index is not None and isinstance(number, int | float) and not isinstance(number, bool):
            found[index].append(number)
    return found


def _period(call: ReadbackCall) -> Period:
    interval = call.integer("interval", 1, 1, LONGEST_DAYS)
    if interval > 1 and call.params.get("unit"):
        raise CallError(400, "give unit or interval, not both")
    return period(call, UNITS, interval=interval)


def _rows(call: ReadbackCall, project: Project, event: str, span: Period) -> list[EventRow]:
    return selected(call, event_rows(call, project, span.since, span.until, [event]))
