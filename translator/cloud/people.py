"""Profile updates: identify, increments and charges.

doc#identify, doc#people, doc#arrays, doc#track-charge, doc#incrementing-events,
doc#incrementing-properties, doc#bypass-last-seen-in-server-side-calls; envelopes and order in
docs/facts/cloud-classic.md#request-order, docs/facts/cloud-classic.md#increments-and-revenue,
docs/facts/cloud-classic.md#traits.
"""

import copy
import re
from math import isfinite
from typing import Any

from translator.cloud.events import library
from translator.core.amounts import read_amount
from translator.core.compiled_settings import CompiledSettings
from translator.core.context_properties import device_properties
from translator.core.errors import TranslationError, skip
from translator.core.message import Message
from translator.core.operations import Json, Operation, OperationOrSkip, Skip
from translator.core.timestamps import iso_seconds
from translator.core.traits import format_traits
from translator.core.values import date_ms, detached, normalised

_LEADING_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
NOT_AN_AMOUNT = (
    "not one amount that can be read without doubt, so there is no charge; "
    "send a number, such as 1234.5"
)
"""The reason of a skipped charge."""

_COMPLETED_ORDER = re.compile(r"completed ?order", re.IGNORECASE)


def identify_operations(message: Message, compiled: CompiledSettings) -> list[OperationOrSkip]:
    """`$set`, then `$union` of array traits and of an iOS device token."""
    if not compiled.settings.people:
        reason = "identify only updates profiles, and 'people' (Use Mixpanel People) is off"
        return [skip("people_off", reason)]
    if message.distinct_id is None and compiled.doc["missing_ids"]:
        raise TranslationError(
            "missing_id", "identify needs a userId or an anonymousId; this message has neither"
        )
    parts = message.unused_context_traits()
    arrays: Json = {}
    profile: Any = message.raw.get("traits")
    if profile is not None and type(profile) is not dict:
        # Sent as they are; copied, so that no operation shares anything with the message.
        profile = copy.deepcopy(profile)
    else:
        profile, reasons = _profile_traits(message, compiled, profile or {})
        parts += reasons
        if compiled.doc["array_traits"]:
            arrays = {key: value for key, value in profile.items() if type(value) is list and value}
            profile = {key: value for key, value in profile.items() if key not in arrays}
    updates: list[Json] = [{"$set": profile}]
    if arrays:
        updates.append({"$union": arrays})
    token = _device_token(message, compiled)
    if isinstance(token, Skip):
        parts.append(token)
    elif token:
        updates.append({"$union": {"$ios_devices": [detached(token)]}})
    return parts + [
        Operation("/engage", compiled.host, {**_identify_envelope(message, compiled), **update})
        for update in updates
    ]


def _profile_traits(
    message: Message, compiled: CompiledSettings, traits: Json
) -> tuple[Json, list[Skip]]:
    """The traits as they are set on the profile, and the reason why a date is left out."""
    profile = format_traits(
        traits,
        message.user_id,
        compiled.traits,
        created_at_seconds=compiled.doc["created_at_seconds"],
    )
    reasons = [] if "$created" in profile else _unreadable_created(compiled, traits)
    if compiled.doc["people_properties"] and not compiled.settings.setAllTraitsByDefault:
        profile = {
            key: value for key, value in profile.items() if key in compiled.people_properties
        }
    for key, value in device_properties(message.context, compiled.devices).items():
        if value is not None or not compiled.doc["empty_sources"]:
            profile[key] = value
    return profile, reasons


def _unreadable_created(compiled: CompiledSettings, traits: Json) -> list[Skip]:
    return [
        skip("date_unreadable", f"trait {key!r:.80} is not a readable date: {value!r:.80}")
        for key, value in traits.items()
        if value and normalised(key) in compiled.traits.created
    ]


def _device_token(message: Message, compiled: CompiledSettings) -> Any:
    """The device's token, None, or the reason why the token is left out."""
    device = message.context.get("device")
    token = device.get("token") if type(device) is dict else None
    kind = device.get("type") if type(device) is dict else None
    if token and compiled.doc["device_token"] and kind and str(kind).lower() != "ios":
        reason = f"device tokens can be imported for iOS only; context.device.type is {kind!r:.40}"
        return skip("device_token_not_ios", reason)
    return token


def _identify_envelope(message: Message, compiled: CompiledSettings) -> Json:
    envelope: Json = {"$token": compiled.token}
    if message.distinct_id is not None:
        envelope["$distinct_id"] = message.distinct_id
    if message.time_ms is not None or not compiled.doc["timestamps"]:
        envelope["$time"] = message.time_ms
    flags = _mixpanel_flags(message)
    ignore_ip = _flag(message.context, "ignoreip") or _flag(flags, "ignoreip")
    # 0 tells Mixpanel not to look up a place; without it the sender's own address would count.
    envelope["$ip"] = 0 if ignore_ip else detached(message.context.get("ip")) or 0
    envelope["$ignore_time"] = bool(_flag(flags, "ignoretime")) or not is_active(message)
    envelope["mp_lib"] = library(message, compiled)
    return envelope


def is_active(message: Message) -> bool:
    """Whether `context.active` lets the call count as activity; absent or null does."""
    active = message.context.get("active")
    return active is None or bool(active)


def _mixpanel_flags(message: Message) -> Json:
    for key, value in message.context.items():
        if type(value) is dict and key.lower() == "mixpanel":
            return value
    return {}


def _flag(source: Any, name: str) -> Any:
    return next((value for key, value in source.items() if normalised(key) == name), None)


def increment_operations(
    message: Message,
    compiled: CompiledSettings,
    event: str | None,
    properties: Json,
    *,
    first: bool,
) -> list[OperationOrSkip]:
    """Counters for an event of the list and, with a call's first event, sums of properties."""
    counts = event is not None and event.lower() in compiled.event_increments
    listed = (
        compiled.settings.propIncrements if first and compiled.doc["property_increments"] else ()
    )
    numbers, parts = _numbers(listed, properties)
    if not counts and not numbers:
        return parts
    if not compiled.settings.people:
        reason = "increments update profiles, and 'people' (Use Mixpanel People) is off"
        return [*parts, skip("people_off", reason)]
    if not message.user_id:
        reason = "increments need a known user; this message has no userId"
        return [*parts, skip("unknown_user", reason)]
    updates: list[Json] = []
    if counts:
        updates.append({"$add": {event: 1}})
        last = {} if message.time_ms is None else {f"Last {event}": iso_seconds(message.time_ms)}
        updates.append({"$set": last})
    if numbers:
        updates.append({"$add": numbers})
    envelope: Json = {
        "$distinct_id": message.user_id,
        "$token": compiled.token,
        "mp_lib": "Segment.io",
    }
    if compiled.doc["increment_last_seen"] and not is_active(message):
        envelope["$ignore_time"] = True
    return parts + [
        Operation("/engage", compiled.host, {**envelope, **update}) for update in updates
    ]


def _numbers(
    listed: tuple[str, ...], properties: Json
) -> tuple[dict[str, float], list[OperationOrSkip]]:
    """The listed properties that are numbers, and the reasons why others are left out."""
    numbers: dict[str, float] = {}
    reasons: list[OperationOrSkip] = []
    for name in listed:
        value = properties.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers[name] = value
        elif value is not None:
            reason = (
                f"property {name!r:.80} is to be incremented but is not a number: {value!r:.40}"
            )
            reasons.append(skip("not_a_number", reason))
    return numbers, reasons


def charge_operations(
    message: Message, compiled: CompiledSettings, event: str | None, properties: Json
) -> list[OperationOrSkip]:
    """A transaction for a call with `revenue`."""
    revenue = _property(properties, "revenue")
    amount = charge_amount(revenue, compiled)
    missing = revenue in (None, False, "") or revenue == 0
    if missing and event and not compiled.doc["charge_total"] and _COMPLETED_ORDER.search(event):
        amount = charge_amount(_property(properties, "total"), compiled)
    if not amount:
        if revenue and amount is None:
            reason = f"revenue {revenue!r:.40}: {NOT_AN_AMOUNT}"
            return [skip("not_a_number", reason)]
        return []
    if compiled.doc["charge_needs_people"] and not compiled.settings.people:
        reason = "revenue is a charge only with 'people' (Use Mixpanel People) on"
        return [skip("people_off", reason)]
    transaction: Json = {"$amount": amount}
    if message.time_ms is not None:
        transaction["$time"] = iso_seconds(message.time_ms)
    payload: Json = {"$token": compiled.token, "$append": {"$transactions": transaction}}
    if message.distinct_id is not None:
        payload["$distinct_id"] = message.distinct_id
    elif compiled.doc["missing_ids"]:
        return [skip("unknown_user", "a charge needs a userId or an anonymousId")]
    if message.context.get("ip") is not None:
        payload["$ip"] = detached(message.context["ip"])
    if not is_active(message):
        payload["$ignore_time"] = True
    return [Operation("/engage", compiled.host, payload)]


def _property(properties: Json, name: str) -> Any:
    """The first property whose normalised name this is."""
    return next((value for key, value in properties.items() if normalised(key) == name), None)


def charge_amount(value: object, compiled: CompiledSettings) -> int | float | None:
    """The amount in a revenue: a number as it is, text by the rule `charge_grouped_digits`."""
    if type(value) is int or type(value) is float:
        return value
    if type(value) is not str:
        return None
    return read_amount(value) if compiled.doc["charge_grouped_digits"] else _leading_number(value)


def _leading_number(text: str) -> int | float | None:
    """Text read as far as it is a number, as the classic integration did."""
    if date_ms(text) is not None:
        return None
    number = _LEADING_NUMBER.match(text.replace("$", ""))
    if number is None:
        return None
    amount = float(number.group(1))
    if not isfinite(amount):
        return None
    return int(amount) if amount.is_integer() and abs(amount) < 2**53 else amount
