"""Android mode: what the app calls on Mixpanel's Android SDK. Pure.

Recorded from the real library and integration. What the SDK sends is not modelled. Sources:
docs/facts/device-android-observed.md#corrections-and-additions, docs/facts/device-mode.md#android.
"""

from collections.abc import Callable, Mapping
from typing import Any

from translator.core.errors import TranslationError, skip
from translator.core.operations import Json, Skip
from translator.device.calls import MethodCall, call
from translator.device.compiled_settings import CompiledDeviceSettings
from translator.device.message import CallOrSkip, DeviceMessage
from translator.device.mobile import java, shared
from translator.device.pages import LOADED_A_SCREEN, screen_event, viewed
from translator.device.web.dates import Date

EU_ENDPOINTS = {
    "com.mixpanel.android.MPConfig.EventsEndpoint": "https://api-eu.mixpanel.com/track?ip=",
    "com.mixpanel.android.MPConfig.PeopleEndpoint": "https://api-eu.mixpanel.com/engage=",
    "com.mixpanel.android.MPConfig.GroupsEndpoint": "https://api-eu.mixpanel.com/groups",
}
"""Meta-data of the app's manifest, as the doc gives it, by which data goes to the EU."""

NAMELESS_GROUP = "[Segment] Group"


def start_up(compiled: CompiledDeviceSettings) -> list[CallOrSkip]:
    """The calls that come before those of any message."""
    parts: list[CallOrSkip] = [call("getInstance", compiled.settings.token)]
    if compiled.settings.enableEuropeanUnionEndpoint:
        reason = (
            "Android does not read 'enableEuropeanUnionEndpoint'; AndroidManifest.xml needs "
            + ", ".join(f"{name} = {value}" for name, value in EU_ENDPOINTS.items())
        )
        parts.append(skip("endpoint_in_manifest", reason))
    return parts


def turned_off(integrations: Json) -> bool:
    """Whether the library keeps a message from the integration.

    `Mixpanel` decides if it is present, else `All`. False and text other than `true` turn it off.
    """
    for name in ("Mixpanel", "All"):
        if name in integrations:
            return not java.boolean(integrations[name], True)
    return False


def message_parts(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    """Calls and reasons of a message. Raises `TranslationError` where the rules say so."""
    if not message.compiled.doc["refused_calls"] and (missing := _refusal(message)):
        reason = f"Segment's Android library refuses it: {missing}"
        return [skip("refused_by_library", reason)]
    return _HANDLERS[message.kind](message, now)


def _refusal(message: DeviceMessage) -> str:
    """Why the library throws at the app instead of making a message; empty if it does not."""
    given = {
        name
        for name in ("event", "userId", "groupId", "name", "category")
        if not java.is_blank(java.string(message.raw.get(name)))
    }
    if message.kind == "track" and "event" not in given:
        return "a track call without an event name"
    if message.kind == "screen" and not given & {"name", "category"}:
        return "a screen call with neither name nor category"
    if message.kind == "group" and "groupId" not in given:
        return "a group call without groupId"
    if message.kind == "alias" and "userId" not in given:
        return "an alias call without userId"
    if message.kind == "identify" and "userId" not in given and not message.raw.get("traits"):
        return "an identify call with neither userId nor traits"
    return ""


def _track(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    event = message.raw.get("event")
    if message.compiled.doc["missing_event_name"] and event in (None, ""):
        raise TranslationError("missing_event_name", "event is missing; name the tracked event")
    event = java.string(event)
    increments = shared.event_increments(message, event, now)
    return _event(message, event, message.object_field("properties"), increments)


def _screen(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    event = screen_event(message, _observed_screen)
    if isinstance(event, Skip):
        return [event]
    properties, name = message.object_field("properties"), message.raw.get("name")
    if message.compiled.settings.consolidatedPageCalls:
        if not message.compiled.doc["screen_name_property"]:
            properties["name"] = _unless_blank(name)
        elif name is not None:
            properties["name"] = name
    counted = message.compiled.doc["screen_increments"]
    increments = shared.event_increments(message, event, now) if counted else []
    return _event(message, event, properties, increments)


def _observed_screen(message: DeviceMessage) -> str | None:
    """The event of a screen call by the integration's code. Blank text counts as absent."""
    settings = message.compiled.settings
    name, category = (_unless_blank(message.raw.get(field)) for field in ("name", "category"))
    if settings.consolidatedPageCalls:
        return LOADED_A_SCREEN
    if settings.trackAllPages:
        return viewed(name or category or "null")
    if settings.trackCategorizedPages and category:
        return viewed(category)
    return viewed(name) if settings.trackNamedPages and name else None


def _unless_blank(value: Any) -> str | None:
    """A field as text; None if the library counts it as absent."""
    text = java.string(value)
    return None if java.is_blank(text) else text


def _event(
    message: DeviceMessage, event: Any, properties: Json, increments: list[MethodCall]
) -> list[CallOrSkip]:
    """The event first, then what it does to the profile."""
    properties = shared.with_source_name(message, properties)
    updates = shared.property_increments(message, properties)
    amount = _charge(message, properties.get("revenue"))
    if isinstance(amount, Skip):
        updates.append(amount)
    elif amount:
        updates.append(call("people.trackCharge", amount, properties))
    updates += increments
    return [call("track", event, properties), *shared.only_with_people(message, updates)]


def _charge(message: DeviceMessage, revenue: Any) -> float | Skip | None:
    """The amount of a charge, which can be NaN or infinite; 0 or None for no charge."""
    if message.compiled.doc["mobile_charges"]:
        return shared.documented_charge(revenue)
    amount = java.double(revenue)
    return int(amount) if amount.is_integer() else amount


def _identify(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    compiled, user_id = message.compiled, message.raw.get("userId")
    traits = message.object_field("traits")
    parts: list[CallOrSkip] = []
    if not java.is_blank(java.string(user_id)):
        parts.append(call("identify", user_id))
        if compiled.settings.people:
            parts.append(call("people.identify", user_id))
    supers, people = traits, traits
    if not compiled.settings.setAllTraitsByDefault:
        supers = _picked(message, compiled.settings.superProperties, traits)
        people = _picked(message, shared.listed_for_people(message), traits)
    if supers:
        parts.append(call("registerSuperProperties", shared.super_properties(message, supers)))
    if not compiled.settings.people:
        return [*parts, skip("people_off", "the profile is not updated: 'people' is off")]
    calls = shared.people_calls(message, people, even_empty=False)
    return [*parts, *calls, *shared.unselected(traits, supers, people)]


def _picked(message: DeviceMessage, names: tuple[str, ...], traits: Json) -> Json:
    """The listed traits. The library keeps a list in a set, so the set's order is theirs."""
    if message.compiled.doc["trait_spellings"]:
        return shared.pick(names, traits)
    return shared.pick(java.set_order(names), traits)


def _group(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    traits = message.object_field("traits")
    groups: shared.Groups | Skip = [(_group_name(traits), message.raw.get("groupId"))]
    if message.compiled.doc["group_identity"]:
        groups = shared.documented_groups(message, traits)
    if isinstance(groups, Skip):
        return [groups]
    return [*shared.group_calls(message, groups, traits)]


def _group_name(traits: Json) -> str:
    """The library's "name" of traits: `name`, else first and last name, whichever exist."""
    if name := _unless_blank(traits.get("name")):
        return name
    parts = (_unless_blank(traits.get(field)) for field in ("firstName", "lastName"))
    return " ".join(part for part in parts if part) or NAMELESS_GROUP


def _alias(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    new, anonymous = message.raw.get("userId"), message.raw.get("anonymousId")
    if java.is_blank(java.string(new)):
        return [skip("missing_id", "alias needs a userId")]
    # A message that the library made always has a previousId: the known user, or the anonymous id.
    previous = message.raw.get("previousId") or message.state.user_id
    if java.is_blank(java.string(previous)) or previous == anonymous:
        previous = message.state.stored.get_property("distinct_id")
    return [call("alias", new, previous)]


_HANDLERS: Mapping[str, Callable[[DeviceMessage, Date], list[CallOrSkip]]] = {
    "track": _track,
    "page": shared.no_page_handler,
    "screen": _screen,
    "identify": _identify,
    "group": _group,
    "alias": _alias,
    "reset": lambda message, now: [call("reset")],
    "flush": lambda message, now: [call("flush")],
}
