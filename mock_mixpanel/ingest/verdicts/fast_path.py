"""A fast check for plain events, which have no problem and no note.

Nearly all events are plain. `validation` finds the problems of the others, and would find none in a
plain event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from orjson import dumps

from mock_mixpanel.ingest.decoding.shallow_json import MOST_MEMBERS, NESTING
from mock_mixpanel.ingest.verdicts.validation import DROPPED_EVENTS, strict_id_problems
from mock_mixpanel.json_values import FARTHEST, MILLISECONDS_FROM
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.state.events.event import IDENTITY_EVENTS

SPECIAL_EVENTS = frozenset({"", *IDENTITY_EVENTS, *DROPPED_EVENTS})

CHECKED_TOGETHER = 16
"""Events that are checked together. If all of them together are small enough, each of them is."""

LONGER = 5
"""How many times longer compact JSON may be than the text it was parsed from: only numbers such as
1e15 become longer, 4.5 times."""

Records = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class PlainCheck:
    """The check of events of one project for /track (`track`) or /import.

    The records must be from `parse_shallow`, which has checked their shape, and those of /track
    must have a token.
    """

    limits: MixpanelLimits
    track: bool
    strict: bool

    def each(self, records: Records, now: float) -> list[bool]:
        """Which of some records are plain at a virtual time (seconds)."""
        found: list[bool] = []
        for first in range(0, len(records), CHECKED_TOGETHER):
            some = records[first : first + CHECKED_TOGETHER]
            if self.all(some, now):
                found += [True] * len(some)
            else:
                found += [self.all([record], now) for record in some]
        return found

    def all(
        self, records: Records, now: float, token: str | None = None, text: bytes = b""
    ) -> bool:
        """Whether all of some records are plain, and have this token if there is one.

        `text` is the JSON array of the records, if it is known.
        """
        limits, strict = self.limits, self.strict
        earliest = now - limits.track_age if self.track else limits.import_earliest
        latest = inf if self.track else now + limits.import_future
        latest_seconds = min(latest, MILLISECONDS_FROM - 1)
        try:
            for record in records:
                name, properties = record["event"], record["properties"]
                if (
                    properties["distinct_id"] is None
                    or type(name) is not str
                    or name in SPECIAL_EVENTS
                    or "$ignore" in properties
                    or "$bucket" in properties
                    or (token is not None and properties["token"] != token)
                ):
                    return False
                time = properties.get("time")
                if type(time) is int and earliest <= time <= latest_seconds:  # as nearly all are
                    continue
                if strict if time is None else not _is_timely(time, earliest, latest):
                    return False
        except (KeyError, TypeError):  # A part is missing, or is text or a list.
            return False
        if strict and any(any(strict_id_problems(each["properties"], limits)) for each in records):
            return False
        small = bool(text) and _is_text_of_small_events(text, len(records), limits)
        return small or _are_small(records, limits)


def plain_check(
    endpoint: str, limits: MixpanelLimits, *, strict: bool = False
) -> PlainCheck | None:
    """The check for /track or /import; None if the limits are tighter than the shape."""
    fewest = min(limits.properties, limits.keys, limits.elements)
    if limits.depth < NESTING or fewest < MOST_MEMBERS:
        return None
    return PlainCheck(limits, endpoint == "/track", strict)


def _is_text_of_small_events(text: bytes, count: int, limits: MixpanelLimits) -> bool:
    """Whether a JSON text of `count` events shows, without parsing, that none of them is large.

    If the text has no escapes and the bytes `"event"` exactly `count` times, each of them is the
    name of a member. A value of a property is then shorter than the longest piece between two of
    them, and an event is shorter than two such pieces.
    """
    if b"\\" in text:
        return False
    pieces = text.split(b'"event"')
    most = LONGER * (max(map(len, pieces)) + len(b'"event"'))
    fits = most <= limits.property_bytes and 2 * most <= limits.record_bytes
    return fits and len(pieces) == count + 1


def _are_small(records: Records, limits: MixpanelLimits) -> bool:
    """Whether no event is large; a small one has no large property."""
    most = min(limits.record_bytes, limits.property_bytes)
    for first in range(0, len(records), CHECKED_TOGETHER):
        some = records[first : first + CHECKED_TOGETHER]
        if len(dumps(some)) > most and any(len(dumps(record)) > most for record in some):
            return False
    return True


def _is_timely(time: Any, earliest: float, latest: float) -> bool:
    """Whether a value is a time, in seconds or milliseconds, in a range of seconds."""
    if type(time) is not int and type(time) is not float:
        return False
    if time >= MILLISECONDS_FROM:
        time = min(time, FARTHEST) / 1000
    return bool(earliest <= time <= latest)
