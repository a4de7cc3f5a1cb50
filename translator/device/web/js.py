"""The JavaScript values that the classic integration and mixpanel-js depend on.

They read a JSON message as JavaScript values: numbers are doubles, text is counted in UTF-16 code
units, keys that are whole numbers come first, an empty list is true.
"""

import re
from decimal import Decimal
from typing import Any

from translator.device.web.dates import Date, read_iso

SAFE_INTEGER = 2**53
"""Whole numbers up to here are exact in JavaScript."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_LAST_INDEX = 2**32 - 2
_LEADING_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHITESPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def revive(value: Any) -> Any:
    """A copy of a JSON value as a JavaScript value, with ISO texts read as dates."""
    if isinstance(value, str):
        return read_iso(value) or value
    if isinstance(value, dict):
        return ordered({key: revive(item) for key, item in value.items()})
    if isinstance(value, list):
        return [revive(item) for item in value]
    return value if value is None or isinstance(value, bool) else number(value)


def number(value: float) -> float:
    """A JSON number as a JavaScript number: a double; an int if it has no fraction."""
    if type(value) is int and -SAFE_INTEGER <= value <= SAFE_INTEGER:
        return value
    double = float(value)
    if double.is_integer() and abs(double) < 1e21:
        return int(Decimal(repr(double)))
    return double


def truthy(value: Any) -> bool:
    """Whether JavaScript counts a value as true: lists and objects always do."""
    return isinstance(value, list | dict | Date) or bool(value)


def same(one: Any, two: Any) -> bool:
    """JavaScript's `===`. A list or an object is equal to itself only."""
    if isinstance(one, list | dict | Date) or isinstance(two, list | dict | Date):
        return one is two
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    return bool(one == two)


def text(value: Any) -> str:
    """JavaScript's `String(value)`."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(value)
    if isinstance(value, list):
        return ",".join("" if item is None else text(item) for item in value)
    return str(value) if isinstance(value, Date) else "[object Object]"


def _number_text(value: float) -> str:
    value = number(value)
    if isinstance(value, int):
        return str(value)
    digits = repr(value)
    if "e" in digits and 1e-6 <= abs(value) < 1e21:
        return format(Decimal(digits), "f")
    return re.sub(r"e([+-])0*", r"e\1", digits)


def add(one: Any, two: Any) -> Any:
    """JavaScript's `one + two`: a sum of numbers, booleans and nulls, else joined texts."""
    if all(value is None or isinstance(value, bool | int | float) for value in (one, two)):
        return number((one or 0) + (two or 0))
    return text(one) + text(two)


def parse_float(value: Any) -> float | None:
    """JavaScript's `parseFloat(value)`: the number at the start of the text; None for `NaN`."""
    found = _LEADING_FLOAT.match(text(value).lstrip(_WHITESPACE))
    return number(float(found[0])) if found and abs(float(found[0])) != float("inf") else None


def trim(value: str) -> str:
    """A text without the white space around it."""
    return value.strip(_WHITESPACE)


def cut(value: str, units: int) -> str:
    """The first `units` UTF-16 code units of a text. It may end with half a surrogate pair."""
    if len(value) * 2 <= units or (len(value) <= units and value.isascii()):
        return value
    return _from_units(_units(value)[: 2 * units])


def tail(value: str, units: int) -> str:
    """A text without its first `units` UTF-16 code units."""
    return _from_units(_units(value)[2 * units :])


def index(value: str, wanted: str) -> int:
    """The place of `wanted` in a text, in UTF-16 code units; -1 if it does not occur."""
    at = value.find(wanted)
    return at if at < 0 else len(_units(value[:at])) // 2


def _units(value: str) -> bytes:
    return value.encode("utf-16-le", "surrogatepass")


def _from_units(units: bytes) -> str:
    return units.decode("utf-16-le", "surrogatepass")


def ordered(value: dict[str, Any]) -> dict[str, Any]:
    """An object with its keys in JavaScript's order: whole numbers first, ascending."""
    numbers = [key for key in value if _INDEX.fullmatch(key) and int(key) <= _LAST_INDEX]
    if not numbers:
        return value
    first = {key: value[key] for key in sorted(numbers, key=int)}
    return first | {key: item for key, item in value.items() if key not in first}


def union(one: list[Any], two: list[Any]) -> list[str]:
    """The distinct elements of two lists as texts, in the order of an object's keys."""
    return list(ordered({text(item): True for item in [*one, *two]}))
