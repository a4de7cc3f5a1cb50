"""Pairs of operations of two answers: which new operation replaces which old one."""

from collections.abc import Callable, Hashable, Sequence

from conformance.regression.json_text import compact, sort_key
from conformance.spec.scenarios.loading import Json

EVENT = "event"
"""The label of an operation that sends an event, to /track or /import."""


NAME_CHARACTERS = 100


def label(operation: Json) -> str:
    """The label of an operation: `event`, `event $create_alias`, `/engage $set`, ..."""
    endpoint, verb = operation["endpoint"], _verb(operation)
    return verb if endpoint in _EVENT_ENDPOINTS else f"{endpoint} {verb}"


def event_name(operation: Json) -> str | None:
    """The name of the event that an operation sends, at most 100 characters, or None."""
    if operation["endpoint"] not in _EVENT_ENDPOINTS:
        return None
    event = operation["payload"].get("event")
    return (event if type(event) is str else compact(event))[:NAME_CHARACTERS]


_EVENT_ENDPOINTS = frozenset(["/track", "/import"])


def _verb(operation: Json) -> str:
    payload = operation["payload"]
    if operation["endpoint"] in ("call", "storage"):
        # Of a session in a browser: device_sessions.py.
        return str(payload.get("method", "in the browser"))
    if operation["endpoint"] not in ("/engage", "/groups"):
        return f"{EVENT} $create_alias" if payload.get("event") == "$create_alias" else EVENT
    verbs = [
        key for key, value in payload.items() if type(value) in (dict, list) and key[:1] == "$"
    ]
    return " ".join(verbs) or next((key for key in payload if key in _BARE_VERBS), "update")


_BARE_VERBS = ("$delete", "$unset")


def _whose(operation: Json) -> Hashable:
    payload = operation["payload"]
    properties = payload.get("properties")
    source = properties if type(properties) is dict else payload
    ids = ("distinct_id", "$distinct_id", "$group_key", "$group_id")
    return repr((payload.get("event"), [source.get(key) for key in ids]))


_LIKENESS: tuple[Callable[[Json], Hashable], ...] = (
    sort_key,
    lambda operation: (label(operation), _whose(operation)),
    lambda operation: (_verb(operation), _whose(operation)),
    label,
    _verb,
)
"""The keys by which partners are found, the best evidence first."""


def paired(old: Sequence[Json], new: Sequence[Json]) -> dict[int, int]:
    """The index of an old operation -> that of its new partner, in the order of the old ones."""
    pairs: dict[int, int] = {}
    if len(old) == len(new) == 1 and _verb(old[0]) == _verb(new[0]):
        # Nearly every message: two that are alike in one way, and no others to choose from.
        return {0: 0}
    if len(old) == len(new):
        whose = [(label(operation), _whose(operation)) for operation in old]
        if len(set(whose)) == len(whose) and whose == [(label(op), _whose(op)) for op in new]:
            # The usual case: the same operations, each for another thing, in the same order.
            return {index: index for index in range(len(old))}
    for key in _LIKENESS:
        if len(pairs) == min(len(old), len(new)):
            break
        free = [index for index in range(len(new)) if index not in pairs.values()]
        keys = [key(new[index]) for index in free]
        for index, operation in enumerate(old):
            if index not in pairs and (wanted := key(operation)) in keys:
                at = keys.index(wanted)
                pairs[index] = free.pop(at)
                keys.pop(at)
    return dict(sorted(pairs.items()))
