"""Web: a group call (docs/facts/device-mode.md#web-group; doc#group, doc#group-using-device-mode).

Group profiles first, for each configured key; then the user is put into the groups. The SDK makes a
super property and a profile property of that.
"""

from typing import Any

from translator.core.operations import Json
from translator.device.calls import MethodCall, call
from translator.device.message import DeviceMessage
from translator.device.web import js


def group_calls(message: DeviceMessage) -> list[MethodCall]:
    """The calls of a group message; none, with the reason, if something is missing."""
    keys = message.compiled.settings.groupIdentifierTraits
    if not keys:
        message.skip("group_not_configured", "'groupIdentifierTraits' is empty")
        return []
    if not js.truthy(message.raw.get("userId")) and not js.truthy(message.state.user_id):
        message.skip("unknown_user", "a group call needs a known user: identify comes first")
        return []
    given = "traits" if js.truthy(message.raw.get("traits")) else "properties"
    traits = message.object_field(given)
    groups = _groups(message, traits)
    calls = []
    for key, group_id in groups if traits else ():
        for method, properties in _updates(message, traits):
            calls += [call("get_group", key, group_id), call(f"get_group().{method}", properties)]
    return calls + [call("set_group", key, [group_id]) for key, group_id in groups]


def _groups(message: DeviceMessage, traits: Json) -> list[tuple[str, Any]]:
    """Key and id of each group that the call is about."""
    keys = message.compiled.settings.groupIdentifierTraits
    if not message.compiled.doc["group_identity"]:
        group_id = message.raw.get("groupId")
        if js.truthy(group_id):
            return [(key, group_id) for key in keys]
        message.skip("missing_id", "the group call has no groupId")
        return []
    found = [(key, traits[key]) for key in keys if js.truthy(traits.get(key))]
    if not found:
        reason = f"the call has none of the Group Identifier Traits {', '.join(keys)[:200]}"
        message.skip("group_trait_missing", reason)
    return found


def _updates(message: DeviceMessage, traits: Json) -> list[tuple[str, Json]]:
    """Method and properties for a group's profile."""
    if not message.compiled.doc["group_set_once"]:
        return [("set_once", traits)]
    listed = message.compiled.settings.groupSetOnce
    once = {key: value for key, value in traits.items() if key in listed}
    always = {key: value for key, value in traits.items() if key not in listed}
    return [(method, part) for method, part in (("set", always), ("set_once", once)) if part]
