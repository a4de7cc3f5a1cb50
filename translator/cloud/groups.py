"""Group calls: one update of a group profile for each Group Identifier Trait in the call.

Source: doc#group. The name of the trait is the group key, its value the group id. Group Traits to
Set Once are sent with `$set_once`. A call without a Group Identifier Trait is skipped.
"""

from typing import Any

from translator.core.compiled_settings import CompiledSettings
from translator.core.errors import TranslationError, skip
from translator.core.message import Message
from translator.core.operations import Json, Operation, OperationOrSkip, Skip
from translator.core.values.json_values import format_object


def group_operations(message: Message, compiled: CompiledSettings) -> list[OperationOrSkip]:
    """For each group one `$set`, and one `$set_once` if the call has traits listed for it."""
    if not compiled.doc["group_calls"]:
        raise TranslationError("unsupported_call", "the classic integration has no group call")
    keys = compiled.settings.groupIdentifierTraits
    traits = message.object_field("traits")
    if not keys:
        reason = "'groupIdentifierTraits' is empty, so no trait names a group"
        return [skip("group_not_configured", reason)]
    present = [key for key in keys if traits.get(key) is not None]
    if not present:
        reason = f"the call has none of the Group Identifier Traits {', '.join(keys)[:200]}"
        return [skip("group_trait_missing", reason)]
    parts = message.unused_context_traits()
    for key in dict.fromkeys(present):
        group_ids, reasons = _group_ids(key, traits[key])
        parts += reasons
        for group_id in group_ids:
            envelope: Json = {"$token": compiled.token, "$group_key": key, "$group_id": group_id}
            parts += [
                Operation("/groups", compiled.host, {**envelope, **update})
                for update in _updates(traits, compiled)
            ]
    return parts


def _updates(traits: Json, compiled: CompiledSettings) -> list[Json]:
    """The updates of a group, newly made, so that no two operations share a value."""
    profile = format_object(traits)
    once = {key: value for key, value in profile.items() if key in compiled.group_set_once}
    always = {key: value for key, value in profile.items() if key not in once}
    updates = [{"$set": always}, {"$set_once": once}]
    return [update for update in updates if any(update.values())]


def _group_ids(key: str, value: Any) -> tuple[list[str | float], list[Skip]]:
    """The ids in a trait, and the reason if it has others. A list names several groups."""
    values = value if type(value) is list else [value]
    good = [item for item in values if type(item) in (str, int, float) and item != ""]
    if len(good) == len(values) and values:
        return good, []
    reason = f"trait {key!r:.80} must be text or a number to name a group, not {value!r:.80}"
    return good, [skip("group_trait_invalid", reason)]
