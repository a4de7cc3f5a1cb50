"""The profile operations as a table of pure functions
(docs/facts/mixpanel-http-api.md#profile-operations,
docs/facts/mixpanel-http-api.md#group-profiles).

Each takes the properties and the operation's value and returns new properties; nothing is changed
in place. Where the real behaviour for a wrong type is unknown, the choice is to refuse the whole
record with a reason, so that no data is lost in silence:

- a delta or an existing value of `$add` that is not a number;
- an existing value of `$append`, `$union` or `$remove` that is not a list.

Further choices: `$remove` takes all occurrences; an empty list in `$union` changes nothing;
`$append` works on groups; several operations in one record apply in the order of the table.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from mock_mixpanel.json_values import contains, same
from mock_mixpanel.state.findings import RefusedError

Properties = dict[str, Any]


class ProfileOperation(NamedTuple):
    """`check` gives the faults of a value, each as a reason; `creates`: makes a missing profile."""

    name: str
    check: Callable[[str, Any], Iterator[str]]
    apply: Callable[[Properties, Any], Properties | None]
    creates: bool = True


def apply_all(properties: Mapping[str, Any] | None, record: Mapping[str, Any]) -> Properties | None:
    """The properties after all operations of a record; None is "no profile", before and after.

    Raises RefusedError if one conflicts; then none is applied.
    """
    result = None if properties is None else dict(properties)
    for operation in OPERATIONS:
        if operation.name in record and (operation.creates or result is not None):
            result = operation.apply(result or {}, record[operation.name])
    return result


def faults(record: Mapping[str, Any]) -> list[str]:
    """The problems with the operations of a record, independent of the profile."""
    present = [operation for operation in OPERATIONS if operation.name in record]
    if not present:
        return [f"operation: none of {', '.join(operation.name for operation in OPERATIONS)}"]
    return [
        reason
        for operation in present
        for reason in operation.check(operation.name, record[operation.name])
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _object(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{name}: not an object"


def _numbers(name: str, value: Any) -> Iterator[str]:
    yield from _object(name, value)
    if isinstance(value, dict):
        yield from (f"{name}.{key}: not a number" for key in value if not _is_number(value[key]))


def _lists(name: str, value: Any) -> Iterator[str]:
    yield from _object(name, value)
    if isinstance(value, dict):
        yield from (
            f"{name}.{key}: not a list" for key in value if not isinstance(value[key], list)
        )


def _names(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        yield f"{name}: not a list of names"


def _anything(_name: str, _value: Any) -> Iterator[str]:
    yield from ()


def _set(properties: Properties, value: Any) -> Properties:
    return {**properties, **value}


def _set_once(properties: Properties, value: Any) -> Properties:
    return properties | {key: new for key, new in value.items() if key not in properties}


def _add(properties: Properties, value: Any) -> Properties:
    changed = dict(properties)
    for key, delta in value.items():
        current = properties.get(key, 0)
        if not _is_number(current):
            raise RefusedError(f"$add.{key}: the profile holds no number")
        try:
            changed[key] = current + delta
            finite = math.isfinite(changed[key])
        except OverflowError:
            finite = False
        if not finite:
            raise RefusedError(f"$add.{key}: the sum is out of range")
    return changed


def _listed(operation: str, properties: Properties, key: str) -> list[Any]:
    current = properties.get(key, [])
    if not isinstance(current, list):
        raise RefusedError(f"{operation}.{key}: the profile holds no list")
    return current


def _union(properties: Properties, value: Any) -> Properties:
    changed = dict(properties)
    for key, items in value.items():
        merged = list(_listed("$union", properties, key))
        for item in items:
            if not contains(merged, item):
                merged.append(item)
        if items:
            changed[key] = merged
    return changed


def _append(properties: Properties, value: Any) -> Properties:
    return properties | {
        key: [*_listed("$append", properties, key), item] for key, item in value.items()
    }


def _remove(properties: Properties, value: Any) -> Properties:
    return properties | {
        key: [kept for kept in _listed("$remove", properties, key) if not same(kept, item)]
        for key, item in value.items()
        if key in properties
    }


def _unset(properties: Properties, value: Any) -> Properties:
    return {key: kept for key, kept in properties.items() if key not in value}


def _delete(_properties: Properties, _value: Any) -> None:
    return None


OPERATIONS = (
    ProfileOperation("$set", _object, _set),
    ProfileOperation("$set_once", _object, _set_once),
    ProfileOperation("$add", _numbers, _add),
    ProfileOperation("$union", _lists, _union),
    ProfileOperation("$append", _object, _append),
    ProfileOperation("$remove", _object, _remove, creates=False),
    ProfileOperation("$unset", _names, _unset, creates=False),
    ProfileOperation("$delete", _anything, _delete, creates=False),
)
_OPERATION_NAMES = frozenset(operation.name for operation in OPERATIONS)


def operation_names(record: Mapping[str, Any]) -> str:
    """The names of the operations in a record, in its order, with commas between them."""
    return ", ".join(name for name in record if name in _OPERATION_NAMES)


def touched(record: Mapping[str, Any]) -> list[str]:
    """The names of the properties that the operations of a record may change or remove."""
    return [
        name
        for operation in OPERATIONS
        if operation.name in record and operation.apply is not _delete
        for name in record[operation.name]
    ]
