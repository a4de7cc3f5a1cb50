"""The events that reports count: each once, with its person and the properties for expressions."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from mock_mixpanel.json_values import to_json
from mock_mixpanel.projects.config import Project
from mock_mixpanel.readback.access import CallError
from mock_mixpanel.readback.calls import ReadbackCall
from mock_mixpanel.readback.data.engage import people
from mock_mixpanel.readback.data.export import where_row
from mock_mixpanel.readback.dates import Period
from mock_mixpanel.readback.expression_values import UNDEFINED, ExpressionError, Moment
from mock_mixpanel.readback.expressions import WhereRow, compile_where

COUNTS = ("general", "unique", "average")
"""Events, people, and events for each of the people."""
OWN = ("time", "$time", "distinct_id", "$distinct_id")
"""Members of a row that are not properties of the event."""


class EventRow(NamedTuple):
    """An event; `id` is that of its entry, `time` is in seconds since 1970."""

    id: int
    name: str
    who: str
    time: float
    row: WhereRow

    @property
    def properties(self) -> Mapping[str, Any]:
        """The properties of the event, without time and person."""
        return {name: each for name, each in self.row.properties.items() if name not in OWN}


def event_rows(
    call: ReadbackCall,
    project: Project,
    since: float = float("-inf"),
    until: float = float("inf"),
    names: Collection[str] | None = None,
) -> list[EventRow]:
    """The events of a time, and of these names if given, by time."""
    profiles = people(call, project)
    seen = [
        each
        for each in call.backend.projections.events(project.token, call.envelope.region)
        if since <= each.event.time < until and (names is None or each.event.name in names)
    ]
    found = [
        EventRow(
            item.id,
            item.value["event"],
            item.value["distinct_id"],
            item.value["time"],
            where_row(item, project.identity, profiles),
        )
        for item in call.backend.projections.event_items(seen)
    ]
    return sorted(found, key=lambda each: each.time)


def selected(call: ReadbackCall, rows: list[EventRow], name: str = "where") -> list[EventRow]:
    """The rows that a parameter selects. Raises CallError 400 for a wrong expression."""
    text = call.params.get(name, "")
    if not text:
        return rows
    try:
        selects = compile_where(text)
        return [each for each in rows if selects(each.row)]
    except ExpressionError as error:
        raise CallError(400, f"{name}: {error}") from error


def counting(call: ReadbackCall) -> str:
    """The parameter `type`. Raises CallError 400 for an unknown one."""
    kind = call.params.get("type") or COUNTS[0]
    if kind not in COUNTS:
        raise CallError(400, f"type must be one of {', '.join(COUNTS)}")
    return kind


def amount(rows: Collection[EventRow], kind: str) -> int | float:
    """The number of events, of people, or of events for each person."""
    if kind == "general":
        return len(rows)
    persons = len({each.who for each in rows})
    if kind == "unique":
        return persons
    return len(rows) / persons if persons else 0


def series(
    rows: Iterable[EventRow],
    keys: Callable[[EventRow], Iterable[str]],
    period: Period,
    kind: str,
    only: Collection[str] | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """The amounts by key and bucket, as the response to events and segmentation shows them.

    The keys are `only`, or else the `limit` most frequent. A bucket without an event has a 0
    (choice).
    """
    found: dict[str, list[list[EventRow]]] = defaultdict(lambda: [[] for _ in period.buckets])
    for each in rows:
        index = period.bucket(each.time)
        if index is not None:
            for key in keys(each):
                found[key][index].append(each)
    names = list(only) if only is not None else top({k: sum(map(len, v)) for k, v in found.items()})
    shown = names[:limit]
    return {
        "data": {
            "series": [each.label for each in period.buckets],
            "values": {
                key: {
                    bucket.label: amount(part, kind)
                    for bucket, part in zip(period.buckets, found[key], strict=True)
                }
                for key in shown
            },
        },
        "legend_size": len(shown),
    }


def top(counts: Mapping[str, int | float]) -> list[str]:
    """The names by their count, largest first; those of the same count by name (choice)."""
    return sorted(counts, key=lambda name: (-counts[name], name))


def shown(value: Any) -> str:
    """A property value as a key of the response (choice beyond texts)."""
    if isinstance(value, str):
        return value
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, Moment):
        value = value.at
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return to_json(value).decode()
