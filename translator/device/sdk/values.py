"""The iteration of mixpanel-js over values: it treats an object with a numeric `length` as a list.

Therefore a numeric property or trait called `length` removes all others beside it
(docs/facts/device-mode.md#web-track).
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from translator.core.operations import Json
from translator.device.web import js
from translator.device.web.dates import Date, iso_seconds, json_text

MAX_UNITS = 255
"""Longer texts are cut in requests (UTF-16 code units)."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def each(value: Any) -> Iterator[tuple[str, Any]]:
    """The members of an object as the SDK finds them."""
    if not isinstance(value, dict):
        return
    length = value.get("length")
    if isinstance(length, int | float) and not isinstance(length, bool):
        value = {key: item for key, item in value.items() if key.isdecimal() and int(key) < length}
    yield from value.items()


def encode_dates(value: Json) -> Json:
    """A copy with dates in the form of profiles and groups. Dates in lists stay dates."""
    seen = {key for key, _ in each(value)}
    return {key: _encoded(item) if key in seen else item for key, item in value.items()}


def _encoded(value: Any) -> Any:
    if isinstance(value, Date):
        return iso_seconds(value)
    return encode_dates(value) if isinstance(value, dict) else value


def truncate(value: Any) -> Any:
    """A copy for a request: texts are cut, and a remaining date becomes an empty object."""
    if isinstance(value, str):
        return js.cut(value, MAX_UNITS)
    if isinstance(value, list):
        return [truncate(item) for item in value]
    if isinstance(value, dict):
        return {key: truncate(item) for key, item in each(value)}
    return {} if isinstance(value, Date) else value


def stringify(value: Any) -> str:
    """JavaScript's `JSON.stringify`, except for the form of numbers."""
    text = json.dumps(value, default=_default, separators=(",", ":"), ensure_ascii=False)
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _default(value: Any) -> Any:
    assert isinstance(value, Date), value
    return json_text(value)
