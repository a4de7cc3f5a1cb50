"""Web: an event with its profile updates and super properties
(docs/facts/device-mode.md#web-track).

doc#track, doc#track-charge, doc#incrementing-events, doc#incrementing-properties, doc#source-name,
doc#reserved-properties. Profile updates come before the event, super properties after it.
"""

import re
from typing import Any

from translator.cloud.charges import NOT_AN_AMOUNT
from translator.core.errors import TranslationError, skip
from translator.core.operations import Json, Skip
from translator.core.values.amounts import read_amount
from translator.core.values.json_values import normalised
from translator.device.calls import MethodCall, call
from translator.device.message import CallOrSkip, DeviceMessage
from translator.device.web import js
from translator.device.web.dates import Date, iso_milliseconds, write_dates

RESERVED = ("distinct_id", "ip", "mp_name_tag", "mp_note", "token")
"""Properties that are removed from an event. Only this exact spelling is."""

_COMPLETED_ORDER = re.compile(
    r"[ _]?completed[ _]?order[ _]?|[ _]?order[ _]?completed[ _]?\Z", re.IGNORECASE
)


def track_parts(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    """The calls of a track message."""
    event = message.raw.get("event")
    if message.compiled.doc["missing_event_name"] and event in (None, ""):
        raise TranslationError("missing_event_name", "event is missing; name the tracked event")
    if not isinstance(event, str):
        return [_thrown(message.raw)]
    return event_parts(message, event, message.object_field("properties"), now)


def _thrown(raw: Json) -> MethodCall:
    """The exception that the integration raises for an event name that is not text."""
    if raw.get("event") is not None:
        return call("!throw", "track.event(...).toLowerCase is not a function")
    nothing = "null" if "event" in raw else "undefined"
    return call("!throw", f"Cannot read properties of {nothing} (reading 'toLowerCase')")


def event_parts(
    message: DeviceMessage, event: str, properties: Json, now: Date
) -> list[CallOrSkip]:
    """The calls of an event with its name and properties."""
    compiled = message.compiled
    supers = {
        name: properties[name] for name in compiled.settings.superProperties if name in properties
    }
    amount = _charge(message, event, properties)
    if compiled.settings.sourceName:
        properties["segment_source_name"] = compiled.settings.sourceName
    kept = {key: value for key, value in properties.items() if key not in RESERVED}
    sent = _without_object_lists(write_dates(kept, iso_milliseconds))
    parts = [*_length_reasons(sent), *_profile_parts(message, event, sent, amount, now)]
    if isinstance(amount, Skip):
        parts.insert(0, amount)
    parts.append(_event_call(event, sent))
    if supers:
        parts.append(call("register", supers))
    return parts


def _event_call(event: str, properties: Json) -> MethodCall:
    for query, method in (("link_query", "track_links"), ("form_query", "track_forms")):
        if js.truthy(properties.get(query)):
            return call(method, properties.pop(query), event, properties)
    return call("track", event, properties)


def _profile_parts(
    message: DeviceMessage, event: str, properties: Json, amount: float | Skip | None, now: Date
) -> list[CallOrSkip]:
    """Counters, sums and charges; only reasons if Use Mixpanel People is off."""
    parts: list[CallOrSkip] = []
    if message.compiled.counts(event):
        parts += [call("people.increment", event), call("people.set", f"Last {event}", now)]
    for key, value in properties.items():
        if key.lower() in message.compiled.prop_increments:
            parts.append(_increment(message, key, value))
    if amount and not isinstance(amount, Skip):
        reason = "people.track_charge has no effect since version 2.65.0 of the SDK"
        parts += [call("people.track_charge", amount), skip("no_effect", reason)]
    reasons: list[CallOrSkip] = [part for part in parts if isinstance(part, Skip)]
    if message.compiled.settings.people or len(reasons) == len(parts):
        return parts
    off = skip("people_off", "increments and charges update profiles, and 'people' is off")
    return [*reasons, off]


def _increment(message: DeviceMessage, key: str, value: Any) -> CallOrSkip:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number or not message.compiled.doc["increment_values"]:
        return call("people.increment", key, value)
    reason = f"property {key!r:.80} is to be incremented but is not a number: {value!r:.40}"
    return skip("not_a_number", reason)


def _charge(message: DeviceMessage, event: str, properties: Json) -> float | Skip | None:
    """The amount of a charge; None or 0 for no charge, a reason for text without an amount."""
    revenue = _find(properties, "revenue")
    if (
        not js.truthy(revenue)
        and not message.compiled.doc["charge_total"]
        and _COMPLETED_ORDER.match(event)
    ):
        revenue = _find(properties, "total")
    if isinstance(revenue, bool):
        return None
    if isinstance(revenue, int | float):
        return revenue
    if not isinstance(revenue, str) or not revenue:
        return None
    if message.compiled.doc["charge_grouped_digits"]:
        amount = read_amount(revenue)
    else:
        amount = js.parse_float(revenue.replace("$", ""))
    if amount is None:
        return skip("not_a_number", f"revenue {revenue!r:.40}: {NOT_AN_AMOUNT}")
    return amount


def _find(properties: Json, name: str) -> Any:
    return next((value for key, value in properties.items() if normalised(key) == name), None)


def _length_reasons(properties: Json) -> list[CallOrSkip]:
    length = properties.get("length")
    if isinstance(length, int | float) and not isinstance(length, bool):
        reason = "the SDK takes a numeric property 'length' for a list's and loses all properties"
        return [skip("no_effect", reason)]
    return []


def _without_object_lists(properties: Json) -> Json:
    """Lists of objects as one list for each of their keys, called `{property}_{key}s`."""
    for name, value in list(properties.items()):
        value = properties.get(name)
        if not isinstance(value, list):
            continue
        columns = _columns(name, value)
        if columns:
            for column, items in columns.items():
                properties[column] = _joined(properties.get(column), items, column in properties)
            del properties[name]
    return properties


def _columns(name: str, rows: list[Any]) -> dict[str, list[Any]]:
    """The inner values by the name of their list; empty if a row is not an object."""
    columns: dict[str, list[Any]] = {}
    for row in rows:
        if row is None:
            continue
        if not isinstance(row, dict | list):
            return {}
        inner = row.items() if isinstance(row, dict) else enumerate(row)
        for key, value in inner:
            columns.setdefault(f"{name}_{key}s", []).append(value)
    return columns


def _joined(before: Any, items: list[Any], exists: bool) -> Any:
    """The items after those of a property that already has the name of the list."""
    if not exists:
        return items
    # JavaScript's `concat` of a list or of a text.
    return [*before, *items] if isinstance(before, list) else js.text(before) + js.text(items)
