"""Super properties: traits in `context.traits` that are copied onto events.

Mixpanel has no HTTP API that sets super properties of a person. So in cloud mode a trait reaches an
event only in the call itself (doc#register-super-properties, doc#group-using-cloud-mode). The rule
`super_properties` demands a setting that selects the traits.
"""

from translator.core.compiled_settings import CompiledSettings
from translator.core.errors import name_taken, skip
from translator.core.message import Message
from translator.core.operations import Json, Skip
from translator.core.properties.call_context import CallContext
from translator.core.properties.replacement import replace_values
from translator.core.properties.reserved import RESERVED
from translator.core.properties.traits import format_traits, lost_traits, traits_of_id


def add_super_properties(
    message: Message, context: CallContext, compiled: CompiledSettings, out: Json
) -> list[Skip]:
    """Add the traits of the call to the event's properties `out`.

    Returns the reason why traits are left out. The traits of `context` must be valid.
    """
    reasons: list[Skip] = []
    if context.traits:
        traits = context.traits
        if compiled.doc["super_properties"]:
            traits, reasons = _asked_for(compiled, traits)
        formatted = format_traits(
            traits,
            message.user_id,
            compiled.traits,
            created_at_seconds=compiled.doc["created_at_seconds"],
        )
        reasons += lost_traits("context.traits", traits, formatted, compiled.traits)
    else:
        formatted = traits_of_id(message.user_id, compiled.traits)
    if not compiled.doc["empty_sources"]:
        reasons += replace_values("context.traits", formatted, context.device)
    if compiled.settings.legacySuperProperties:
        formatted = {
            key if key.startswith("$") else f"${key}": value for key, value in formatted.items()
        }
    if not compiled.doc["trait_collisions"]:
        return reasons + replace_values("properties", out, formatted)
    hidden: list[str] = []
    for key, value in formatted.items():
        if value is not None and (key in RESERVED or out.setdefault(key, value) != value):
            hidden.append(key)
    if hidden and context.traits:
        reasons = [*reasons, name_taken("context.traits", hidden)]
    return reasons


def _asked_for(compiled: CompiledSettings, traits: Json) -> tuple[Json, list[Skip]]:
    """The traits that a setting asks for, and the reason why others are left out."""
    if compiled.settings.legacySuperProperties and compiled.settings.setAllTraitsByDefault:
        return traits, []
    asked = compiled.traits_for_events
    selected = {key: value for key, value in traits.items() if key in asked}
    left_out = [key for key in traits if key not in asked]
    if not left_out:
        return selected, []
    reason = (
        f"context.traits {', '.join(left_out)[:200]} stay off the event: super properties need "
        "device mode, or their names in 'superProperties'"
    )
    return selected, [skip("super_properties_not_selected", reason)]
