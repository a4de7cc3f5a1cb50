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

SPECIAL_EVENTS = frozenset({"", *IDENTITY_EVENTS, *DROPPED_EVENTS})

PRINTED_TOGETHER = 16
"""Events whose size is taken together: if all of them are small enough, each of them is."""

Records = Sequence[Mapping[str, Any]]

PlainCheck = Callable[[Records, float], list[bool]]
"""Which of some records are plain at a virtual time (seconds)."""


def shared_token(records: Records) -> str:
    """The token that all of these events have; "" if they have several or none."""
    try:
        tokens = [record["properties"]["token"] for record in records]
    except (KeyError, TypeError):
        return ""
    first = tokens[0]
    return first if type(first) is str and tokens.count(first) == len(tokens) else ""


def plain_check(
    endpoint: str, limits: MixpanelLimits, *, strict: bool = False
) -> PlainCheck | None:
    """Returns the check for /track or /import, for records of one project.

    The records must be from `parse_shallow`, which has checked their shape, and those of /track
    must have a token. None: the limits are tighter than the shape.
    """
    fewest = min(limits.properties, limits.keys, limits.elements)
    if limits.depth < NESTING or fewest < MOST_MEMBERS:
        return None
    track = endpoint == "/track"
    # A smaller record has no property that is too large.
    most_bytes = min(limits.record_bytes, limits.property_bytes)

    def are_plain(records: Records, now: float) -> list[bool]:
        earliest = now - limits.track_age if track else limits.import_earliest
        latest = inf if track else now + limits.import_future
        found = []
        for record in records:
            try:
                name, properties = record["event"], record["properties"]
                distinct_id = properties["distinct_id"]
            except (KeyError, TypeError):
                found.append(False)
                continue
            time = properties.get("time")
            if type(time) is int or type(time) is float:
                if time >= MILLISECONDS_FROM:
                    time = min(time, FARTHEST) / 1000
                timely = earliest <= time <= latest
            else:
                timely = time is None and not strict
            found.append(
                timely
                and type(name) is str
                and name not in SPECIAL_EVENTS
                and distinct_id is not None
                and "$ignore" not in properties
                and "$bucket" not in properties
                and not (strict and any(strict_id_problems(properties, limits)))
            )
        for first in range(0, len(records), PRINTED_TOGETHER):
            some = slice(first, first + PRINTED_TOGETHER)
            if len(orjson.dumps(records[some])) > most_bytes:
                found[some] = [
                    plain and len(orjson.dumps(record)) <= most_bytes
                    for plain, record in zip(found[some], records[some], strict=True)
                ]
        return found

    return are_plain
