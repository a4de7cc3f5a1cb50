"""Dates in a browser: which texts are read as dates, and how a date is written.

Complete ISO 8601 texts that start with a day become dates anywhere in a message
(docs/facts/device-mode.md#web-identify). A day beyond the end of its month counts on into the next
one, as in JavaScript's `Date.UTC`. The browser's time zone is UTC.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from translator.core.values.timestamps import SECONDS_BELOW, parse

_ISO = re.compile(
    r"""(?P<year>[0-9]{4}) (?: -? (?P<month>[0-9]{2}) (?: -? (?P<day>[0-9]{2}) )? )?
        (?: [ T] (?P<hour>[0-9]{2}) :? (?P<minute>[0-9]{2}) (?: :? (?P<second>[0-9]{2})
            (?: [,.] (?P<fraction>[0-9]+) )? )?
            (?: Z | (?P<sign>[+-]) (?P<zone_hour>[0-9]{2}) (?: :? (?P<zone_minute>[0-9]{2}) )? )?
        )?""",
    re.VERBOSE,
)
_FROM_A_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MILLISECONDS, _SECONDS = re.compile("[0-9]{13}"), re.compile("[0-9]{10}")
_LEADING_DIGITS = re.compile(r"\s*([+-]?[0-9]+)")

_LAST_MS = 8_640_000_000_000_000
_CYCLE_YEARS, _CYCLE_MS = 400, 146_097 * 86_400_000
"""The calendar repeats after this time."""
_START = datetime(2000, 1, 1, tzinfo=UTC)
_START_MS = 946_684_800_000


@dataclass(frozen=True, slots=True)
class Date:
    """A JavaScript date: milliseconds since 1970, or None for an invalid date."""

    ms: int | None

    def __str__(self) -> str:
        if self.ms is None:
            return "Invalid Date"
        year, rest = _calendar(self.ms)
        return f"{rest:%a %b %d} {year} {rest:%H:%M:%S} GMT+0000 (Coordinated Universal Time)"


def iso_milliseconds(date: Date) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ`, as the classic integration writes it, invalid dates included."""
    if date.ms is None:
        return "NaN-NaN-NaNTNaN:NaN:NaN.NZ"
    year, rest = _calendar(date.ms)
    return f"{year}-{rest:%m-%dT%H:%M:%S}.{date.ms % 1000:03}Z"


def iso_seconds(date: Date) -> str:
    """`YYYY-MM-DDTHH:MM:SS`, as mixpanel-js writes dates of profiles and groups."""
    if date.ms is None:
        return "NaN-NaN-NaNTNaN:NaN:NaN"
    year, rest = _calendar(date.ms)
    return f"{year}-{rest:%m-%dT%H:%M:%S}"


def json_text(date: Date) -> str | None:
    """The form of a date in `JSON.stringify`; null for an invalid date."""
    if date.ms is None:
        return None
    year, rest = _calendar(date.ms)
    return f"{year:04}-{rest:%m-%dT%H:%M:%S}.{date.ms % 1000:03}Z"


def _calendar(ms: int) -> tuple[int, datetime]:
    """The year, and the rest of the date as a datetime in a year that Python supports."""
    cycles, rest_ms = divmod(ms - _START_MS, _CYCLE_MS)
    rest = _START + timedelta(milliseconds=rest_ms)
    return rest.year + cycles * _CYCLE_YEARS, rest


def read_iso(value: str) -> Date | None:
    """The date of a text that is completely ISO 8601 and starts with a day; else None."""
    return _iso_date(value) if _FROM_A_DAY.match(value) else None


def write_dates(value: Any, write: Callable[[Date], Any]) -> Any:
    """A copy of a value with every date replaced by what `write` returns."""
    if isinstance(value, dict):
        return {key: write_dates(item, write) for key, item in value.items()}
    if isinstance(value, list):
        return [write_dates(item, write) for item in value]
    return write(value) if isinstance(value, Date) else value


def new_date(value: Any) -> Date:
    """The date of a `created` trait: ISO, seconds, milliseconds, digits or other forms."""
    if isinstance(value, Date):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _date(int(value * 1000 if value < SECONDS_BELOW else value))
    if isinstance(value, str):
        iso = _iso_date(value)
        if iso is not None:
            return iso
        digits = _LEADING_DIGITS.match(value)
        for pattern, factor in ((_MILLISECONDS, 1), (_SECONDS, 1000)):
            if pattern.search(value):
                return _date(int(digits[1]) * factor) if digits else Date(None)
    return Date(parse(value))


def _date(ms: int) -> Date:
    return Date(ms if abs(ms) <= _LAST_MS else None)


def _iso_date(value: str) -> Date | None:
    """The date of a text that is completely ISO 8601. A zero or absent month or day is 1."""
    match = _ISO.fullmatch(value)
    if match is None:
        return None
    part = {name: int(found or 0) for name, found in match.groupdict().items() if name != "sign"}
    year = part["year"] + (1900 if part["year"] < 100 else 0)
    months = year * 12 + (part["month"] or 1) - 1
    fraction = int(((match["fraction"] or "") + "00")[:3])
    minutes = part["zone_hour"] * 60 + part["zone_minute"]
    minutes = part["minute"] + (-minutes if match["sign"] == "+" else minutes)
    cycles, month = divmod(months - 2000 * 12, _CYCLE_YEARS * 12)
    first = _START.replace(year=2000 + month // 12, month=month % 12 + 1)
    offset = timedelta(
        days=(part["day"] or 1) - 1,
        hours=part["hour"],
        minutes=minutes,
        seconds=part["second"],
        milliseconds=fraction,
    )
    ms = (first - _START + offset) // timedelta(milliseconds=1)
    return _date(ms + _START_MS + cycles * _CYCLE_MS)
