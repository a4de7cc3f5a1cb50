"""iOS mode: what the app calls on Mixpanel's Objective-C SDK. Pure.

Recorded from the real integration, built for release. What the SDK sends is not modelled. Sources:
docs/facts/device-ios-observed.md#start and its further headings, docs/facts/device-mode.md#ios.
"""

from collections.abc import Callable, Mapping
from typing import Any

from translator.core.errors import TranslationError, skip
from translator.core.operations import Json, Skip
from translator.device.calls import call
from translator.device.compiled_settings import CompiledDeviceSettings
from translator.device.message import CallOrSkip, DeviceMessage
from translator.device.mobile import objective_c, shared
from translator.device.pages import LOADED_A_SCREEN, screen_event, viewed
from translator.device.web.dates import Date

EU_HOST = "api-eu.mixpanel.com"

_START_OPTIONS = {"trackAutomaticEvents": False, "optOutTrackingByDefault": False}


def start_up(compiled: CompiledDeviceSettings) -> list[CallOrSkip]:
    """The calls that come before those of any message."""
    parts: list[CallOrSkip] = [
        call("sharedInstanceWithToken", compiled.settings.token, dict(_START_OPTIONS))
    ]
    if compiled.settings.enableEuropeanUnionEndpoint:
        scheme = "https://" if compiled.doc["ios_server_url"] else ""
        parts.append(call("setServerURL", f"{scheme}{EU_HOST}"))
    return parts


def turned_off(integrations: Json) -> bool:
    """Whether the library's filter keeps a message from the integration.

    `Mixpanel` decides if it is present, else `All`, else `all`.
    """
    if "Mixpanel" in integrations:
        value = integrations["Mixpanel"]
        return isinstance(value, int | float) and not objective_c.truth(value)
    for name in ("All", "all"):
        if name in integrations:
            return not objective_c.truth(integrations[name])
    return False


def message_parts(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    """Calls and reasons of a message. Raises `TranslationError` where the rules say so."""
    return _HANDLERS[message.kind](message, now)


def _track(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    event = message.raw.get("event")
    if message.compiled.doc["missing_event_name"] and event in (None, ""):
        raise TranslationError("missing_event_name", "event is missing; name the tracked event")
    return _event(message, event, message.object_field("properties"), now)


def _screen(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    event = screen_event(message, _observed_screen)
    if isinstance(event, Skip):
        return [event]
    properties = message.object_field("properties")
    if message.compiled.settings.consolidatedPageCalls and message.raw.get("name") is not None:
        properties["name"] = message.raw["name"]
    return _event(message, event, properties, now)


def _observed_screen(message: DeviceMessage) -> str | None:
    """The event of a screen call by the integration's code. An empty name counts as a name."""
    settings, name = message.compiled.settings, message.raw.get("name")
    properties = message.object_field("properties")
    if settings.consolidatedPageCalls:
        return LOADED_A_SCREEN
    if settings.trackAllPages:
        return viewed("(null)" if name is None else objective_c.description(name))
    if settings.trackNamedPages and name is not None:
        return viewed(objective_c.description(name))
    if settings.trackCategorizedPages and "category" in properties:
        return viewed(objective_c.description(properties["category"]))
    return None


def _event(message: DeviceMessage, event: Any, properties: Json, now: Date) -> list[CallOrSkip]:
    """The event first, then what it does to the profile."""
    properties = shared.with_source_name(message, properties)
    updates = shared.property_increments(message, properties)
    amount = _charge(message, properties)
    if isinstance(amount, Skip):
        updates.append(amount)
    elif amount is not None:
        updates.append(call("people.trackCharge", amount))
    updates += shared.event_increments(message, event, now)
    return [call("track", event, properties), *shared.only_with_people(message, updates)]


def _charge(message: DeviceMessage, properties: Json) -> float | Skip | None:
    """The amount of a charge, 0 included; None for no charge.

    The integration charges any number, booleans included, and text that a formatter reads.
    """
    value = next((item for key, item in properties.items() if key.lower() == "revenue"), None)
    if message.compiled.doc["mobile_charges"]:
        return shared.documented_charge(value)
    if isinstance(value, str):
        return objective_c.decimal(value)
    return value if isinstance(value, int | float) else None


def _identify(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    compiled, user_id = message.compiled, message.raw.get("userId")
    traits = message.object_field("traits")
    parts: list[CallOrSkip] = [call("identify", user_id)] if user_id else []
    if compiled.settings.setAllTraitsByDefault:
        supers, people = traits, traits
    else:
        supers = shared.pick(compiled.settings.superProperties, traits)
        people = shared.pick(shared.listed_for_people(message), traits)
    parts.append(call("registerSuperProperties", shared.super_properties(message, supers)))
    if not compiled.settings.people:
        return [*parts, skip("people_off", "the profile is not updated: 'people' is off")]
    calls = shared.people_calls(message, people, even_empty=True)
    return [*parts, *calls, *shared.unselected(traits, supers, people)]


def _group(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    traits = message.object_field("traits")
    if message.compiled.doc["group_identity"]:
        groups = shared.documented_groups(message, traits)
    else:
        groups = _observed_groups(message, traits)
    if isinstance(groups, Skip):
        return [groups]
    return [*shared.group_calls(message, groups, traits)]


def _observed_groups(message: DeviceMessage, traits: Json) -> shared.Groups | Skip:
    """The integration takes the value of a configured trait for the group key; None if missing."""
    group_id, keys = message.raw.get("groupId"), message.compiled.settings.groupIdentifierTraits
    if not group_id:
        return skip("missing_id", "the group call has no groupId")
    if not keys:
        return skip("group_not_configured", "'groupIdentifierTraits' is empty")
    return [(traits.get(key), group_id) for key in keys]


def _alias(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    new = message.raw.get("userId")
    if not new and message.compiled.doc["alias_without_id"]:
        return [skip("missing_id", "alias needs a userId")]
    return [call("createAlias", new, message.state.stored.get_property("distinct_id"))]


_HANDLERS: Mapping[str, Callable[[DeviceMessage, Date], list[CallOrSkip]]] = {
    "track": _track,
    "page": shared.no_page_handler,
    "screen": _screen,
    "identify": _identify,
    "group": _group,
    "alias": _alias,
    "reset": lambda message, now: [call("flush"), call("reset")],
    "flush": lambda message, now: [call("flush")],
}
