"""Identify calls: traits to properties of the profile.

Sources: doc#identify, doc#people, doc#arrays, docs/facts/cloud-classic.md#traits.
"""

import copy
from typing import Any

from translator.core.compiled_settings import CompiledSettings
from translator.core.errors import TranslationError, not_selected, skip
from translator.core.message import Message
from translator.core.operations import Json, Operation, OperationOrSkip, Skip
from translator.core.properties.call_context import CallContext
from translator.core.properties.replacement import replace_values
from translator.core.properties.traits import format_traits, lost_traits
from translator.core.values.json_values import detached


def identify_operations(message: Message, compiled: CompiledSettings) -> list[OperationOrSkip]:
    """`$set`, then `$union` of array traits and of an iOS device token."""
    if not compiled.settings.people:
        reason = "identify only updates profiles, and 'people' (Use Mixpanel People) is off"
        return [skip("people_off", reason)]
    if message.distinct_id is None and compiled.doc["missing_ids"]:
        raise TranslationError(
            "missing_id", "identify needs a userId or an anonymousId; this message has neither"
        )
    context = compiled.call_context(message.context)
    parts = message.unused_context_traits()
    arrays: Json = {}
    profile: Any = message.raw.get("traits")
    if profile is not None and type(profile) is not dict:
        # Sent as they are; copied, so that no operation shares anything with the message.
        profile = copy.deepcopy(profile)
    else:
        profile, reasons = _profile_traits(message, context, compiled, profile or {})
        parts += reasons
        if compiled.doc["array_traits"] and list in map(type, profile.values()):
            arrays = {key: value for key, value in profile.items() if type(value) is list and value}
            for key in arrays:
                del profile[key]
    updates: list[Json] = [{"$set": profile}]
    if arrays:
        updates.append({"$union": arrays})
    token = _device_token(message, compiled)
    if isinstance(token, Skip):
        parts.append(token)
    elif token:
        updates.append({"$union": {"$ios_devices": [detached(token)]}})
    return parts + [
        Operation(
            "/engage",
            compiled.host,
            {**_identify_envelope(message, context, compiled), **update},
        )
        for update in updates
    ]


def _profile_traits(
    message: Message, context: CallContext, compiled: CompiledSettings, traits: Json
) -> tuple[Json, list[Skip]]:
    """The traits as they are set on the profile, and the reason why a date is left out."""
    profile = format_traits(
        traits,
        message.user_id,
        compiled.traits,
        created_at_seconds=compiled.doc["created_at_seconds"],
    )
    reasons = lost_traits("traits", traits, profile, compiled.traits)
    if compiled.doc["people_properties"] and not compiled.settings.setAllTraitsByDefault:
        selected = {
            key: value for key, value in profile.items() if key in compiled.people_properties
        }
        reasons += _not_selected(traits, profile, selected, compiled)
        profile = selected
    return profile, reasons + replace_values("traits", profile, context.device)


def _not_selected(
    traits: Json, profile: Json, selected: Json, compiled: CompiledSettings
) -> list[Skip]:
    """The reason why traits are not set on the profile: no setting selects them."""
    special = dict(compiled.traits.sources)
    left_out = [
        special.get(key, key)
        for key, value in profile.items()
        if key not in selected and value is not None and (key != "id" or key in traits)
    ]
    if not left_out:
        return []
    return [not_selected(left_out)]


def _device_token(message: Message, compiled: CompiledSettings) -> Any:
    """The device's token, None, or the reason why the token is left out."""
    device = message.context.get("device")
    token = device.get("token") if type(device) is dict else None
    kind = device.get("type") if type(device) is dict else None
    if token and compiled.doc["device_token"] and kind and str(kind).lower() != "ios":
        reason = f"device tokens can be imported for iOS only; context.device.type is {kind!r:.40}"
        return skip("device_token_not_ios", reason)
    return token


def _identify_envelope(message: Message, context: CallContext, compiled: CompiledSettings) -> Json:
    envelope: Json = {"$token": compiled.token}
    if message.distinct_id is not None:
        envelope["$distinct_id"] = message.distinct_id
    if message.time_ms is not None or not compiled.doc["timestamps"]:
        envelope["$time"] = message.time_ms
    # 0 turns the look-up of a place off; without it Mixpanel would use the sender's own address.
    envelope["$ip"] = 0 if context.ignore_ip else detached(message.context.get("ip")) or 0
    envelope["$ignore_time"] = context.ignore_time or not context.active
    envelope["mp_lib"] = context.library
    return envelope
