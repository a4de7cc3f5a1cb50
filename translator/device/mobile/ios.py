"""iOS mode: what the app calls on Mixpanel's Objective-C SDK. Pure.

Source: docs/facts/device-mode.md#ios, read from the integration's code and not run. The calls are
the claim; what the SDK sends is not modelled.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from translator.core.errors import TranslationError
from translator.core.operations import Json, Skip
from translator.device.calls import Call, call
from translator.device.compiled_settings import DevicePlan
from translator.device.mobile import shared
from translator.device.pages import page_event
from translator.device.state import Message
from translator.device.web.dates import Date

KINDS = ("track", "page", "screen", "identify", "group", "alias", "reset", "flush")

EU_HOST = "api-eu.mixpanel.com"

_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(?:\.[0-9]*)?")


def start_up(plan: DevicePlan) -> tuple[list[Call], list[Skip]]:
    """The calls that come before those of any message."""
    calls = [call("sharedInstanceWithToken", plan.settings.token, {"trackAutomaticEvents": False})]
    if plan.settings.enableEuropeanUnionEndpoint:
        scheme = "https://" if plan.doc["ios_server_url"] else ""
        calls.append(call("setServerURL", f"{scheme}{EU_HOST}"))
    return calls, []


def message_calls(message: Message, now: Date) -> list[Call]:
    """The calls of a message. Raises `TranslationError` where the rules make it an error."""
    return _HANDLERS[message.kind](message, now)


def _track(message: Message, now: Date) -> list[Call]:
    if message.plan.doc["missing_event_name"] and message.raw.get("event") in (None, ""):
        raise TranslationError("missing_event_name", "event is missing; name the tracked event")
    event = shared.event_name(message)
    return [] if event is None else _event(message, event, message.object_field("properties"), now)


def _screen(message: Message, now: Date) -> list[Call]:
    event = page_event(message)
    if event is None:
        return []
    properties = message.object_field("properties")
    if message.plan.settings.consolidatedPageCalls and message.raw.get("name") is not None:
        properties["name"] = message.raw["name"]
    return _event(message, event, properties, now)


def _event(message: Message, event: str, properties: Json, now: Date) -> list[Call]:
    """The event first, then what it does to the profile."""
    properties = shared.with_source_name(message, properties)
    updates = shared.property_increments(message, properties)
    amount = _revenue(properties)
    if amount is not None:
        updates.append(call("people.trackCharge", amount))
    updates += shared.event_increments(message, event, now)
    return [call("track", event, properties), *shared.only_with_people(message, updates)]


def _revenue(properties: Json) -> float | None:
    value = next((item for key, item in properties.items() if key.lower() == "revenue"), None)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value) or not value.strip("+-.,"):
        return None
    amount = float(value.replace(",", ""))
    return int(amount) if amount.is_integer() else amount


def _identify(message: Message, now: Date) -> list[Call]:
    plan, user_id = message.plan, message.raw.get("userId")
    traits = message.object_field("traits")
    calls = [call("identify", user_id)] if user_id else []
    if plan.settings.setAllTraitsByDefault:
        supers, people = traits, traits
    else:
        supers = shared.pick(plan.settings.superProperties, traits)
        people = shared.pick(shared.listed_for_people(message), traits)
    calls.append(call("registerSuperProperties", shared.super_properties(message, supers)))
    if not plan.settings.people:
        message.skip("people_off", "the profile is not updated: 'people' is off")
        return calls
    return calls + shared.people_calls(message, people, even_empty=True)


def _group(message: Message, now: Date) -> list[Call]:
    traits = message.object_field("traits")
    if message.plan.doc["group_identity"]:
        groups: list[tuple[Any, Any]] = list(shared.documented_groups(message, traits))
    else:
        group_id, keys = message.raw.get("groupId"), message.plan.settings.groupIdentifierTraits
        if not group_id:
            message.skip("missing_id", "the group call has no groupId")
        if not keys:
            message.skip("group_not_configured", "'groupIdentifierTraits' is empty")
        groups = [(traits.get(key), group_id) for key in keys if group_id]
    calls = shared.group_calls(message, groups, traits)
    return calls + [call("setGroup", key, group_id) for key, group_id in groups]


def _alias(message: Message, now: Date) -> list[Call]:
    new = message.raw.get("userId")
    if not new:
        message.skip("missing_id", "alias needs a userId")
        return []
    return [call("createAlias", new, message.state.stored.get_property("distinct_id"))]


def _page(message: Message, now: Date) -> list[Call]:
    message.skip("no_handler", "the iOS integration has no handler for page calls")
    return []


_HANDLERS: Mapping[str, Callable[[Message, Date], list[Call]]] = {
    "track": _track,
    "page": _page,
    "screen": _screen,
    "identify": _identify,
    "group": _group,
    "alias": _alias,
    "reset": lambda message, now: [call("flush"), call("reset")],
    "flush": lambda message, now: [call("flush")],
}
