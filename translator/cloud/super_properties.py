"""Traits that travel with events.

Mixpanel has no API that sets super properties for a person, so in cloud mode traits reach an event
only with the event itself, in `context.traits` (doc#register-super-properties and
doc#group-using-cloud-mode). Under the rule `super_properties` a setting must ask for them.
"""

from typing import Any

from translator.core.compiled_settings import CompiledSettings
from translator.core.context_properties import device_properties
from translator.core.errors import skip
from translator.core.message import Message
from translator.core.operations import Json
from translator.core.reserved import RESERVED
from translator.core.traits import format_traits


def add_super_properties(message: Message, compiled: CompiledSettings, out: Json) -> None:
    """Add the traits of the call to the event's properties `out`."""
    traits: Any = message.context.get("traits")
    if traits is None:
        traits = {}
    elif type(traits) is not dict:
        return
    elif traits and compiled.doc["super_properties"]:
        traits = _asked_for(message, compiled, traits)
    formatted = format_traits(
        traits,
        message.user_id,
        compiled.traits,
        created_at_seconds=compiled.doc["created_at_seconds"],
    )
    if not compiled.doc["empty_sources"]:
        formatted.update(device_properties(message.context, compiled.devices))
    if compiled.settings.legacySuperProperties:
        formatted = {
            key if key.startswith("$") else f"${key}": value for key, value in formatted.items()
        }
    if compiled.doc["trait_collisions"]:
        for key, value in formatted.items():
            if value is not None and key not in RESERVED:
                out.setdefault(key, value)
    else:
        out.update(formatted)


def _asked_for(message: Message, compiled: CompiledSettings, traits: Json) -> Json:
    if compiled.settings.legacySuperProperties and compiled.settings.setAllTraitsByDefault:
        return traits
    asked = compiled.super_properties | compiled.utm_properties
    selected = {key: value for key, value in traits.items() if key in asked}
    left_out = [key for key in traits if key not in asked]
    if left_out:
        reason = (
            f"context.traits {', '.join(left_out)[:200]} stay off the event: super properties need "
            "device mode, or their names in 'superProperties'"
        )
        message.skipped.append(skip("super_properties_not_selected", reason))
    return selected
