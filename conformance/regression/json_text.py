"""JSON values as text, whatever a translator in another language prints.

JSON has numbers beyond 64 bits, and JavaScript prints half of a surrogate pair as `\\ud83c`.
orjson, the fast library, takes neither, nor deep nesting. Python's own library takes all of them.
"""

import json
from collections.abc import Hashable
from typing import Any

import orjson

MAX_NESTING = 200
"""Levels of objects and arrays in an answer. Deeper answers are not compared."""

_SORTED = orjson.OPT_SORT_KEYS


def compact(value: Any) -> str:
    """A value as JSON text in one line that can be encoded; never raises for JSON values."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return printable(text)


def sort_key(value: Any) -> Hashable:
    """The same for equal JSON values, whatever the order of keys."""
    try:
        return orjson.dumps(value, option=_SORTED)
    except (TypeError, ValueError):
        return json.dumps(value, sort_keys=True)


def same_text(one: Any, two: Any) -> bool:
    """Whether two values are the same JSON text, order of keys included: a quick test."""
    try:
        return orjson.dumps(one) == orjson.dumps(two)
    except (TypeError, ValueError):
        return json.dumps(one) == json.dumps(two)


def printable(text: str) -> str:
    """Text without control characters and lone surrogates; they become `\\x1b` and `\\ud83c`.

    Texts of a corpus must not move the cursor of a terminal or break the encoding of a file.
    """
    if text.isprintable():
        return text
    return "".join(map(_printable, text))


def _printable(character: str) -> str:
    code = ord(character)
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"\\x{code:02x}"
    hidden = 0xD800 <= code < 0xE000 or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
    return f"\\u{code:04x}" if hidden else character


def is_too_deep(value: Any) -> bool:
    """Whether objects and arrays are nested deeper than MAX_NESTING. Does not recurse."""
    level = [value] if type(value) in (dict, list) else []
    for _ in range(MAX_NESTING + 1):
        level = [
            item
            for container in level
            for item in (container.values() if type(container) is dict else container)
            if type(item) is dict or type(item) is list
        ]
        if not level:
            return False
    return True
