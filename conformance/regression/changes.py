"""What is different between two answers to one message, by meaning.

Operations are paired first: equal ones, then those of one event or person, then those of one
name. What has no partner was added or removed. The order of keys in an object means nothing, the
order of operations does.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from conformance.spec.loading import Json

_PLAIN_KEY = re.compile(r"[$A-Za-z_][$\w]*", re.ASCII)
_SIMILAR_NAMES = 0.6
"""How alike two names must be to count as one that was renamed, where the value proves little."""

_MOST_CANDIDATES = 16


class Kind(StrEnum):
    """What a change means for the one who reads the data."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    RETYPED = "retyped"
    VALUE = "value changed"
    ENDPOINT = "endpoint changed"
    REORDERED = "reordered"
    SKIPPED = "newly skipped"
    UNSKIPPED = "no longer skipped"
    FAILING = "newly failing"
    UNFAILING = "no longer failing"
    REWORDED = "reworded"


class Change(NamedTuple):
    """One change: its kind, the operation, the JSON path in it, and both values.

    `operation` is such as `/track event` or `/engage $set`, or `message` for what concerns none of
    them. `path` is empty for an operation as a whole; `[]` stands for any index. The path of
    something renamed is `old -> new`.
    """

    kind: Kind
    operation: str
    path: str
    old: Any = None
    new: Any = None

    def places(self) -> tuple[str, ...]:
        """The paths that it concerns."""
        return tuple(self.path.split(" -> ")) if self.kind is Kind.RENAMED else (self.path,)


def changes(old: Json, new: Json) -> list[Change]:
    """Every change from one answer to another; both are objects as `translate` prints them."""
    found = list(_failure(old.get("error"), new.get("error")))
    if bool(old.get("error")) != bool(new.get("error")):
        # An answer with an error has nothing else; what it would have had is one change, not ten.
        return found
    found += _skips(old.get("skipped") or [], new.get("skipped") or [])
    found += _operations(old.get("operations") or [], new.get("operations") or [])
    return found


def _failure(old: Json | None, new: Json | None) -> Iterator[Change]:
    if old and new:
        if old["code"] != new["code"]:
            yield Change(Kind.VALUE, "message", "error.code", old["code"], new["code"])
        elif old.get("message") != new.get("message"):
            yield Change(
                Kind.REWORDED, "message", "error.message", old.get("message"), new.get("message")
            )
    elif new:
        yield Change(Kind.FAILING, "message", f"error.{new['code']}", None, new.get("message"))
    elif old:
        yield Change(Kind.UNFAILING, "message", f"error.{old['code']}", old.get("message"), None)


def _skips(old: list[Json], new: list[Json]) -> Iterator[Change]:
    before, after = list(old), list(new)
    for skip in old:
        if skip in after:
            before.remove(skip)
            after.remove(skip)
    codes = [skip["code"] for skip in after]
    for skip in before:
        path = f"skipped.{skip['code']}"
        if skip["code"] in codes:
            other = after.pop(codes.index(skip["code"]))
            codes.remove(skip["code"])
            yield Change(Kind.REWORDED, "message", path, skip.get("reason"), other.get("reason"))
        else:
            yield Change(Kind.UNSKIPPED, "message", path, skip.get("reason"), None)
    for skip in after:
        path = f"skipped.{skip['code']}"
        yield Change(Kind.SKIPPED, "message", path, None, skip.get("reason"))


def _operations(old: list[Json], new: list[Json]) -> Iterator[Change]:
    pairs = _pairs(old, new)
    for index, operation in enumerate(old):
        if index not in pairs:
            yield Change(Kind.REMOVED, name(operation), "", old=operation)
            continue
        other = new[pairs[index]]
        label = name(operation)
        for part in ("endpoint", "host"):
            if operation.get(part) != other.get(part):
                yield Change(Kind.ENDPOINT, label, part, operation.get(part), other.get(part))
        yield from _values(label, "payload", operation["payload"], other["payload"])
    for index, operation in enumerate(new):
        if index not in pairs.values():
            yield Change(Kind.ADDED, name(operation), "", new=operation)
    order = list(pairs.values())
    if order != sorted(order):
        yield Change(
            Kind.REORDERED,
            "message",
            "operations",
            [name(operation) for operation in old],
            [name(operation) for operation in new],
        )


def name(operation: Json) -> str:
    """The endpoint and what is done there: `/track event`, `/track $create_alias`, ..."""
    return f"{operation['endpoint']} {_verb(operation)}"


def _verb(operation: Json) -> str:
    payload = operation["payload"]
    if operation["endpoint"] in ("call", "storage"):
        # Of a session in a browser: device_sessions.py.
        return str(payload.get("method", "in the browser"))
    if operation["endpoint"] not in ("/engage", "/groups"):
        event = payload.get("event")
        return event if event == "$create_alias" else "event"
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


def _exact(value: Any) -> Hashable:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


_LIKENESS: tuple[Callable[[Json], Hashable], ...] = (
    _exact,
    lambda operation: (name(operation), _whose(operation)),
    lambda operation: (_verb(operation), _whose(operation)),
    name,
    _verb,
)
"""What makes two operations partners, the best reason first."""


def _pairs(old: Sequence[Json], new: Sequence[Json]) -> dict[int, int]:
    """The index of an old operation -> that of its new partner, in the order of the old ones."""
    pairs: dict[int, int] = {}
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


_NESTED = (dict, list)


def _values(operation: str, path: str, old: Any, new: Any) -> Iterator[Change]:
    one, two = _type(old), _type(new)
    if one != two:
        yield Change(Kind.RETYPED, operation, path, old, new)
    elif type(old) is dict:
        yield from _objects(operation, path, old, new)
    elif type(old) is list and len(old) == len(new):
        for before, after in zip(old, new, strict=True):
            yield from _values(operation, f"{path}[]", before, after)
    elif old != new:
        yield Change(Kind.VALUE, operation, path, old, new)


def _objects(operation: str, path: str, old: Json, new: Json) -> Iterator[Change]:
    removed = dict.fromkeys(key for key in old if key not in new)
    added = dict.fromkeys(key for key in new if key not in old)
    for key, other in _renames(old, new, removed, added):
        del removed[key], added[other]
        places = f"{path}{_step(key)} -> {path}{_step(other)}"
        yield Change(Kind.RENAMED, operation, places, old[key], new[other])
    for key, value in old.items():
        if key in removed:
            yield Change(Kind.REMOVED, operation, path + _step(key), old=value)
        elif key in new:
            other = new[key]
            # Most properties are the same, and their paths need not be written.
            if type(value) is not type(other) or value != other or type(value) in _NESTED:
                yield from _values(operation, path + _step(key), value, other)
    for key in added:
        yield Change(Kind.ADDED, operation, path + _step(key), new=new[key])


def _renames(
    old: Json, new: Json, removed: Iterable[str], added: Iterable[str]
) -> list[tuple[str, str]]:
    """The pairs of a removed and an added key with one value, the most alike names first."""
    by_value: dict[Hashable, list[str]] = {}
    for other in added:
        by_value.setdefault(_exact(new[other]), []).append(other)
    candidates = []
    for key in removed:
        for other in by_value.get(_exact(old[key]), ())[:_MOST_CANDIDATES]:
            alike = SequenceMatcher(None, _bare(key), _bare(other), autojunk=False).ratio()
            if alike >= _SIMILAR_NAMES or not _proves_little(old[key]):
                candidates.append((-alike, key, other))
    pairs: dict[str, str] = {}
    for _, key, other in sorted(candidates):
        if key not in pairs and other not in pairs.values():
            pairs[key] = other
    return list(pairs.items())


def _bare(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


def _proves_little(value: Any) -> bool:
    """Whether two properties may well have this value by chance."""
    return value is None or type(value) is bool or value in ("", [], {}) or value in (0, 1)


def _type(value: Any) -> str:
    if type(value) is bool:
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    kinds: dict[type, str] = {str: "text", dict: "object", list: "list"}
    return kinds.get(type(value), "null")


def _step(key: str) -> str:
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{orjson.dumps(key).decode()}]"
