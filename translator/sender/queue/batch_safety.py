"""Whether a record may share a request, and whether it may be sent twice.

/track, /engage and /groups answer for a request as a whole, and a `1` is documented both as "all
valid" and as "at least one valid" (docs/facts/mixpanel-http-api.md#track-responses): a bad record
beside a good one can be lost without notice. So only records that are clearly within every
documented limit share a request there, and any other has a request of its own. Nothing is refused
here: an uncertain record is sent, and Mixpanel decides.

Records that must not arrive twice, such as an `$add`, share requests only with each other. If the
response is lost, it is unknown whether any of them is stored. If it says that one of them is bad,
the others may be stored, so they are not sent again either.
"""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from translator.core.message import FORBIDDEN_IDS
from translator.core.operations import Json, Operation
from translator.sender.queue.event_age import is_too_old
from translator.sender.queue.queued_operation import LONGEST_KEPT

REPEATABLE_UPDATES = frozenset({"$set", "$set_once", "$union", "$unset", "$delete"})
"""The profile operations that change nothing the second time."""

REPEATABLE_EVENTS = ("$create_alias", "$identify")
"""The events without an insert id that change nothing the second time."""

MODIFIERS = frozenset(
    {
        *("$token", "$distinct_id", "$group_key", "$group_id", "mp_lib"),
        *("$ip", "$ignore_time", "$ignore_alias", "$time", "$latitude", "$longitude"),
    }
)
"""The keys of a profile update that are not operations
(docs/facts/mixpanel-http-api.md#profile-modifiers)."""

MOST_BYTES = 1_000_000
MOST_MEMBERS = 254
"""Documented are both "fewer than 255" and "up to 255"
(docs/facts/mixpanel-http-api.md#event-limits)."""
DEEPEST = 3

NUMBERS = frozenset({int, float})
_CONTAINERS = frozenset({dict, list})

_INSERT_ID = re.compile(r"[A-Za-z0-9-]{1,36}")


def is_idempotent(operation: Operation) -> bool:
    """Whether the result in Mixpanel is the same if the operation arrives twice."""
    payload = operation.payload
    if operation.endpoint in ("/engage", "/groups"):
        return payload.keys() <= REPEATABLE_UPDATES | MODIFIERS
    properties = payload.get("properties")
    if isinstance(properties, dict) and isinstance(properties.get("$insert_id"), str):
        return True
    name = payload.get("event")
    return isinstance(name, str) and name in REPEATABLE_EVENTS


def may_be_dropped_silently(operation: Operation, size: int, now_ms: float) -> bool:
    """Whether Mixpanel might refuse the operation without notice; `size` is that of its JSON text.

    `now_ms` is the moment of sending, in milliseconds since 1970.
    """
    if operation.endpoint == "/import":
        return False  # a strict import names every record that it refuses
    if size > MOST_BYTES:
        return True
    if operation.endpoint == "/track":
        return _doubtful_event(operation.payload, now_ms)
    return _doubtful_update(operation.payload, operation.endpoint)


def _doubtful_event(payload: Json, now_ms: float) -> bool:
    name, properties = payload.get("event"), payload.get("properties")
    if type(name) is not str or name in ("", "$merge") or type(properties) is not dict:
        return True
    token = properties.get("token")
    if type(token) is not str or not token:
        return True
    if len(properties) > MOST_MEMBERS or "$ignore" in properties:
        return True
    time = properties.get("time")
    if time is not None and (type(time) not in NUMBERS or is_too_old(time, now_ms)):
        return True
    insert_id = properties.get("$insert_id")
    if insert_id is None:
        # Only identity events go without; what they name must be ids.
        ids = (properties.get("alias", ""), properties.get("distinct_id", ""))
        if not all(_sound_id(one) for one in ids) or ids[0] == ids[1]:
            return True
    elif type(insert_id) is not str or not _INSERT_ID.fullmatch(insert_id):
        return True
    distinct_id = properties.get("distinct_id", "")
    if distinct_id != "" and not _sound_id(distinct_id):
        return True
    return _out_of_shape(properties.values(), 0)


def _doubtful_update(payload: Json, endpoint: str) -> bool:
    if not _text(payload.get("$token")):
        return True
    owners = ("$distinct_id",) if endpoint == "/engage" else ("$group_key", "$group_id")
    if not all(_sound_id(payload.get(name)) for name in owners):
        return True
    if endpoint == "/groups" and "$distinct_id" in payload:
        return True
    operations = [name for name in payload if name not in MODIFIERS]
    if len(operations) != 1:
        return True
    [name] = operations
    value = payload[name]
    if name == "$unset":
        return type(value) is not list or not all(type(item) is str for item in value)
    if name == "$delete":
        return False
    if type(value) is not dict:
        return True
    if name == "$add" and not NUMBERS.issuperset(map(type, value.values())):
        return True
    return name == "$union" and not all(type(item) is list and item for item in value.values())


def _text(value: Any) -> bool:
    return type(value) is str and value != ""


def _sound_id(value: Any) -> bool:
    if type(value) is str:
        judge = _sound_text if len(value) <= LONGEST_KEPT else _sound_text.__wrapped__
        return judge(value)
    return type(value) in NUMBERS and value > 0


@lru_cache(10_000)
def _sound_text(value: str) -> bool:
    return value != "" and value.strip().lower() not in FORBIDDEN_IDS


def _out_of_shape(values: Collection[Any], depth: int) -> bool:
    """Whether one of these values has too many members, or is nested too deep; `depth` is theirs.

    A list does not count as a level. Comprehensions and generators would take twice the time.
    """
    if _CONTAINERS.isdisjoint(map(type, values)):
        return False
    for value in values:
        kind = type(value)
        if kind is dict:
            if len(value) > MOST_MEMBERS or depth >= DEEPEST:
                return True
            if _out_of_shape(value.values(), depth + 1):
                return True
        elif kind is list and (len(value) > MOST_MEMBERS or _out_of_shape(value, depth)):
            return True
    return False
