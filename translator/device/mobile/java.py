"""Java's rules for text, numbers and sets, applied to JSON values.

The Android library reads a message through Java's own conversions. Each function here is one of
them. Sources: docs/facts/device-android-observed.md#revenue,
docs/facts/device-android-observed.md#group, docs/facts/device-android-observed.md#identify.
"""

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

_LONG = range(-(2**63), 2**63)
"""The whole numbers that Java's `long` holds; JSON numbers beyond them are read as doubles."""

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?")
_HEXADECIMAL = re.compile(
    r"[+-]?0[xX](?:[0-9a-fA-F]+\.?|[0-9a-fA-F]*\.[0-9a-fA-F]+)[pP][+-]?[0-9]+[fFdD]?"
)
_NOT_FINITE = re.compile(r"([+-]?)(NaN|Infinity)")


def text(value: Any) -> str:
    """`String.valueOf`: the text form of a JSON value.

    Doubles have the shortest digits that read back as the same double. Java before version 19
    writes one digit more for a few large values, such as 2e23.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value in _LONG else _double_text(float(value))
    if isinstance(value, float):
        return _double_text(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={text(item)}" for key, item in value.items()) + "}"
    return "[" + ", ".join(map(text, value)) + "]"


def _double_text(value: float) -> str:
    """`Double.toString` of a finite number: `4.5`, `1.0E21`, `1.0E-7`."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return f"{sign}0.0"
    number = Decimal(repr(abs(value))).normalize()
    if len(number.as_tuple().digits) == 1:  # Java has two digits at least: 4.9E-324
        number = Decimal(f"{abs(value):.1e}").normalize()
    exponent = number.adjusted()
    if -3 <= exponent < 7:
        plain = f"{number:f}"
        return sign + (plain if "." in plain else f"{plain}.0")
    digits = "".join(map(str, number.as_tuple().digits))
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"


def string(value: Any) -> str | None:
    """The text of a field as the library's `getString` reads it; None for null or absent."""
    return None if value is None else text(value)


def is_blank(value: str | None) -> bool:
    """Whether the library counts a text as absent: null, empty, or characters up to U+0020 only."""
    return not value or all(character <= " " for character in value)


def boolean(value: Any, default: bool) -> bool:
    """A flag: a boolean as it is; text is true only if it is `true` in any case; else `default`."""
    if isinstance(value, bool):
        return value
    return value.lower() == "true" if isinstance(value, str) else default


def double(value: Any) -> float:
    """A number as the library's `getDouble` reads it; 0 if the value is not a number.

    The result can be NaN or infinite: text can say so, and large numbers overflow.
    """
    if isinstance(value, str):
        return _parsed(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return 0.0


def _parsed(value: str) -> float:
    """`Double.valueOf(String)`; 0 where it raises NumberFormatException."""
    trimmed = value.strip("".join(map(chr, range(0x21))))
    if found := _NOT_FINITE.fullmatch(trimmed):
        number = math.nan if found[2] == "NaN" else math.inf
        return -number if found[1] == "-" else number
    if _DECIMAL.fullmatch(trimmed):
        return float(trimmed.rstrip("fFdD"))
    if _HEXADECIMAL.fullmatch(trimmed):
        try:
            return float.fromhex(trimmed.rstrip("fFdD"))
        except OverflowError:
            return -math.inf if trimmed.startswith("-") else math.inf
    return 0.0


def set_order(names: Sequence[str | None]) -> list[str | None]:
    """The order in which a `HashSet` yields these names, added in their order.

    The set is made for `len(names)` entries: its table starts with the least power of two that is
    not smaller, and doubles while it is more than three quarters full. Names in one slot keep the
    order of the list.
    """
    distinct = list(dict.fromkeys(names))
    capacity = 1
    while capacity < len(names) or len(distinct) > capacity * 3 // 4:
        capacity *= 2
    return sorted(distinct, key=lambda name: _spread(name) & (capacity - 1))


def _spread(name: str | None) -> int:
    """The hash of a name as `HashMap` uses it; null has 0."""
    code = _hash_code(name) if name is not None else 0
    return code ^ (code >> 16)


def _hash_code(name: str) -> int:
    """`String.hashCode`, over UTF-16 code units, as an unsigned number of 32 bits."""
    units = name.encode("utf-16-le", "surrogatepass")
    code = 0
    for low, high in zip(units[::2], units[1::2], strict=True):
        code = (31 * code + (high << 8 | low)) & 0xFFFFFFFF
    return code
