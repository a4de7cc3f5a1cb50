"""Dates and times in the formats of browsers and of people, such as `Jun 15, 2026`.

The formats have the notation of `strptime`, and each becomes a regular expression on first use.
The function `strptime` takes ten times as long, and its names of months depend on the locale.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# Formats that are really sent and that browsers parse, in addition to ISO 8601.
_FORMATS = (
    "%m/%d/%Y",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y, %I:%M:%S %p",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%B %d, %Y",
    "%b %d, %Y",
    "%B %d, %Y %H:%M:%S",
    "%d %B %Y",
    "%d %b %Y",
    "%a %b %d %Y",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a %b %d %Y %H:%M:%S GMT%z",
)

_DIRECTIVES = {
    "%Y": r"(?P<year>\d{4})",
    "%m": r"(?P<month>1[0-2]|0[1-9]|[1-9])",
    "%B": rf"(?P<month_name>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})",
    "%b": rf"(?P<month_name>{'|'.join(name[:3] for name in _MONTHS)})",
    "%d": r"(?P<day>3[01]|[12]\d|0[1-9]|[1-9]| [1-9])",
    "%a": rf"(?:{'|'.join(_DAYS)})",
    "%H": r"(?P<hour>2[0-3]|[01]\d|\d)",
    "%I": r"(?P<hour>1[0-2]|0[1-9]|[1-9])",
    "%M": r"(?P<minute>[0-5]\d|\d)",
    "%S": r"(?P<second>[0-5]\d|\d)",
    "%p": r"(?P<half>am|pm)",
    "%z": r"(?P<zone>[+-]\d\d(?:[0-5]\d(?:[0-5]\d)?|:[0-5]\d(?::[0-5]\d)?)|(?-i:Z))",
    " ": r"\s+",
}

_MONTH_NUMBERS = {
    name: number for number, full in enumerate(_MONTHS, 1) for name in (full, full[:3])
}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    text = re.sub(r"%\w| ", lambda found: _DIRECTIVES[found[0]], pattern)
    return re.compile(text, re.IGNORECASE)


def _by_separators() -> dict[tuple[int, int], tuple[str, ...]]:
    """The formats under the number of slashes and of colons that their texts have, in order."""
    found: dict[tuple[int, int], tuple[str, ...]] = {}
    for pattern in _FORMATS:
        slashes, colons = pattern.count("/"), pattern.count(":")
        # An offset has none, one or two colons of its own: +0200, +02:00, +02:00:00.
        for own in range(3) if "%z" in pattern else (0,):
            place = (slashes, colons + own)
            found[place] = (*found.get(place, ()), pattern)
    return found


_BY_SEPARATORS = _by_separators()


def parse_other_format(text: str) -> datetime | None:
    """The aware datetime of a text in one of the formats, else None. UTC if it has no time zone."""
    for pattern in _BY_SEPARATORS.get((text.count("/"), text.count(":")), ()):
        match = _compiled(pattern).fullmatch(text)
        if match is not None:
            try:
                return _moment(match.groupdict())
            except (KeyError, ValueError):  # such as February 31
                continue
    return None


def _moment(parts: dict[str, str | None]) -> datetime:
    """The time of the parts of a text. Raises ValueError or KeyError if there is none."""
    month = parts.get("month")
    return datetime(
        int(parts["year"] or 0),
        int(month) if month else _MONTH_NUMBERS[(parts["month_name"] or "").lower()],
        int(parts["day"] or 0),
        _hour(int(parts.get("hour") or 0), (parts.get("half") or "").lower()),
        int(parts.get("minute") or 0),
        int(parts.get("second") or 0),
        tzinfo=_zone(parts.get("zone")),
    )


def _hour(hour: int, half: str) -> int:
    """The hour of the day. `half` is `am` or `pm`, or empty for hours from 0 to 23."""
    return hour % 12 + 12 * (half == "pm") if half else hour


def _zone(text: str | None) -> timezone:
    """The time zone of an offset such as `+02:00`. Raises ValueError for 24 hours or more."""
    if text is None or text == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(
        hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:] or 0)
    )
    return timezone(-offset if text[0] == "-" else offset)
