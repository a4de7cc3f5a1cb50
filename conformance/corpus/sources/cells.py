"""Cells of a table as JSON values, by the type that the mapping file names."""

import base64
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from translator.core.values.json_values import parse_exactly

_INTEGER = re.compile(r"[+-]?\d{1,400}")
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d{0,18})(\.\d+)?([eE][+-]?\d{1,3})?")
_TRUE, _FALSE = frozenset(["true", "t", "yes", "1"]), frozenset(["false", "f", "no", "0"])
_ZONE_NAME = re.compile(r"\s*(?:UTC|GMT|Z)$")
_ZONE_AFTER_SPACE = re.compile(r"\s+([+-]\d\d:?(?:\d\d)?)$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def json_value(value: Any) -> Any:
    """A typed value of Parquet as JSON. Times are ISO 8601 in UTC; a time without a zone is UTC.

    Raises ValueError for a value without a form in JSON, such as NaN.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            if not math.isfinite(value):
                raise ValueError("not finite")
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else json_value(float(value))
        case datetime():
            return _iso(value)
        case date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return base64.b64encode(value).decode()
        case dict():
            return {str(key): json_value(item) for key, item in value.items()}
        case list() | tuple():
            return [json_value(item) for item in value]
    raise ValueError(f"no form in JSON: {type(value).__name__}")


def _text(value: Any) -> str:
    if type(value) is bool:
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return str(value)


def _integer(value: Any) -> int:
    if type(value) is str:
        if not _INTEGER.fullmatch(value.strip()):
            raise ValueError("not an integer")
        return int(value)
    if type(value) is bool or value != int(value):
        raise ValueError("not an integer")
    return int(value)


def _number(value: Any) -> float:
    if type(value) is bool:
        raise ValueError("not a number")
    if type(value) is str:
        value = value.strip()
        if "_" in value:
            raise ValueError("not a number")
        if _INTEGER.fullmatch(value):
            return int(value)
    found = value if type(value) is int else float(value)
    if not math.isfinite(found):
        raise ValueError("not finite")
    return found


def _boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError("not a boolean")
    return text in _TRUE


def _moment(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("not a time")
    text = _ZONE_AFTER_SPACE.sub(r"\1", _ZONE_NAME.sub("+00:00", value.strip()))
    return _iso(datetime.fromisoformat(text))


def _seconds(value: Any) -> str:
    return _iso(_EPOCH + timedelta(seconds=_number(value)))


def _milliseconds(value: Any) -> str:
    return _iso(_EPOCH + timedelta(milliseconds=_number(value)))


def _iso(moment: datetime) -> str:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _json(value: Any) -> Any:
    return parse_exactly(value.encode()) if type(value) is str else value


def _auto(value: Any) -> Any:
    """A number, `true` or `false` in JSON's notation as that value; any other text unchanged."""
    if value in ("true", "false"):
        return value == "true"
    if type(value) is str and _JSON_NUMBER.fullmatch(value):
        return json_value(parse_exactly(value.encode()))
    return value


READERS: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "time": _moment,
    "seconds": _seconds,
    "milliseconds": _milliseconds,
    "json": _json,
    "auto": _auto,
}
"""Name of a type -> the function that reads a cell. It raises ValueError, TypeError or
OverflowError."""
