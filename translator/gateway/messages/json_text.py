"""JSON text of values that orjson does not write."""

import json
import math
from typing import Any

import orjson


def json_line(value: Any, *, sort_keys: bool = False, strict: bool = True) -> bytes:
    """A value as one line of JSON; with `sort_keys` the same however its members are ordered.

    Without `strict` the value may hold NaN, which orjson would write as null. orjson refuses some
    more values that Python's json writes: lone surrogates, long integers, deep nesting.
    """
    if strict:
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sort_keys else None)
        except orjson.JSONEncodeError:
            pass
    return json.dumps(value, sort_keys=sort_keys).encode()


def valid_json(value: Any) -> bytes:
    """A value as JSON text that every parser accepts.

    Lone surrogates become `?`, and numbers that JSON does not have become null. Integers of more
    than 64 bits and deep nesting, which orjson refuses, are written.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(_clean(value), ensure_ascii=False).encode()


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    return [_clean(each) for each in value] if isinstance(value, list | tuple) else value
