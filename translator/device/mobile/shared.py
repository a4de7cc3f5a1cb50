"""What the iOS and Android integrations have in common (docs/facts/device-mode.md#ios,
docs/facts/device-mode.md#android).

Unlike the web integration they see a message as it is: no dates are read, no names derived, no
lists turned. The table `MobileTraits` says what each renames.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from translator.core.operations import Json
from translator.device.calls import Call, call
from translator.device.compiled_settings import DOC_TRAITS
from translator.device.state import Message
from translator.device.web.dates import Date

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
"""Mode -> trait, spelled exactly so, -> Mixpanel's property."""

DOC_ONLY = {"created": "$created"}
"""What the doc's table has beyond them."""


class MobileIdentity:
    """The ids of a mobile SDK, which is not modelled further. `anonymous` gives a new random id."""

    def __init__(self, anonymous: str) -> None:
        self._distinct_id: Any = anonymous

    def get_property(self, name: str) -> Any:
        """The distinct id; nothing else is known."""
        return self._distinct_id if name == "distinct_id" else None

    def follow(self, calls: Iterable[Call], anonymous: str) -> None:
        """What calls do to the distinct id; `anonymous` is the next random one."""
        for made in calls:
            if made.method == "identify":
                self._distinct_id = made.args[0]
            elif made.method == "reset":
                self._distinct_id = anonymous


def renamed(message: Message, traits: Json) -> Json:
    """Traits under Mixpanel's names."""
    names = RENAMED[message.plan.mode]
    if message.plan.doc["mobile_special_traits"]:
        names = {**names, **DOC_ONLY}
    # A plain name gives way to the renamed one, whichever came first.
    plain = {key: value for key, value in traits.items() if key not in names}
    return plain | {names[key]: value for key, value in traits.items() if key in names}


def super_properties(message: Message, traits: Json) -> Json:
    """Traits as they are registered: with a `$` where they are special, or without."""
    plan = message.plan
    if plan.settings.legacySuperProperties or not plan.doc["legacy_super_properties"]:
        return renamed(message, traits)
    return traits


def listed_for_people(message: Message) -> tuple[str, ...]:
    """The traits that reach the profile in list mode."""
    names = message.plan.settings.peopleProperties
    if message.plan.doc["special_traits_listed"]:
        names += tuple(sorted(DOC_TRAITS.difference(names)))
    return names


def pick(names: Iterable[str], traits: Json) -> Json:
    """The traits of these names that there are."""
    return {name: traits[name] for name in names if name in traits}


def people_calls(message: Message, traits: Json, *, even_empty: bool) -> list[Call]:
    """The calls that set traits on the profile; lists are united with those there, by the doc."""
    values = renamed(message, traits)
    lists: Json = {}
    if message.plan.doc["array_traits"]:
        lists = {key: value for key, value in values.items() if isinstance(value, list) and value}
    values = {key: value for key, value in values.items() if key not in lists}
    calls = [call("people.set", values)] if values or even_empty else []
    return calls + ([call("people.union", lists)] if lists else [])


def with_source_name(message: Message, properties: Json) -> Json:
    """Properties with the Source Name, where the doc is followed."""
    name = message.plan.settings.sourceName
    if name and message.plan.doc["source_name"]:
        return {**properties, "segment_source_name": name}
    return properties


def property_increments(message: Message, properties: Json) -> list[Call]:
    """Additions to the profile, for the configured names in any case."""
    calls = []
    for key, value in properties.items():
        if key.lower() not in message.plan.prop_increments:
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number or not message.plan.doc["increment_values"]:
            calls.append(call("people.increment", key, value))
        else:
            reason = f"property {key!r:.80} is to be incremented but is no number: {value!r:.40}"
            message.skip("not_a_number", reason)
    return calls


def event_increments(message: Message, event: str, now: Date) -> list[Call]:
    """A counter of the event, and when it was."""
    if not message.plan.counts(event):
        return []
    return [call("people.increment", event, 1), call("people.set", f"Last {event}", now)]


def only_with_people(message: Message, calls: list[Call]) -> list[Call]:
    """The calls if Use Mixpanel People is on; otherwise none, and that is noted."""
    if calls and not message.plan.settings.people:
        message.skip("people_off", "increments and charges update profiles, and 'people' is off")
        return []
    return calls


def documented_groups(message: Message, traits: Json) -> list[tuple[str, Any]]:
    """Group keys and ids by the doc: each configured trait, and its value."""
    keys = message.plan.settings.groupIdentifierTraits
    if not keys:
        message.skip("group_not_configured", "'groupIdentifierTraits' is empty")
        return []
    found = [(key, traits[key]) for key in keys if traits.get(key) not in (None, "")]
    if not found:
        reason = f"the call has none of the Group Identifier Traits {', '.join(keys)[:200]}"
        message.skip("group_trait_missing", reason)
    return found


def group_calls(message: Message, groups: Iterable[tuple[Any, Any]], traits: Json) -> list[Call]:
    """Calls that set traits on groups, given as keys and ids."""
    calls = []
    for key, group_id in groups:
        for update in _group_updates(message, traits):
            calls += [call("getGroup", key, group_id), update]
    return calls


def _group_updates(message: Message, traits: Json) -> list[Call]:
    """Calls on a group that has been got."""
    if not message.plan.doc["group_set_once"]:
        return [call("getGroup().setOnce", traits)]
    listed = message.plan.settings.groupSetOnce
    once = {key: value for key, value in traits.items() if key in listed}
    always = {key: value for key, value in traits.items() if key not in listed}
    parts = (("getGroup().set", always), ("getGroup().setOnce", once))
    return [call(method, part) for method, part in parts if part]


def event_name(message: Message) -> str | None:
    """The name of a track call's event; None, and noted, if it has none."""
    event = message.raw.get("event")
    if isinstance(event, str) and event:
        return event
    message.skip("no_handler", f"the library takes no event without a name: {event!r:.40}")
    return None
