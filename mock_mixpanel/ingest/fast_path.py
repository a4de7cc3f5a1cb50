"""A fast check for ordinary events: no problem, and nothing to note.

Nearly all events are such. `validate` says what is wrong with the others; it would find nothing in
a plain one.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

import orjson

from mock_mixpanel.ingest.shallow_json import MOST_MEMBERS, NESTING
from mock_mixpanel.ingest.validation import DROPPED_EVENTS, strict_id_problems
from mock_mixpanel.json_values import FARTHEST, MILLISECONDS_FROM
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.state.events.event import IDENTITY_EVENTS

SPECIAL_EVENTS = frozenset({*IDENTITY_EVENTS, *DROPPED_EVENTS})


PlainCheck = Callable[[Sequence[Mapping[str, Any]], float], list[bool]]
"""Which of some records are plain at a virtual time (seconds)."""


def plain_check(
    endpoint: str, limits: MixpanelLimits, *, strict: bool = False
) -> PlainCheck | None:
    """Returns the check for /track or /import.

    The records must be from `parse_shallow`, which has checked their shape. None: the limits are
    tighter than that.
    """
    if limits.depth < NESTING or min(limits.elements, limits.keys) < MOST_MEMBERS:
        return None
    track = endpoint == "/track"
    # A smaller record has no property that is too large.
    most_bytes = min(limits.record_bytes, limits.property_bytes)

    def are_plain(records: Sequence[Mapping[str, Any]], now: float) -> list[bool]:
        earliest = now - limits.track_age if track else limits.import_earliest
        latest = inf if track else now + limits.import_future
        found = []
        for record in records:
            name, properties = record.get("event"), record.get("properties")
            if type(name) is not str or type(properties) is not dict:
                found.append(False)
                continue
            token, time = properties.get("token"), properties.get("time")
            if type(time) is int or type(time) is float:
                if time >= MILLISECONDS_FROM:
                    time = min(time, FARTHEST) / 1000
                timely = earliest <= time <= latest
            else:
                timely = time is None and not strict
            found.append(
                timely
                and name != ""
                and name not in SPECIAL_EVENTS
                and properties.get("distinct_id") is not None
                and "$ignore" not in properties
                and "$bucket" not in properties
                and (not track or (type(token) is str and token != ""))
                and len(properties) <= limits.properties
                and not (strict and any(strict_id_problems(properties, limits)))
                and len(orjson.dumps(record)) <= most_bytes
            )
        return found

    return are_plain
