"""The common parts of the iOS and Android integrations.

Unlike the web integration they read a message as it is: they do not convert dates, derive names or
turn lists of objects around. Sources: docs/facts/device-mode.md#ios,
docs/facts/device-mode.md#android.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from translator.cloud.charges import NOT_AN_AMOUNT
from translator.core.errors import not_selected, skip
from translator.core.operations import Json, Skip
from translator.core.values.amounts import read_amount
from translator.device.calls import MethodCall, call
from translator.device.compiled_settings import DOC_TRAITS
from translator.device.message import CallOrSkip, DeviceMessage
from translator.device.web.dates import Date

MESSAGES = ("track", "page", "screen", "identify", "group", "alias")
COMMANDS = ("reset", "flush")
"""Calls of the library that are not Segment messages. No integrations object filters them."""

KINDS = MESSAGES + COMMANDS

_COMMON = {
    "email": "$email",
    "firstName": "$first_name",
    "lastName": "$last_name",
    "name": "$name",
    "username": "$username",
    "phone": "$phone",
    "createdAt": "$created",
}
RENAMED: Mapping[str, Mapping[str, str]] = {
    "ios": {**_COMMON, "lastSeen": "$last_seen"},
    "android": _COMMON,
}
"""Mode -> trait, in exactly this spelling, -> Mixpanel's property."""

DOC_ONLY = {"created": "$created"}
"""Special traits of the doc's table that neither integration renames."""


class MobileIdentity:
    """The distinct id of a mobile SDK. Nothing else of the SDK is modelled.

    `anonymous` is the random id that a new SDK has.
    """

    def __init__(self, anonymous: str) -> None:
        self._distinct_id: Any = anonymous

    def get_property(self, name: str) -> Any:
        """The distinct id; None for any other name."""
        return self._distinct_id if name == "distinct_id" else None

    def follow(self, calls: Iterable[MethodCall], anonymous: str) -> None:
        """Apply calls to the distinct id. `anonymous` is the random id that a reset gives."""
        for made in calls:
            if made.method == "identify":
                self._distinct_id = made.args[0]
            elif made.method == "reset":
                self._distinct_id = anonymous


def renamed(message: DeviceMessage, traits: Json) -> Json:
    """Traits under Mixpanel's names.

    If a message has both spellings of a trait, such as `email` and `$email`, the renamed one wins.
    In Android's code the last one wins (rule `trait_spellings`).
    """
    compiled = message.compiled
    names = RENAMED[compiled.mode]
    if compiled.doc["mobile_special_traits"]:
        names = {**names, **DOC_ONLY}
    if compiled.mode == "android" and not compiled.doc["trait_spellings"]:
        return {names.get(key, key): value for key, value in traits.items()}
    plain = {key: value for key, value in traits.items() if key not in names}
    return plain | {names[key]: value for key, value in traits.items() if key in names}


def super_properties(message: DeviceMessage, traits: Json) -> Json:
    """Traits as they are registered: special ones under Mixpanel's names, or as they are."""
    compiled = message.compiled
    if compiled.settings.legacySuperProperties or not compiled.doc["legacy_super_properties"]:
        return renamed(message, traits)
    return traits


def listed_for_people(message: DeviceMessage) -> tuple[str, ...]:
    """The traits that reach the profile in list mode."""
    names = message.compiled.settings.peopleProperties
    if message.compiled.doc["special_traits_listed"]:
        names += tuple(sorted(DOC_TRAITS.difference(names)))
    return names


def unselected(traits: Json, *sent: Json) -> list[Skip]:
    """The reason why traits reach neither the profile nor the super properties in list mode."""
    names = [
        name
        for name, value in traits.items()
        if value is not None and not any(name in each for each in sent)
    ]
    return [not_selected(names)] if names else []


def pick(names: Iterable[str | None], traits: Json) -> Json:
    """The traits that have one of these names, in the order of the names."""
    return {name: traits[name] for name in names if name is not None and name in traits}


def people_calls(message: DeviceMessage, traits: Json, *, even_empty: bool) -> list[MethodCall]:
    """The calls that set traits on the profile. By the doc, lists are united with stored ones.

    Without `even_empty` no traits mean no call.
    """
    values = renamed(message, traits)
    lists: Json = {}
    if message.compiled.doc["array_traits"]:
        lists = {key: value for key, value in values.items() if isinstance(value, list) and value}
    values = {key: value for key, value in values.items() if key not in lists}
    calls = [call("people.set", values)] if values or even_empty else []
    return calls + ([call("people.union", lists)] if lists else [])


def with_source_name(message: DeviceMessage, properties: Json) -> Json:
    """Properties with the Source Name, where the doc is followed."""
    name = message.compiled.settings.sourceName
    if name and message.compiled.doc["source_name"]:
        return {**properties, "segment_source_name": name}
    return properties


def property_increments(message: DeviceMessage, properties: Json) -> list[CallOrSkip]:
    """Additions to the profile, for configured names in any case.

    By the doc each property is added once. The integration adds it once per configured name, in
    the order of the setting (rule `increments_per_name`).
    """
    names = message.compiled.prop_increments
    if message.compiled.doc["increments_per_name"]:
        found = [(key, value) for key, value in properties.items() if key.lower() in names]
    else:
        found = [
            (key, value)
            for name in names
            for key, value in properties.items()
            if key.lower() == name
        ]
    return [_property_increment(message, key, value) for key, value in found]


def _property_increment(message: DeviceMessage, key: str, value: Any) -> CallOrSkip:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number or not message.compiled.doc["increment_values"]:
        return call("people.increment", key, value)
    reason = f"property {key!r:.80} is to be incremented but is not a number: {value!r:.40}"
    return skip("not_a_number", reason)


def event_increments(message: DeviceMessage, event: Any, now: Date) -> list[MethodCall]:
    """A counter of the event and the time of the last one, if the event is configured."""
    if not isinstance(event, str) or not message.compiled.counts(event):
        return []
    return [call("people.increment", event, 1), call("people.set", f"Last {event}", now)]


def documented_charge(revenue: Any) -> float | Skip | None:
    """The amount in `revenue` as cloud mode reads it.

    None if there is no revenue, and a reason if it is a text without an amount.
    """
    if isinstance(revenue, int | float) and not isinstance(revenue, bool):
        return revenue
    if not isinstance(revenue, str) or not revenue:
        return None
    amount = read_amount(revenue)
    if amount is None:
        return skip("not_a_number", f"revenue {revenue!r:.40}: {NOT_AN_AMOUNT}")
    return amount


def only_with_people(message: DeviceMessage, parts: list[CallOrSkip]) -> list[CallOrSkip]:
    """The parts if Use Mixpanel People is on; otherwise reasons instead of the calls."""
    reasons: list[CallOrSkip] = [part for part in parts if isinstance(part, Skip)]
    if message.compiled.settings.people or len(reasons) == len(parts):
        return parts
    off = skip("people_off", "increments and charges update profiles, and 'people' is off")
    return [*reasons, off]


Groups = list[tuple[Any, Any]]
"""Keys and ids of groups."""


def documented_groups(message: DeviceMessage, traits: Json) -> Groups | Skip:
    """Group keys and ids by the doc: each configured trait, and its value."""
    keys = message.compiled.settings.groupIdentifierTraits
    if not keys:
        return skip("group_not_configured", "'groupIdentifierTraits' is empty")
    found = [(key, traits[key]) for key in keys if traits.get(key) not in (None, "")]
    if not found:
        reason = f"the call has none of the Group Identifier Traits {', '.join(keys)[:200]}"
        return skip("group_trait_missing", reason)
    return found


def group_calls(message: DeviceMessage, groups: Groups, traits: Json) -> list[MethodCall]:
    """Calls that set traits on groups, and then put the user into them."""
    calls = []
    for key, group_id in groups:
        for update in _group_updates(message, traits):
            calls += [call("getGroup", key, group_id), update]
    return calls + [call("setGroup", key, group_id) for key, group_id in groups]


def _group_updates(message: DeviceMessage, traits: Json) -> list[MethodCall]:
    """Calls on a group object. Android makes none for a group without traits."""
    if not traits and message.compiled.mode == "android":
        return []
    if not message.compiled.doc["group_set_once"]:
        return [call("getGroup().setOnce", traits)]
    listed = message.compiled.settings.groupSetOnce
    once = {key: value for key, value in traits.items() if key in listed}
    always = {key: value for key, value in traits.items() if key not in listed}
    updates = (("getGroup().set", always), ("getGroup().setOnce", once))
    return [call(method, part) for method, part in updates if part]


def no_page_handler(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    """No calls: neither integration has a handler for page calls."""
    reason = f"the {message.compiled.mode} integration has no handler for page calls"
    return [skip("no_handler", reason)]
