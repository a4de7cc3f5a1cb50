"""Web: a group call (docs/facts/device-mode.md#web-group; doc#group, doc#group-using-device-mode).

First group profiles are updated, for each configured key; then the user joins the groups, which the
SDK stores as a super property and a profile property.
"""

from typing import Any

from translator.core.errors import skip
from translator.core.operations import Json, Skip
from translator.device.calls import call
from translator.device.message import CallOrSkip, DeviceMessage
from translator.device.web import js


def group_parts(message: DeviceMessage) -> list[CallOrSkip]:
    """The calls of a group message, or the reason why it makes none."""
    keys = message.compiled.settings.groupIdentifierTraits
    if not keys:
        return [skip("group_not_configured", "'groupIdentifierTraits' is empty")]
    if not js.truthy(message.raw.get("userId")) and not js.truthy(message.state.user_id):
        return [skip("unknown_user", "a group call needs a known user: identify comes first")]
    given = "traits" if js.truthy(message.raw.get("traits")) else "properties"
    traits = message.object_field(given)
    groups = _groups(message, traits)
    if isinstance(groups, Skip):
        return [groups]
    parts: list[CallOrSkip] = []
    for key, group_id in groups if traits else ():
        for method, properties in _updates(message, traits):
            parts += [call("get_group", key, group_id), call(f"get_group().{method}", properties)]
    return parts + [call("set_group", key, [group_id]) for key, group_id in groups]


def _groups(message: DeviceMessage, traits: Json) -> list[tuple[str, Any]] | Skip:
    """Key and id of each group of the call."""
    keys = message.compiled.settings.groupIdentifierTraits
    if not message.compiled.doc["group_identity"]:
        group_id = message.raw.get("groupId")
        if js.truthy(group_id):
            return [(key, group_id) for key in keys]
        return skip("missing_id", "the group call has no groupId")
    found = [(key, traits[key]) for key in keys if js.truthy(traits.get(key))]
    if not found:
        reason = f"the call has none of the Group Identifier Traits {', '.join(keys)[:200]}"
        return skip("group_trait_missing", reason)
    return found


def _updates(message: DeviceMessage, traits: Json) -> list[tuple[str, Json]]:
    """Method and properties for a group's profile."""
    if not message.compiled.doc["group_set_once"]:
        return [("set_once", traits)]
    listed = message.compiled.settings.groupSetOnce
    once = {key: value for key, value in traits.items() if key in listed}
    always = {key: value for key, value in traits.items() if key not in listed}
    return [(method, part) for method, part in (("set", always), ("set_once", once)) if part]
