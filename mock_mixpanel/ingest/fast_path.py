"""A fast check for ordinary events: no problem, and nothing to note.

Nearly all events are such. `validate` says what is wrong with the others; it would find nothing in
a plain one.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from mock_mixpanel.ingest.shallow_json import MOST_MEMBERS, NESTING
from mock_mixpanel.ingest.validation import DROPPED_EVENTS, strict_id_problems
from mock_mixpanel.json_values import FARTHEST, MILLISECONDS_FROM
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.state.events import IDENTITY_EVENTS

SPECIAL_EVENTS = frozenset({*IDENTITY_EVENTS, *DROPPED_EVENTS})


def plain_check(
    endpoint: str, limits: MixpanelLimits, *, strict: bool = False
) -> Callable[[Mapping[str, Any], float], bool] | None:
    """Returns the check for /track or /import; it takes a record and the virtual time (seconds).

    The record must be from `parse_shallow`, which has checked its shape. None: the limits are
    tighter than that.
    """
    if limits.depth < NESTING or min(limits.elements, limits.keys) < MOST_MEMBERS:
        return None
    track = endpoint == "/track"
    # A smaller record has no property that is too large.
    most_bytes = min(limits.record_bytes, limits.property_bytes)

    def is_plain(record: Mapping[str, Any], now: float) -> bool:
        name, properties = record.get("event"), record.get("properties")
        if type(name) is not str or type(properties) is not dict:
            return False
        token = properties.get("token")
        return not (
            not name
            or name in SPECIAL_EVENTS
            or properties.get("distinct_id") is None
            or "$ignore" in properties
            or "$bucket" in properties
            or (track and not (type(token) is str and token))
            or not is_timely(properties.get("time"), now)
            or len(properties) > limits.properties
            or (strict and any(strict_id_problems(properties, limits)))
            or len(orjson.dumps(record)) > most_bytes
        )

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
