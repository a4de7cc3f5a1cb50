"""A fast check for ordinary events: no problem, and nothing to note.

Nearly all events are such. `validate` says what is wrong with the others; it would find nothing in
a plain one.
"""

from collections.abc import Callable
from typing import Any

import orjson

from mock_mixpanel.ingest.decoding import SCALARS
from mock_mixpanel.ingest.validation import DROPPED_EVENTS, strict_id_problems
from mock_mixpanel.json_values import FARTHEST, MILLISECONDS_FROM
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.state.events import IDENTITY_EVENTS

SPECIAL_EVENTS = frozenset({*IDENTITY_EVENTS, *DROPPED_EVENTS})
SPECIAL = frozenset({"$ignore", "$bucket"})
"""Properties that affect the whole event."""


def plain_check(
    endpoint: str, limits: MixpanelLimits, *, strict: bool = False
) -> Callable[[Any, float], bool]:
    """Returns the check for /track or /import; it takes an event and the virtual time (seconds)."""
    track = endpoint == "/track"
    # A smaller record has no property that is too large.
    most_bytes = min(limits.record_bytes, limits.property_bytes)

    def is_plain(record: Any, now: float) -> bool:
        if type(record) is not dict:
            return False
        name, properties = record.get("event"), record.get("properties")
        if type(name) is not str or type(properties) is not dict:
            return False
        token = properties.get("token")
        if (
            not name
            or name in SPECIAL_EVENTS
            or properties.get("distinct_id") is None
            or not SPECIAL.isdisjoint(properties)
            or (track and not (type(token) is str and token))
            or not is_timely(properties.get("time"), now)
            or len(properties) > limits.properties
            or (strict and any(strict_id_problems(properties, limits)))
        ):
            return False
        values = properties.values()
        if not SCALARS.issuperset(map(type, values)) and not all(
            _is_flat(value, limits) for value in values if type(value) not in SCALARS
        ):
            return False
        try:
            return len(orjson.dumps(record)) <= most_bytes
        except TypeError:  # Lone surrogates, and integers beyond 64 bits.
            return False

    def is_timely(time: Any, now: float) -> bool:
        if time is None:
            return not strict
        if type(time) is not int and type(time) is not float:
            return False
        seconds = time if time < MILLISECONDS_FROM else min(time, FARTHEST) / 1000
        if track:
            return seconds >= now - limits.track_age
        return limits.import_earliest <= seconds <= now + limits.import_future

    return is_plain


def _is_flat(value: Any, limits: MixpanelLimits) -> bool:
    """Whether a list or object is short and holds only scalars."""
    if type(value) is list:
        return len(value) <= limits.elements and SCALARS.issuperset(map(type, value))
    short = len(value) <= limits.keys and limits.depth > 0
    return short and SCALARS.issuperset(map(type, value.values()))
