"""The differences between two answers to one message, by meaning.

Operations are paired first: equal ones, then those of one event or person, then those of one
label. An operation without a partner was added or removed. /track and /import take the same
events, so they are one kind of operation here; the endpoint is a field of it. The order of keys in
an object has no meaning, the order of operations has.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from conformance.regression.differences.pairing import EVENT, event_name, label, paired
from conformance.regression.differences.renamed_keys import renamed_keys
from conformance.regression.json_text import compact
from conformance.spec.scenarios.loading import Json
from translator.core.bounded_cache import BoundedCache

_PLAIN_KEY = re.compile(r"[$A-Za-z_][$\w]*", re.ASCII)


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
    MOVED = "moved"


ChangeKey = tuple[ChangeClass, str, str]
"""The class, operation and path of a change."""


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

    @property
    def key(self) -> ChangeKey:
        """The kind of the change, without the values."""
        return self.kind, self.operation, self.path


def changes(old: Json, new: Json) -> list[Change]:
    """Every change from one answer to another; both are objects as `translate` prints them."""
    failed, fails = old.get("error"), new.get("error")
    found = list(_failure(failed, fails)) if failed or fails else []
    if bool(failed) != bool(fails):
        # An answer with an error has no operations: to fail is one change, not ten.
        return found
    before, after = old.get("skipped") or [], new.get("skipped") or []
    if before != after:
        found += _skips(before, after)
    _operations(old.get("operations") or [], new.get("operations") or [], found)
    return found


NO_CODE = "no_code"
"""Stands for the code of an error or a skip that a translator reports without one."""


def code_of(reported: Json) -> str:
    """The code of an error or a skip; other translators may leave it out."""
    return str(reported.get("code") or NO_CODE)


def _may_be_same(old: Json, new: Json) -> bool:
    """Whether two errors or skips have the same code, as far as both have one."""
    codes = {code_of(old), code_of(new)}
    return len(codes) == 1 or NO_CODE in codes


def _failure(old: Json | None, new: Json | None) -> Iterator[Change]:
    if old and new:
        if not _may_be_same(old, new):
            yield Change(ChangeClass.VALUE, "message", "error.code", code_of(old), code_of(new))
        elif old.get("message") != new.get("message"):
            words = old.get("message"), new.get("message")
            yield Change(ChangeClass.REWORDED, "message", "error.message", *words)
    elif new:
        path = f"error.{code_of(new)}"
        yield Change(ChangeClass.FAILING, "message", path, None, new.get("message"))
    elif old:
        path = f"error.{code_of(old)}"
        yield Change(ChangeClass.UNFAILING, "message", path, old.get("message"), None)


def _skips(old: list[Json], new: list[Json]) -> Iterator[Change]:
    before, after = list(old), list(new)
    for skip in old:
        if skip in after:
            before.remove(skip)
            after.remove(skip)
    for skip in before:
        path = f"skipped.{code_of(skip)}"
        same = (other for other in after if _may_be_same(skip, other))
        if (other := next(same, None)) is not None:
            after.remove(other)
            yield Change(
                ChangeClass.REWORDED, "message", path, skip.get("reason"), other.get("reason")
            )
        else:
            yield Change(ChangeClass.UNSKIPPED, "message", path, skip.get("reason"), None)
    for skip in after:
        path = f"skipped.{code_of(skip)}"
        yield Change(ChangeClass.SKIPPED, "message", path, None, skip.get("reason"))


def _operations(old: list[Json], new: list[Json], found: list[Change]) -> None:
    pairs = paired(old, new)
    for index, operation in enumerate(old):
        if index in pairs:
            _pair(operation, new[pairs[index]], found)
        else:
            whole, event = _whole(operation), event_name(operation)
            found.append(Change(ChangeClass.REMOVED, whole, "", old=operation, event=event))
    if len(pairs) < len(new):
        partners = set(pairs.values())
        for index, operation in enumerate(new):
            if index not in partners:
                whole, event = _whole(operation), event_name(operation)
                found.append(Change(ChangeClass.ADDED, whole, "", new=operation, event=event))
    order = list(pairs.values())
    if len(order) > 1 and order != sorted(order):
        before, after = ([_whole(operation) for operation in side] for side in (old, new))
        found.append(Change(ChangeClass.REORDERED, "message", "operations", before, after))


def _pair(operation: Json, other: Json, found: list[Change]) -> None:
    pair = _OperationChanges(label(operation), event_name(operation), found)
    for part in ("endpoint", "host"):
        if operation.get(part) != other.get(part):
            pair.add(ChangeClass.ENDPOINT, part, operation.get(part), other.get(part))
    for part in ("query", "auth"):
        # Our own translator leaves both to its sender.
        if part in operation and part in other:
            pair.compare(part, operation[part], other[part])
    pair.compare("payload", operation["payload"], other["payload"])


def _whole(operation: Json) -> str:
    """The label of a whole operation, with the name of its event."""
    event = event_name(operation)
    return label(operation) if event is None else f"{EVENT} {event}"


class _OperationChanges(NamedTuple):
    """Finds the changes between two operations that are a pair."""

    label: str
    event: str | None
    found: list[Change]

    def add(self, kind: ChangeClass, path: str, old: Any = None, new: Any = None) -> None:
        self.found.append(Change(kind, self.label, path, old, new, self.event))

    def compare(self, path: str, old: Any, new: Any) -> None:
        """Find the changes between two values at a path."""
        if type(old) is dict and type(new) is dict:
            self._compare_objects(path, old, new)
        elif _type(old) != _type(new):
            self.add(ChangeClass.RETYPED, path, old, new)
        elif type(old) is list and len(old) == len(new):
            for before, after in zip(old, new, strict=True):
                self.compare(f"{path}[]", before, after)
        elif old != new:
            self.add(ChangeClass.VALUE, path, old, new)

    def _compare_objects(self, path: str, old: Json, new: Json) -> None:
        removed: Json = {}
        added: Json = {}
        if old.keys() != new.keys():
            removed = {key: value for key, value in old.items() if key not in new}
            added = {key: value for key, value in new.items() if key not in old}
            if removed and added:
                for key, other in renamed_keys(removed, added):
                    places = f"{path}{_STEPS[key]} -> {path}{_STEPS[other]}"
                    self.add(ChangeClass.RENAMED, places, removed.pop(key), added.pop(other))
        for key, value in old.items():
            other = new.get(key, _ABSENT)
            if value is other:
                # Most properties are the same, and their paths need not be written.
                continue
            if other is _ABSENT:
                if key in removed:
                    self.add(ChangeClass.REMOVED, path + _STEPS[key], old=value)
            elif type(value) in _NESTED or type(value) is not type(other) or value != other:
                self.compare(path + _STEPS[key], value, other)
        for key, value in added.items():
            self.add(ChangeClass.ADDED, path + _STEPS[key], new=value)


_ABSENT = object()
_NESTED = (dict, list)


_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    dict: "object",
    list: "list",
}


def _type(value: Any) -> str:
    return _TYPES.get(type(value), "null")


def _step(key: str) -> str:
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{compact(key)}]"


_STEPS: BoundedCache[str, str] = BoundedCache(_step, keeps=lambda key, _: len(key) <= 100)
"""Key of an object -> its step in a path."""
