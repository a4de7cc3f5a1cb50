"""Android mode: what the app calls on Mixpanel's Android SDK. Pure.

Source: docs/facts/device-mode.md#android, read from the integration's code and not run. The calls
are the claim; what the SDK sends is not modelled.
"""

from collections.abc import Callable, Mapping

from translator.core.errors import TranslationError, skip
from translator.core.operations import Json, Skip
from translator.device.calls import Call, call
from translator.device.compiled_settings import DevicePlan
from translator.device.mobile import shared
from translator.device.pages import page_event
from translator.device.state import Message
from translator.device.web.dates import Date

KINDS = ("track", "page", "screen", "identify", "group", "alias", "reset", "flush")

EU_ENDPOINTS = {
    "com.mixpanel.android.MPConfig.EventsEndpoint": "https://api-eu.mixpanel.com/track?ip=",
    "com.mixpanel.android.MPConfig.PeopleEndpoint": "https://api-eu.mixpanel.com/engage=",
    "com.mixpanel.android.MPConfig.GroupsEndpoint": "https://api-eu.mixpanel.com/groups",
}
"""Meta-data of the app's manifest, as the doc gives it, by which data goes to the EU."""

NAMELESS_GROUP = "[Segment] Group"


def start_up(plan: DevicePlan) -> tuple[list[Call], list[Skip]]:
    """The calls that come before those of any message."""
    skipped = []
    if plan.settings.enableEuropeanUnionEndpoint:
        reason = (
            "Android does not read 'enableEuropeanUnionEndpoint'; AndroidManifest.xml needs "
            + ", ".join(f"{name} = {value}" for name, value in EU_ENDPOINTS.items())
        )
        skipped.append(skip("endpoint_in_manifest", reason))
    return [call("getInstance", plan.settings.token)], skipped


def message_calls(message: Message, now: Date) -> list[Call]:
    """The calls of a message. Raises `TranslationError` where the rules make it an error."""
    return _HANDLERS[message.kind](message, now)


def _track(message: Message, now: Date) -> list[Call]:
    if message.plan.doc["missing_event_name"] and message.raw.get("event") in (None, ""):
        raise TranslationError("missing_event_name", "event is missing; name the tracked event")
    event = shared.event_name(message)
    if event is None:
        return []
    properties = message.object_field("properties")
    return _event(message, event, properties, shared.event_increments(message, event, now))


def _screen(message: Message, now: Date) -> list[Call]:
    event = page_event(message)
    if event is None:
        return []
    properties = message.object_field("properties")
    if message.plan.settings.consolidatedPageCalls and message.raw.get("name") is not None:
        properties["name"] = message.raw["name"]
    counted = message.plan.doc["screen_increments"]
    increments = shared.event_increments(message, event, now) if counted else []
    return _event(message, event, properties, increments)


def _event(message: Message, event: str, properties: Json, increments: list[Call]) -> list[Call]:
    """The event first, then what it does to the profile."""
    properties = shared.with_source_name(message, properties)
    updates = shared.property_increments(message, properties)
    amount = _revenue(properties)
    if amount:
        updates.append(call("people.trackCharge", amount, properties))
    updates += increments
    return [call("track", event, properties), *shared.only_with_people(message, updates)]


def _revenue(properties: Json) -> float:
    value = properties.get("revenue")
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return 0
        return int(value) if value.is_integer() else value
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _identify(message: Message, now: Date) -> list[Call]:
    plan, user_id = message.plan, message.raw.get("userId")
    traits = message.object_field("traits")
    calls = [call("identify", user_id)] if user_id else []
    if user_id and plan.settings.people:
        calls.append(call("people.identify", user_id))
    supers, people = traits, traits
    if not plan.settings.setAllTraitsByDefault:
        supers = shared.pick(plan.settings.superProperties, traits)
        people = shared.pick(shared.listed_for_people(message), traits)
    if supers:
        calls.append(call("registerSuperProperties", shared.super_properties(message, supers)))
    if not plan.settings.people:
        message.skip("people_off", "the profile is not updated: 'people' is off")
        return calls
    return calls + shared.people_calls(message, people, even_empty=False)


def _group(message: Message, now: Date) -> list[Call]:
    traits = message.object_field("traits")
    if message.plan.doc["group_identity"]:
        groups = shared.documented_groups(message, traits)
    else:
        groups = [(traits.get("name") or NAMELESS_GROUP, message.raw.get("groupId"))]
    calls = shared.group_calls(message, groups, traits) if traits else []
    return calls + [call("setGroup", key, group_id) for key, group_id in groups]


def _alias(message: Message, now: Date) -> list[Call]:
    new, previous = message.raw.get("userId"), message.raw.get("previousId")
    if not new:
        message.skip("missing_id", "alias needs a userId")
        return []
    if not previous or previous == message.raw.get("anonymousId"):
        previous = message.state.stored.get_property("distinct_id")
    return [call("alias", new, previous)]


def _page(message: Message, now: Date) -> list[Call]:
    message.skip("no_handler", "the Android integration has no handler for page calls")
    return []


_HANDLERS: Mapping[str, Callable[[Message, Date], list[Call]]] = {
    "track": _track,
    "page": _page,
    "screen": _screen,
    "identify": _identify,
    "group": _group,
    "alias": _alias,
    "reset": lambda message, now: [call("reset")],
    "flush": lambda message, now: [call("flush")],
}
