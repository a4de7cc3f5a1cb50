"""Objective-C's rules for text, numbers and flags, applied to JSON values.

Each function is a conversion that the iOS integration or its library makes. Sources:
docs/facts/device-ios-observed.md#screen, docs/facts/device-ios-observed.md#track.
"""

import json
import re
from typing import Any

_DECIMAL = re.compile(
    r"-?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
)
_TRUE_TEXT = re.compile(r"\s*[+-]?0*[YyTt1-9]")


def description(value: Any) -> str:
    """The text that `%@` writes for a JSON value.

    A list or an object is written as JSON. Apple's layout for them was not recorded.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return "<null>"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:.16g}" if isinstance(value, float) else str(int(value))


def truth(value: Any) -> bool:
    """`boolValue`: numbers by their value, text by its first character that counts.

    A value that has no `boolValue`, such as null, counts as true.
    """
    if isinstance(value, str):
        return _TRUE_TEXT.match(value) is not None
    return bool(value) if isinstance(value, int | float) else True


def decimal(value: str) -> float | None:
    """The number that a decimal number formatter reads in the locale en_US; None if it reads none.

    Groups of digits must have three digits: `1,249.90` is read and `1,24` is not.
    """
    if not _DECIMAL.fullmatch(value):
        return None
    number = float(value.replace(",", ""))
    return int(number) if number.is_integer() else number
