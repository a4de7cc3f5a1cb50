"""Payloads as JSON text, for sending and for storing."""

import json
import re
from typing import Any

import orjson

_LONG_NUMBER = re.compile(rb"\d{19}")
"""A whole number that orjson may read as a float, which would change its value."""


def encode(payload: Any) -> bytes:
    """A payload as JSON in UTF-8.

    The standard library writes what orjson refuses: numbers beyond 64 bits, and lone surrogates,
    which stay escaped.

    Raises ValueError for a value that JSON does not have, and RecursionError for endless nesting.
    """
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        try:
            return json.dumps(payload, allow_nan=False, separators=(",", ":")).encode()
        except TypeError as error:
            raise ValueError(str(error)) from error


def decode(text: bytes) -> Any:
    """A JSON value as `encode` writes it, whole numbers beyond 64 bits included.

    Raises ValueError for text that is not JSON.
    """
    if not _LONG_NUMBER.search(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # half of a surrogate pair
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
