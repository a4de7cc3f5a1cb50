"""Shared functions on JSON values: times, ids, equality."""

import json
import re
from typing import Any

import orjson

MILLISECONDS_FROM = 10**11
"""A time from this number on is in milliseconds. The real threshold is unknown (choice)
(docs/facts/mixpanel-http-api.md#event-fields)."""
FARTHEST = 10**16
"""Milliseconds; larger times are treated as this one."""
_LONG_INTEGER = re.compile(rb"(?:^|[:,\[\s])-?[0-9]{19}")
"""An integer in JSON text that may have more than 64 bits, or text in a string that looks so."""
_DIGITS_AS_ZEROS = bytes(48 if 48 <= byte <= 57 else byte for byte in range(256))
_NINETEEN = b"0" * 19


def has_long_integer(text: bytes) -> bool:
    """Whether JSON text may hold an integer of more than 64 bits, which orjson reads as a float."""
    if _NINETEEN not in text.translate(_DIGITS_AS_ZEROS):  # which is fast
        return False
    return _LONG_INTEGER.search(text) is not None


def parse_exactly(text: bytes) -> Any:
    """The value of JSON text, integers with all their digits. Raises ValueError."""
    if not has_long_integer(text):
        return orjson.loads(text)
    try:
        return json.loads(text, parse_constant=refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def refuse_constant(constant: str) -> Any:
    """What the slow parser calls for NaN and Infinity. Raises ValueError."""
    raise ValueError(f"{constant} is not JSON")


def seconds(value: Any) -> int | float | None:
    """A time as seconds since 1970, from seconds or milliseconds; None if it is not a number."""
    if type(value) is int and 0 <= value < MILLISECONDS_FROM:  # as nearly all are
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    value = max(-FARTHEST, min(value, FARTHEST))
    return whole(value / 1000 if abs(value) >= MILLISECONDS_FROM else value)


def whole(number: int | float) -> int | float:
    """A number as an integer if it is one."""
    return int(number) if number == int(number) else number


def identifier(value: Any) -> str:
    """An id as the text it is compared by (docs/facts/mixpanel-http-api.md#deduplication): a number
    becomes its digits, null becomes ""."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)


def json_bytes(value: Any) -> int:
    """The size in bytes of a value as compact JSON in UTF-8."""
    try:
        return len(orjson.dumps(value))
    except TypeError:  # Lone surrogates, and integers beyond 64 bits.
        plain = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return len(plain.encode(errors="surrogatepass"))


def text(value: Any) -> str:
    """A value as compact JSON text."""
    return json.dumps(value, separators=(",", ":"))


def truthy(value: Any) -> bool:
    """Whether a modifier is on: clients send true, 1, "true" and "false"
    (docs/facts/mixpanel-http-api.md#profile-modifiers)."""
    return value not in (None, False, 0, "", "0", "false", "False")


def same(one: Any, other: Any) -> bool:
    """Equality of JSON values: 1 is 1.0, but never true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def contains(values: list[Any], value: Any) -> bool:
    """Whether a list has a value, by `same`."""
    return any(same(item, value) for item in values)


def to_json(value: Any) -> bytes:
    """Compact JSON as ASCII, so that even a lone surrogate can be shown."""
    return json.dumps(value, separators=(",", ":")).encode()


def flag(value: str | None) -> bool:
    """Whether a control parameter is on: not absent, empty, 0 or false."""
    return value is not None and value.strip().lower() not in ("", "0", "false")
