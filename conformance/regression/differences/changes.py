"""The differences between two answers to one message, by meaning.

Operations are paired first: equal ones, then those of one event or person, then those of one
label. An operation without a partner was added or removed. /track and /import take the same
events, so they are one kind of operation here; the endpoint is a field of it. The order of keys in
an object has no meaning, the order of operations has.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from conformance.regression.differences.pairing import EVENT, event_name, label, paired
from conformance.regression.json_text import compact, sort_key
from conformance.spec.scenarios.loading import Json

_PLAIN_KEY = re.compile(r"[$A-Za-z_][$\w]*", re.ASCII)
_SIMILAR_NAMES = 0.6
"""Likeness (0 to 1) of two names that count as one, where the value alone proves nothing."""

_MOST_CANDIDATES = 16


class ChangeClass(StrEnum):
    """The class of a change."""

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
    MERGED = "merged"
    SPLIT = "split"
    REGROUPED = "regrouped"


class Change(NamedTuple):
    """One change: its class, the operation, the JSON path in it, and both values.

    `operation` is the label of the operation, such as `event` or `/engage $set`, or `message` for
    what no operation has. An event that was added or removed has its name there: `event Signed Up`.
    `path` is empty for an operation as a whole; `[]` means any index. The path of a renamed
    property is `old -> new`. `event` is the name of the event that the change is in.
    """

    kind: ChangeClass
    operation: str
    path: str
    old: Any = None
    new: Any = None
    event: str | None = None

    def places(self) -> tuple[str, ...]:
        """The paths that it concerns."""
        return tuple(self.path.split(" -> ")) if self.kind is ChangeClass.RENAMED else (self.path,)


def changes(old: Json, new: Json) -> list[Change]:
    """Every change from one answer to another; both are objects as `translate` prints them."""
    found = list(_failure(old.get("error"), new.get("error")))
    if bool(old.get("error")) != bool(new.get("error")):
        # An answer with an error has no operations: to fail is one change, not ten.
        return found
    found += _skips(old.get("skipped") or [], new.get("skipped") or [])
    found += _operations(old.get("operations") or [], new.get("operations") or [])
    return found


def _failure(old: Json | None, new: Json | None) -> Iterator[Change]:
    if old and new:
        if old["code"] != new["code"]:
            yield Change(ChangeClass.VALUE, "message", "error.code", old["code"], new["code"])
        elif old.get("message") != new.get("message"):
            yield Change(
                ChangeClass.REWORDED,
                "message",
                "error.message",
                old.get("message"),
                new.get("message"),
            )
    elif new:
        yield Change(
            ChangeClass.FAILING, "message", f"error.{new['code']}", None, new.get("message")
        )
    elif old:
        yield Change(
            ChangeClass.UNFAILING, "message", f"error.{old['code']}", old.get("message"), None
        )


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
            yield Change(
                ChangeClass.REWORDED, "message", path, skip.get("reason"), other.get("reason")
            )
        else:
            yield Change(ChangeClass.UNSKIPPED, "message", path, skip.get("reason"), None)
    for skip in after:
        path = f"skipped.{skip['code']}"
        yield Change(ChangeClass.SKIPPED, "message", path, None, skip.get("reason"))


def _operations(old: list[Json], new: list[Json]) -> Iterator[Change]:
    pairs = paired(old, new)
    for index, operation in enumerate(old):
        if index not in pairs:
            event = event_name(operation)
            yield Change(ChangeClass.REMOVED, _whole(operation), "", old=operation, event=event)
            continue
        yield from _pair(operation, new[pairs[index]])
    for index, operation in enumerate(new):
        if index not in pairs.values():
            event = event_name(operation)
            yield Change(ChangeClass.ADDED, _whole(operation), "", new=operation, event=event)
    order = list(pairs.values())
    if order != sorted(order):
        yield Change(
            ChangeClass.REORDERED,
            "message",
            "operations",
            [_whole(operation) for operation in old],
            [_whole(operation) for operation in new],
        )


def _pair(operation: Json, other: Json) -> Iterator[Change]:
    name, event = label(operation), event_name(operation)
    for part in ("endpoint", "host"):
        if operation.get(part) != other.get(part):
            yield Change(
                ChangeClass.ENDPOINT, name, part, operation.get(part), other.get(part), event
            )
    for part in ("query", "auth"):
        # Our own translator leaves both to its sender.
        if part in operation and part in other:
            for change in _values(name, part, operation[part], other[part]):
                yield change._replace(event=event)
    for change in _values(name, "payload", operation["payload"], other["payload"]):
        yield change if event is None else change._replace(event=event)


def _whole(operation: Json) -> str:
    """The label of a whole operation, with the name of its event."""
    event = event_name(operation)
    return label(operation) if event is None else f"{EVENT} {event}"


_NESTED = (dict, list)


def _values(operation: str, path: str, old: Any, new: Any) -> Iterator[Change]:
    one, two = _type(old), _type(new)
    if one != two:
        yield Change(ChangeClass.RETYPED, operation, path, old, new)
    elif type(old) is dict:
        yield from _objects(operation, path, old, new)
    elif type(old) is list and len(old) == len(new):
        for before, after in zip(old, new, strict=True):
            yield from _values(operation, f"{path}[]", before, after)
    elif old != new:
        yield Change(ChangeClass.VALUE, operation, path, old, new)


def _objects(operation: str, path: str, old: Json, new: Json) -> Iterator[Change]:
    removed = dict.fromkeys(key for key in old if key not in new)
    added = dict.fromkeys(key for key in new if key not in old)
    for key, other in _renames(old, new, removed, added):
        del removed[key], added[other]
        places = f"{path}{_step(key)} -> {path}{_step(other)}"
        yield Change(ChangeClass.RENAMED, operation, places, old[key], new[other])
    for key, value in old.items():
        if key in removed:
            yield Change(ChangeClass.REMOVED, operation, path + _step(key), old=value)
        elif key in new:
            other = new[key]
            # Most properties are the same, and their paths need not be written.
            if type(value) is not type(other) or value != other or type(value) in _NESTED:
                yield from _values(operation, path + _step(key), value, other)
    for key in added:
        yield Change(ChangeClass.ADDED, operation, path + _step(key), new=new[key])


def _renames(
    old: Json, new: Json, removed: Iterable[str], added: Iterable[str]
) -> list[tuple[str, str]]:
    """The pairs of a removed and an added key that are one property under two names.

    The value must be the same. If several removed or added keys have it, or a value such as null or
    true, the names must be alike too; the most alike names are paired first. One message is weak
    evidence: counts.py keeps a rename only if the whole corpus agrees.
    """
    before = [(key, sort_key(old[key])) for key in removed]
    by_value: dict[Hashable, list[str]] = {}
    for other in added:
        by_value.setdefault(sort_key(new[other]), []).append(other)
    uses = Counter(value for _, value in before)
    candidates = []
    for key, value in before:
        others = by_value.get(value, ())
        unique = uses[value] == len(others) == 1 and not _proves_little(old[key])
        for other in others[:_MOST_CANDIDATES]:
            alike = _likeness(key, other)
            if unique or alike >= _SIMILAR_NAMES:
                candidates.append((-alike, key, other))
    pairs: dict[str, str] = {}
    for _, key, other in sorted(candidates):
        if key not in pairs and other not in pairs.values():
            pairs[key] = other
    return list(pairs.items())


@lru_cache(maxsize=4096)
def _likeness(key: str, other: str) -> float:
    """How alike two names are, from 0 to 1; a corpus has the same pairs again and again."""
    return SequenceMatcher(None, _bare(key), _bare(other), autojunk=False).ratio()


def _bare(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


def _proves_little(value: Any) -> bool:
    """Whether two properties often have this value by chance."""
    return value is None or type(value) is bool or value in ("", [], {}) or value in (0, 1)


def _type(value: Any) -> str:
    if type(value) is bool:
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    kinds: dict[type, str] = {str: "text", dict: "object", list: "list"}
    return kinds.get(type(value), "null")


def _step(key: str) -> str:
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{compact(key)}]"
