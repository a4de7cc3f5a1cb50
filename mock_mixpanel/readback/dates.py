"""The days of a query, and their division into minutes, hours, days, weeks or months.

All in UTC, as projects are here. Choices: a week begins on Monday, and a bucket is named after its
beginning even if that is before the first day.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from mock_mixpanel.readback.access import CallError
from mock_mixpanel.readback.calls import ReadbackCall

MOST_BUCKETS = 10_000
LONGEST_INTERVAL = 3650
STEPS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


class Bucket(NamedTuple):
    """A piece of a period, with its beginning and its end in seconds since 1970."""

    label: str
    since: float
    until: float


class Period(NamedTuple):
    """The events of a query lie from `since` to before `until` (seconds since 1970)."""

    since: float
    until: float
    buckets: Sequence[Bucket]

    def bucket(self, time: float) -> int | None:
        """The index of the bucket of a time; None if it is outside of the period."""
        if not self.since <= time < self.until:
            return None
        low, high = 0, len(self.buckets)
        while high - low > 1:
            middle = (low + high) // 2
            if self.buckets[middle].since <= time:
                low = middle
            else:
                high = middle
        return low


def days(call: ReadbackCall) -> tuple[date, date]:
    """`from_date` and `to_date`, both included.

    Raises CallError 400 if one is missing, is not a date or is later than today, or for a wrong
    order.
    """
    first, last = (_day(call, name) for name in ("from_date", "to_date"))
    if last.isoformat() > call.today:
        raise CallError(400, f"to_date cannot be later than today ({call.today})")
    if first > last:
        raise CallError(400, "from_date cannot be later than to_date")
    return first, last


def has_days(call: ReadbackCall) -> bool:
    """Whether the call names its days."""
    return bool(call.params.get("from_date") or call.params.get("to_date"))


def whole_days(first: date, last: date) -> tuple[float, float]:
    """The first second and the second after the last one, since 1970."""
    day = timedelta(days=1)
    return midnight(first), midnight(last) + day.total_seconds()


def midnight(day: date) -> float:
    """The first second of a day, since 1970."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def period(call: ReadbackCall, units: Sequence[str], *, interval: int = 1) -> Period:
    """The days of a call in buckets of its `unit`, of which `units` are possible, the first one by
    default; a bucket is `interval` units long. Raises CallError 400 for a wrong parameter."""
    first, last = days(call)
    return _divided(*whole_days(first, last), unit_of(call, units), interval)


def recent(call: ReadbackCall, units: Sequence[str]) -> Period:
    """The days of a call, or the latest `interval` units, the current one included.

    Raises CallError 400 for a wrong parameter.
    """
    if has_days(call):
        return period(call, units)
    unit, count = unit_of(call, units), call.integer("interval", 0, 1, LONGEST_INTERVAL)
    if not count:
        raise CallError(400, "give from_date and to_date, or interval")
    start = _start(datetime.fromtimestamp(call.now, UTC), unit)
    until = _after(start, unit, 1)
    for _ in range(count - 1):
        start = _start(start - timedelta(microseconds=1), unit)
    return _divided(start.timestamp(), until.timestamp(), unit, 1)


def unit_of(call: ReadbackCall, units: Sequence[str]) -> str:
    """The parameter `unit`. Raises CallError 400 for one that is not among `units`."""
    unit = call.params.get("unit") or units[0]
    if unit not in units:
        raise CallError(400, f"unit must be one of {', '.join(sorted(units))}")
    return unit


def _divided(since: float, until: float, unit: str, interval: int) -> Period:
    buckets: list[Bucket] = []
    start = _start(datetime.fromtimestamp(since, UTC), unit)
    while start.timestamp() < until:
        if len(buckets) == MOST_BUCKETS:
            raise CallError(400, f"more than {MOST_BUCKETS} pieces of a {unit}; take fewer days")
        end = _after(start, unit, interval)
        label = start.date().isoformat()
        if unit in ("minute", "hour"):
            label += f" {start:%H:%M:%S}"
        buckets.append(Bucket(label, start.timestamp(), end.timestamp()))
        start = end
    return Period(since, until, buckets)


def _start(moment: datetime, unit: str) -> datetime:
    """The beginning of the unit that a moment is in."""
    if unit == "minute":
        return moment.replace(second=0, microsecond=0)
    if unit == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def _after(start: datetime, unit: str, interval: int) -> datetime:
    """The end of a bucket that begins with a unit."""
    if unit == "month":
        month = start.month - 1 + interval
        return start.replace(year=start.year + month // 12, month=month % 12 + 1)
    step = timedelta(weeks=1) if unit == "week" else STEPS[unit]
    return start + step * interval


def _day(call: ReadbackCall, name: str) -> date:
    text = call.params.get(name, "")
    if not text:
        raise CallError(400, f"{name} is missing; it must be in the format yyyy-mm-dd")
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise CallError(400, f"{name} must be in the format yyyy-mm-dd")
