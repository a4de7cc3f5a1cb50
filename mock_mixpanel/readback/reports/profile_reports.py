"""Reports over profiles: the names and kinds of their properties, and charges
(docs/facts/mixpanel-http-api.md#other-query-routes).
"""

import re
from collections import Counter, defaultdict
from typing import Any

from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse
from mock_mixpanel.readback.data.engage import people, profiles_of
from mock_mixpanel.readback.dates import period
from mock_mixpanel.readback.reports.rows import top
from mock_mixpanel.simulation.clock import parse_iso

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
MOST_NAMES = 10_000


def properties(call: ReadbackCall) -> ReadbackResponse:
    """The properties of the selected profiles, the most frequent first, with their types.

    Choices: a property has the type of most of its values, and all are listed without `limit`.
    Raises CallError 400 for a bad parameter, 401, 429.
    """
    project = call.query_project()
    limit = call.integer("limit", MOST_NAMES, 1, MOST_NAMES)
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for each in profiles_of(call, project).values():
        for name, value in each.items():
            kinds[name][kind_of(value)] += 1
    counts = {name: found.total() for name, found in kinds.items()}
    results = {
        name: {"count": counts[name], "type": top(kinds[name])[0]} for name in top(counts)[:limit]
    }
    return ReadbackResponse.json(
        {"computed_at": call.computed_at, "results": results, "status": "ok"}
    )


def kind_of(value: Any) -> str:
    """The type of a value in Mixpanel's words."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "datetime" if DATE_TIME.match(value) else "string"
    if isinstance(value, list):
        return "list"
    return "object" if isinstance(value, dict) else "unknown"


def revenue(call: ReadbackCall) -> ReadbackResponse:
    """The charges of people (`$transactions`) by time, and of all days as `$overall`.

    Choices, as the route is not documented: `count` is the number of people with a profile,
    `paid_count` of those with a charge. Raises CallError 400 for a bad parameter, 401, 429.
    """
    project = call.query_project()
    span = period(call, ("day", "week", "month"))
    profiles = people(call, project)
    amounts = [0.0 for _ in span.buckets]
    paid: list[set[str]] = [set() for _ in span.buckets]
    for who, each in profiles.items():
        for value, time in charges(each):
            index = span.bucket(time)
            if index is not None:
                amounts[index] += value
                paid[index].add(who)
    count = len(profiles)
    overall = {
        "amount": sum(amounts),
        "count": count,
        "paid_count": len(set[str]().union(*paid)),
    }
    by_bucket = {
        bucket.label: {"amount": amounts[index], "count": count, "paid_count": len(paid[index])}
        for index, bucket in enumerate(span.buckets)
    }
    results = {"$overall": overall, **by_bucket}
    return ReadbackResponse.json(
        {"computed_at": call.computed_at, "results": results, "status": "ok"}
    )


def charges(profile: dict[str, Any]) -> list[tuple[float, float]]:
    """Amount and time in seconds of the charges of a profile that have both."""
    listed = profile.get("$transactions")
    found = []
    for each in listed if isinstance(listed, list) else []:
        amount = each.get("$amount") if isinstance(each, dict) else None
        if isinstance(amount, int | float) and not isinstance(amount, bool):
            try:
                found.append((float(amount), parse_iso(each.get("$time"))))
            except (ValueError, TypeError, OverflowError):
                continue
    return found
