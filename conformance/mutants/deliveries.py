"""Bugs in the destination of data: residency, endpoint, place, age."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.mutants.tools import Broken, with_changed_message, with_changed_operations
from translator import Operation, Result, translate
from translator.core.values.timestamps import parse


def _always_us(operation: Operation, message: Any) -> Operation:
    return operation._replace(host="https://api.mixpanel.com")


def _never_import(operation: Operation, message: Any) -> Operation:
    return operation._replace(endpoint=operation.endpoint.replace("/import", "/track"))


def _zero_is_nothing(operation: Operation, message: Any) -> Operation:
    for fields, key in (
        (operation.payload.get("properties", {}), "ip"),
        (operation.payload, "$ip"),
    ):
        if key in fields and fields[key] == 0:
            del fields[key]
    return operation


def _any_age(message: Any, settings: Any, *, now: datetime, **options: Any) -> Result:
    result = translate(message, settings, now=now, **options)
    if result.error and result.error.code == "timestamp_too_old":
        then = parse(message["timestamp"])
        if then is not None:
            moment = datetime.fromtimestamp(then / 1000, UTC) + timedelta(days=6)
            return translate(message, settings, now=moment, **options)
    return result


def _every_text(value: Any, change: Callable[[str], str | None]) -> Any:
    """A copy of a JSON value with every text changed; a key whose value becomes None is dropped."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_every_text(item, change) for item in value]
    if isinstance(value, dict):
        changed = {key: _every_text(item, change) for key, item in value.items()}
        return {key: item for key, item in changed.items() if item is not None}
    return value


def _without_short_offset(text: str) -> str:
    return re.sub(r"(T[0-9:.]+)[+-][0-9]{2}(?:[0-9]{2})?$", r"\1Z", text)


def _unless_before_1970(text: str) -> str | None:
    return None if re.match(r"(?:1[0-8]|19[0-6])[0-9]{1,2}-[0-9]{2}-[0-9]{2}", text) else text


DELIVERIES = (
    Broken(
        "offset-without-colon-ignored",
        "A time with the offset +0100 is read as if it were UTC.",
        "unsourced",
        "time/*",
        with_changed_message(lambda message: _every_text(message, _without_short_offset)),
    ),
    Broken(
        "nothing-before-1970",
        "Dates before 1970 are dropped.",
        "unsourced",
        "special_traits/*",
        with_changed_message(lambda message: _every_text(message, _unless_before_1970)),
    ),
    Broken(
        "eu-setting-ignored",
        "Data of a European project goes to the US.",
        "segmentio/action-destinations#727",
        "eu_endpoint/*",
        with_changed_operations(_always_us),
    ),
    Broken(
        "never-import",
        "Events older than five days go to /track, which drops them.",
        "rudderlabs/rudder-transformer#1417",
        "time/*",
        with_changed_operations(_never_import),
    ),
    Broken(
        "any-age",
        "Events older than five years are sent.",
        "docs/facts/cloud-classic.md#validation",
        "time/*",
        _any_age,
    ),
    Broken(
        "zero-is-no-ip",
        "context.ip 0 is left out, so people get the place of the sender.",
        "rudderlabs/rudder-transformer#3036",
        "ip/*",
        with_changed_operations(_zero_is_nothing),
    ),
)
