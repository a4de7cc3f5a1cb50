"""Formats values for Mixpanel, and refuses values that JSON cannot represent.

Top-level objects become JSON text. Texts that are ISO 8601 dates are written in UTC with
milliseconds, at any depth (docs/facts/cloud-classic.md#event-payload,
docs/facts/cloud-classic.md#dates-inside-values). Mixpanel applies its own limits (255 keys, long
texts, ...); nothing is cut here.
"""

import json
import math
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

import orjson

from translator.core.errors import TranslationError
from translator.core.values.timestamps import iso_milliseconds, iso_to_ms, utc_milliseconds_to_ms

MAX_NESTING = 100
"""The deepest nesting of objects and arrays in a message."""

_SEPARATORS = re.compile(r"[^A-Za-z0-9.]+")
_INTEGERS = 2**63, 2**64

_DIGITS_AS_ZEROS = bytes(48 if 48 <= byte <= 57 else byte for byte in range(256))
_NINETEEN = b"0" * 19
_LONG, _LONG_NEGATIVE = _NINETEEN + b"0", b"-" + _NINETEEN
"""The shortest numbers of more than 64 bits, with 0 for each digit."""

LONGEST_NUMBER = 1000
"""Digits of a whole number that are read. Python refuses to read more than 4300."""


@lru_cache(maxsize=65_536)
def normalised(key: str) -> str:
    """A key without punctuation and case: `First Name`, `first_name`, `$firstName` are equal."""
    return _SEPARATORS.sub("", key).lower()


def date_ms(value: str) -> int | None:
    """Milliseconds since 1970 if the whole text is an ISO 8601 date with a day, else None."""
    return iso_to_ms(value) if len(value) >= 10 and value[4] == value[7] == "-" else None


def format_text(value: str) -> str:
    """The text; if the whole text is a date, the date in UTC."""
    if utc_milliseconds_to_ms(value) is not None:
        return value  # it has the form already
    ms = date_ms(value)
    return value if ms is None else iso_milliseconds(ms)


def has_long_number(text: bytes) -> bool:
    """Whether JSON text may hold a whole number of more than 64 bits.

    orjson reads such a number as a float without an error: different ids of people would become one
    id. Python's json reads it with `whole_number`.
    """
    digits = text.translate(_DIGITS_AS_ZEROS)
    return _NINETEEN in digits and (_LONG in digits or _LONG_NEGATIVE in digits)


def whole_number(text: str) -> int | float:
    """A whole number of JSON text.

    One of more than 64 bits is the float that has these digits, if there is one: JavaScript prints
    the float 1e20 as 100000000000000000000. Otherwise it is a whole number, of which the first
    LONGEST_NUMBER digits are read; `check` refuses it by the name of its field.
    """
    number = int(text[:LONGEST_NUMBER])
    if -_INTEGERS[0] <= number < _INTEGERS[1]:
        return number
    as_float = float(text)
    exact = math.isfinite(as_float) and Decimal(repr(as_float)) == Decimal(text)
    return as_float if exact else number


def parse_exactly(text: bytes) -> Any:
    """The value of JSON text, with whole numbers of more than 64 bits as `whole_number` reads them.

    Raises ValueError for text that is not JSON, and for nesting that Python cannot read.
    """
    if not has_long_number(text):
        return orjson.loads(text)
    try:
        return json.loads(text.decode(), parse_int=whole_number, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def format_value(value: Any) -> Any:
    """A property or trait value in the form in which it is sent; objects become JSON text."""
    kind = type(value)
    if kind is str:
        # The first test of format_text, inlined: most texts are not dates.
        return format_text(value) if len(value) >= 10 and value[4] == "-" else value
    if kind is dict:
        return json_text(value)
    if kind is list:
        return [_format_inner(item) for item in value]
    return value


def format_object(values: dict[str, Any], *, nulls: bool = True) -> dict[str, Any]:
    """The values of an object as `format_value` gives them, in a new object.

    Nulls stay null, or are left out if `nulls` is false.
    """
    # A copy with a few changes costs less than a new object value by value.
    out = values.copy()
    for key, value in values.items():
        kind = type(value)
        if kind is str:
            if len(value) >= 10 and value[4] == "-":
                out[key] = format_text(value)
        elif kind is dict or kind is list:
            out[key] = format_value(value)
        elif value is None and not nulls:
            del out[key]
    return out


def without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    """The object without its nulls; the same object if it has none."""
    if None not in values.values():
        return values
    return {key: value for key, value in values.items() if value is not None}


def detached(value: Any) -> Any:
    """A copy of a value that is expected to be plain: objects become JSON text, lists are copied.

    So no operation shares a mutable value with the message.
    """
    kind = type(value)
    return format_value(value) if kind is dict or kind is list else value


def json_text(value: dict[str, Any]) -> str:
    """An object as compact JSON text, with its dates formatted and whole floats without `.0`."""
    return orjson.dumps(_format_inner(value, in_text=True)).decode()


def _format_inner(value: Any, *, in_text: bool = False) -> Any:
    kind = type(value)
    if kind is str:
        return format_text(value)
    if kind is dict:
        return {key: _format_inner(item, in_text=in_text) for key, item in value.items()}
    if kind is list:
        return [_format_inner(item, in_text=in_text) for item in value]
    if in_text and kind is float and value.is_integer() and abs(value) < 1e21:
        return int(value) if abs(value) < 2**53 else value
    return value


def check(value: Any, path: str = "", depth: int = 0) -> None:
    """Raise `TranslationError`, naming the field, for a value that JSON cannot represent.

    This walks the whole message. A line that the JSON parser accepted needs it only if it is deep.
    """
    # Paths are made for the rare value that has a problem only.
    if not _is_valid(value, depth):
        _refuse(value, path, depth)


def _is_valid(value: Any, depth: int) -> bool:
    """Whether `_refuse` finds no problem."""
    kind = type(value)
    if kind is str:
        return value.isascii() or _is_unicode(value)
    if kind is dict:
        if depth >= MAX_NESTING:
            return False
        for key, item in value.items():
            if type(key) is not str or not (key.isascii() or _is_unicode(key)):
                return False
            # The first test of the next call, inlined: most values are ASCII texts.
            if not (type(item) is str and item.isascii()) and not _is_valid(item, depth + 1):
                return False
        return True
    if kind is list:
        return depth < MAX_NESTING and all(_is_valid(item, depth + 1) for item in value)
    if kind is float:
        return math.isfinite(value)
    if kind is int:
        return bool(-_INTEGERS[0] <= value < _INTEGERS[1])
    return value is None or kind is bool


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(value: Any, path: str, depth: int) -> None:
    """Raise `TranslationError` for the first problem of a value, with its place."""
    kind = type(value)
    if kind is str:
        if not _is_unicode(value):
            raise _invalid(path, "has a lone surrogate; send valid Unicode text")
    elif kind is dict or kind is list:
        if depth >= MAX_NESTING:
            raise TranslationError(
                "nesting_too_deep",
                f"{_shorten(path)} is nested more than {MAX_NESTING} levels deep; flatten it",
            )
        if kind is list:
            for index, item in enumerate(value):
                _refuse(item, f"{path}[{index}]", depth + 1)
            return
        for key, item in value.items():
            if type(key) is not str:
                raise _invalid(f"{path}[{key!r}]", "has a key that is not text")
            inner = f"{path}.{key}" if path else key
            _refuse(key, inner, depth + 1)
            _refuse(item, inner, depth + 1)
    elif kind is float:
        if not math.isfinite(value):
            raise _invalid(path, f"is {value}; JSON has no such number, send null or leave it out")
    elif kind is int:
        if not -_INTEGERS[0] <= value < _INTEGERS[1]:
            raise _invalid(path, "is a whole number of more than 64 bits; send it as text")
    elif value is not None and kind is not bool:
        raise _invalid(path, f"is a {kind.__name__}; send text, a number, a list or an object")


def _invalid(path: str, problem: str) -> TranslationError:
    where = path.encode("ascii", "backslashreplace").decode()
    return TranslationError("invalid_value", f"{_shorten(where) or 'the message'} {problem}")


def _shorten(path: str) -> str:
    return path if len(path) <= 120 else f"{path[:80]}...{path[-30:]}"
