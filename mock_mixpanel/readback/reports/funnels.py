"""Saved funnels (an option of the project): how many people do one event after the other
(docs/facts/mixpanel-http-api.md#other-query-routes).

Choices: a person counts once in each bucket, with the first of those attempts that come farthest;
an attempt begins with the first event in the bucket and takes the next event of each step; a step
may come at the same second as the one before it if it arrived later; the first step has no average
time; `where` selects the events of all steps.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mock_mixpanel.projects.config import Funnel, Project
from mock_mixpanel.readback.access import CallError
from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse
from mock_mixpanel.readback.dates import period
from mock_mixpanel.readback.reports.rows import EventRow, event_rows, selected

SECONDS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
MOST_SECONDS = 90 * 86400
UNITS = ("day", "week", "month")


class _Person(NamedTuple):
    """The events of a person in order, and the places of each name among them."""

    rows: list[EventRow]
    places: Mapping[str, list[int]]


def list_funnels(call: ReadbackCall) -> ReadbackResponse:
    """The saved funnels. Raises CallError 401, 429."""
    project = call.query_project()
    return ReadbackResponse.json(
        [{"funnel_id": each.id, "name": each.name} for each in project.funnels]
    )


def funnel(call: ReadbackCall) -> ReadbackResponse:
    """The steps of a funnel by the time of the first one.

    Raises CallError 400 for a bad parameter, 401, 429, 501 for one that is not available.
    """
    project = call.query_project()
    if call.params.get("on"):
        raise CallError(501, "on is not available for funnels in this mock")
    saved, interval = _saved(call, project), call.integer("interval", 1, 1, 90)
    if interval > 1 and call.params.get("unit"):
        raise CallError(400, "give unit or interval, not both")
    span, window = period(call, UNITS, interval=interval), _window(call, saved)
    rows = event_rows(call, project, span.since, span.until + window, saved.steps)
    people = _people(selected(call, rows))
    entries: dict[int, list[list[float]]] = defaultdict(list)
    for person in people:
        best: dict[int, list[float]] = {}
        for place in person.places.get(saved.steps[0], []):
            index = span.bucket(person.rows[place].time)
            if index is not None and len(best.get(index, [])) < len(saved.steps):
                times = _attempt(person, place, saved.steps, window)
                best[index] = max(best.get(index, []), times, key=len)
        for index, times in best.items():
            entries[index].append(times)
    return ReadbackResponse.json(
        {
            "meta": {"dates": [each.label for each in span.buckets]},
            "data": {
                each.label: _result(saved.steps, entries[index])
                for index, each in enumerate(span.buckets)
            },
        }
    )


def _saved(call: ReadbackCall, project: Project) -> Funnel:
    wanted = call.text("funnel_id")
    for each in project.funnels:
        if wanted == str(each.id):
            return each
    raise CallError(400, "funnel_id: the project has no such funnel; funnels/list shows them")


def _window(call: ReadbackCall, saved: Funnel) -> int:
    """Seconds that a person has from the first step to the last."""
    unit = call.params.get("length_unit") or "day"
    if unit not in SECONDS:
        raise CallError(400, f"length_unit must be one of {', '.join(SECONDS)}")
    most = MOST_SECONDS // SECONDS[unit]
    length = call.integer("length", 0, 1, most)
    return length * SECONDS[unit] if length else saved.days * SECONDS["day"]


def _people(rows: list[EventRow]) -> list[_Person]:
    found: dict[str, list[EventRow]] = defaultdict(list)
    for row in rows:
        found[row.who].append(row)
    people = []
    for each in found.values():
        places: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(each):
            places[row.name].append(place)
        people.append(_Person(each, places))
    return people


def _attempt(person: _Person, place: int, steps: Sequence[str], window: float) -> list[float]:
    """The times of the steps that a person does from a place on."""
    times = [person.rows[place].time]
    for name in steps[1:]:
        places = person.places.get(name, [])
        following = bisect_right(places, place)
        if following == len(places):
            break
        place = places[following]
        if person.rows[place].time - times[0] > window:
            break
        times.append(person.rows[place].time)
    return times


def _result(steps: Sequence[str], entries: list[list[float]]) -> dict[str, Any]:
    """A bucket of the response."""
    counts = [sum(len(times) > index for times in entries) for index in range(len(steps))]
    shown: list[dict[str, Any]] = []
    for index, name in enumerate(steps):
        reached = [times for times in entries if len(times) > index]
        before = counts[index - 1] if index else counts[0]
        shown.append(
            {
                "count": counts[index],
                "avg_time": _mean([each[index] - each[index - 1] for each in reached], index),
                "avg_time_from_start": _mean([each[index] - each[0] for each in reached], index),
                "step_conv_ratio": counts[index] / before if before else 0,
                "goal": name,
                "overall_conv_ratio": counts[index] / counts[0] if counts[0] else 0,
                "event": name,
                "step_label": name,
            }
        )
    lost = [1 - each["step_conv_ratio"] if counts[0] else 0 for each in shown]
    return {
        "steps": shown,
        "analysis": {
            "completion": counts[-1],
            "starting_amount": counts[0],
            "steps": len(steps),
            "worst": lost.index(max(lost)),
        },
    }


def _mean(values: list[float], index: int) -> int | None:
    """Whole seconds; None for the first step, and for a step that no person reached."""
    return round(sum(values) / len(values)) if index and values else None
