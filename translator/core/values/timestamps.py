"""Parses the timestamps of messages and writes those that Mixpanel expects.

Inside the translator a time is an integer: milliseconds since 1970, UTC. Sources:
docs/facts/cloud-classic.md#validation, docs/facts/cloud-classic.md#traits,
docs/facts/cloud-classic.md#dates-inside-values.
"""

import re
from datetime import UTC, datetime, timedelta
from math import isfinite

from translator.core.bounded_cache import BoundedCache
from translator.core.values.date_formats import parse_other_format

MAX_LENGTH = 100
"""Longer texts are not tried as dates (characters)."""

DAY_MS = 86_400_000
IMPORT_AGE_MS = 5 * DAY_MS
"""Events older than this go to /import."""
MAX_AGE_MS = 31_557_600_000 * 5
"""Five years of 365.25 days; older messages are refused."""

# Numbers below one year in milliseconds are seconds; others are milliseconds.
SECONDS_BELOW = 31_557_600_000
_CALENDAR_MS = range(-62_135_596_800_000, 253_402_300_800_000)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_MILLISECOND = timedelta(milliseconds=1)

_DATE_AND_TIME = re.compile(
    r"""(?P<year>\d{4}) (?: (?P<dash>-?) (?P<month>\d\d) (?: (?P=dash) (?P<day>\d\d) )? )?
        (?: [ T] (?P<hour>\d\d) :? (?P<minute>\d\d) (?: :? (?P<second>\d\d)
            (?: [,.] (?P<fraction>\d+) )? )?
            (?P<zone> Z | [+-] (?: [01]\d | 2[0-3] ) (?: :? [0-5]\d )? )? )?""",
    re.VERBOSE | re.ASCII,
)
_FRACTION_AND_ZONE = re.compile(
    r"(?: [,.] (\d+) )? ( Z | [+-] (?: [01]\d | 2[0-3] ) (?: :? [0-5]\d )? )?",
    re.VERBOSE | re.ASCII,
)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime; raises ValueError for a naive one."""
    try:
        return (moment - _EPOCH) // _MILLISECOND
    except TypeError:
        raise ValueError(f"now must be an aware datetime, not {moment!r}") from None


def number_to_ms(value: float, *, seconds_below: int = SECONDS_BELOW) -> int | None:
    """Milliseconds since 1970 of Unix seconds or milliseconds, told apart by size; else None."""
    ms = value * 1000 if value < seconds_below else value
    return _in_calendar(int(ms)) if isfinite(ms) else None


def _in_calendar(ms: int) -> int | None:
    return ms if ms in _CALENDAR_MS else None


def is_in_calendar(ms: int) -> bool:
    """Whether a time is in the years 1 to 9999, which date texts can express."""
    return ms in _CALENDAR_MS


def iso_to_ms(text: str) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 date or date and time, else None.

    The time zone is UTC if the text has none. Digits beyond milliseconds are cut. Impossible days
    and offsets, and years outside 1 to 9999, give None.
    """
    ms = utc_milliseconds_to_ms(text)
    if ms is None:
        ms = _usual_iso_to_ms(text)
    return _any_iso_to_ms(text) if ms is None else ms


def utc_milliseconds_to_ms(text: str) -> int | None:
    """Milliseconds since 1970 of a text in the form `YYYY-MM-DDTHH:MM:SS.mmmZ`, else None.

    Nearly every timestamp has this form, so it is read by look-ups. The result is that of
    `iso_to_ms`.
    """
    milliseconds = _MILLISECONDS.get(text[20:])
    if milliseconds is None:
        return None
    try:
        return _MINUTES[text[:17]] + _SECONDS[text[17:20]] + milliseconds
    except (KeyError, ValueError):
        return None


def _minute_to_ms(text: str) -> int:
    """Milliseconds since 1970 of a text in the form `YYYY-MM-DDTHH:MM:`, else ValueError."""
    # Every third character is a separator. `fromisoformat` accepts digits alone between these; they
    # exclude its other forms, such as week dates. Some versions of Python accept 24:00.
    if text[4::3] != "--T::" or text[11:13] == "24":
        raise ValueError(text)
    return to_ms(datetime.fromisoformat(f"{text}00Z"))


_MINUTES: BoundedCache[str, int] = BoundedCache(_minute_to_ms, keeps=lambda *_: True)
"""Many messages in a row have the same minute."""
_SECONDS = {f"{number:02}.": 1000 * number for number in range(60)}
_WHOLE_SECONDS = {f"{number:02}": 1000 * number for number in range(60)}
_MILLISECONDS = {f"{number:03}Z": number for number in range(1000)}


def _usual_iso_to_ms(text: str) -> int | None:
    """Milliseconds since 1970 of a date `YYYY-MM-DD`, or of `YYYY-MM-DDTHH:MM:SS` with or without a
    fraction and a time zone, else None. The result is that of `iso_to_ms`."""
    try:
        if len(text) == 10:
            return _MINUTES[f"{text}T00:00:"]
        added = _ADDED[text[19:]]
        if added is None:
            return None
        return _in_calendar(_MINUTES[text[:17]] + _WHOLE_SECONDS[text[17:19]] + added)
    except (KeyError, ValueError):
        return None


def _added_ms(text: str) -> int | None:
    """The milliseconds that a fraction of a second and a time zone add; None for another text."""
    match = _FRACTION_AND_ZONE.fullmatch(text)
    return None if match is None else _fraction_ms(match[1]) - _offset_ms(match[2])


_ADDED: BoundedCache[str, int | None] = BoundedCache(
    _added_ms, keeps=lambda text, _: len(text) <= MAX_LENGTH
)


def _fraction_ms(digits: str | None) -> int:
    return int((digits + "00")[:3]) if digits else 0


def _offset_ms(zone: str | None) -> int:
    """The offset of a time zone from UTC."""
    if not zone or zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return minutes * 60_000 * (-1 if zone[0] == "-" else 1)


def _any_iso_to_ms(text: str) -> int | None:
    match = _DATE_AND_TIME.fullmatch(text)
    if match is None:
        return None
    year, _, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
        )
    except ValueError:
        return None
    ms = (moment - _NAIVE_EPOCH) // _MILLISECOND
    return _in_calendar(ms + _fraction_ms(fraction) - _offset_ms(zone))


def parse(value: object) -> int | None:
    """The time of a number or text in milliseconds since 1970; None if it cannot be read.

    Accepts ISO 8601, Unix seconds and milliseconds (as number or digits), and formats of browsers.
    """
    if type(value) is str:
        ms = utc_milliseconds_to_ms(value)
        return _parse_text(value) if ms is None else ms
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return number_to_ms(value)
    return None


def _parse_text(value: str) -> int | None:
    text = value.strip()
    if len(text) > MAX_LENGTH:
        return None
    if len(text) in (10, 13) and text.isascii() and text.isdigit():
        return number_to_ms(int(text))
    ms = iso_to_ms(text)
    if ms is not None:
        return ms
    moment = parse_other_format(re.sub(r"\s*\([^)]*\)$", "", text))
    return None if moment is None else _in_calendar(to_ms(moment))


def iso_seconds(ms: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS` in UTC, the form of Mixpanel's profile dates."""
    # A datetime without a zone is written in half the time of one with a zone.
    return (_NAIVE_EPOCH + _MILLISECOND * ms).isoformat()[:19]


def iso_milliseconds(ms: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ` in UTC."""
    return (_NAIVE_EPOCH + _MILLISECOND * ms).isoformat(timespec="milliseconds") + "Z"
