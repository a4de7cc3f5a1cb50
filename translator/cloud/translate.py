"""Cloud mode: the operations of each call, in order.

The order is that of docs/facts/cloud-classic.md#request-order: increments, the event, the charge.
The functions are pure; the time is an argument.
"""

from collections.abc import Sequence
from typing import Any

from translator.cloud.aliases import alias_operations
from translator.cloud.charges import charge_operations
from translator.cloud.events import event_operation
from translator.cloud.groups import group_operations
from translator.cloud.identify import identify_operations
from translator.cloud.increments import increment_operations
from translator.core.compiled_settings import CompiledSettings
from translator.core.errors import TranslationError, name_taken, skip
from translator.core.message import Message, is_bundled, message_id, turned_off
from translator.core.message_fields import unused_fields
from translator.core.operations import Json, Operation, OperationOrSkip, Result, Skip, result_of

DESTINATION_NAMES = ("Mixpanel", "Mixpanel (Legacy)")
"""The names of this destination in the integrations object (doc#destination-info)."""

_PAGE_KINDS = {"page": "Page", "screen": "Screen"}
"""Type of a call -> the word for it in the names of events."""


def translate_message(raw: Any, compiled: CompiledSettings, now_ms: int | None) -> Result:
    """The result for one message. `now_ms`: milliseconds since 1970, or None if unknown.

    Never raises for a bad message and never changes it.
    """
    if type(raw) is not dict:
        error = TranslationError(
            "not_an_object", f"a message must be a JSON object, not {raw!r:.80}"
        )
        return Result(None, error=error.failure)
    try:
        message = Message(raw, compiled, now_ms)
        kind = message.kind
        not_sent = None
        if message.shape.may_be_held_back:
            not_sent = _reason_not_to_send(raw, compiled)
        parts = [not_sent] if not_sent else _CALLS[kind](message, compiled)
    except TranslationError as error:
        return Result(message_id(raw), error=error.failure)
    people = () if not_sent else message.people()
    unused = () if kind in message.shape.complete_for else unused_fields(kind, raw)
    if len(parts) == 1 and type(parts[0]) is Operation:  # nearly every message
        found_id = message.id
        if type(found_id) is not str or not found_id.isascii():
            found_id = message_id(raw)
        return result_of((found_id, (parts[0],), message.refused_ids + unused, None, None, people))
    operations = tuple([part for part in parts if type(part) is Operation])
    skipped = message.refused_ids + tuple([part for part in parts if type(part) is Skip])
    if operations:  # otherwise the reasons for the whole call are enough
        skipped += unused
    return Result(message_id(raw), operations, skipped, people=people)


def _reason_not_to_send(raw: Json, compiled: CompiledSettings) -> Skip | None:
    """The reason why nothing of a message is sent; None if it is translated."""
    if compiled.doc["integrations_object"] and turned_off(raw, DESTINATION_NAMES):
        reason = "the integrations object turns Mixpanel off for this message"
        return skip("integration_disabled", reason)
    if is_bundled(raw, DESTINATION_NAMES):
        reason = "_metadata.bundled names Mixpanel: the app's own SDK has sent this message"
        return skip("bundled", reason)
    return None


def _event_calls(
    message: Message, compiled: CompiledSettings, events: Sequence[str | None], properties: Json
) -> list[OperationOrSkip]:
    """One event per name, one counter update per name, and one charge per call."""
    parts: list[OperationOrSkip] = []
    names = compiled.property_names[tuple(properties)]
    for number, event in enumerate(events):
        # Looked up for each event, because events must not share lists.
        context = compiled.call_context(message.context)
        counted = event is not None and event.lower() in compiled.event_increments
        summed = () if number else compiled.property_increments
        if (counted or summed) and event not in events[:number]:
            parts += increment_operations(
                message, context, compiled, event if counted else None, summed, properties
            )
        operation, reasons = event_operation(message, context, compiled, event, properties, names)
        if reasons:
            parts += reasons
        parts.append(operation)
    if events and names.charged:
        parts += charge_operations(message, context, compiled, events[0], properties, names)
    return parts


def _track(message: Message, compiled: CompiledSettings) -> list[OperationOrSkip]:
    event = message.raw.get("event")
    if type(event) is not str or not event:
        event = message.text_field("event") or None
        if event is None and compiled.doc["missing_event_name"]:
            raise TranslationError("missing_event_name", "event is missing; name the tracked event")
    return _event_calls(message, compiled, [event], message.object_field("properties"))


def _page_or_screen(message: Message, compiled: CompiledSettings) -> list[OperationOrSkip]:
    category, name = message.text_field("category"), message.text_field("name")
    events = compiled.page_events[category, name, _PAGE_KINDS[message.kind]]
    if not events:
        reason = (
            f"no page option selects this {message.kind} call (category {category!r:.40}, "
            f"name {name!r:.40}); see Track All, Categorized and Named Pages"
        )
        return [skip("page_not_selected", reason)]
    properties = dict(message.object_field("properties"))
    replaced: list[str] = []
    if category:
        if properties.get("category", category) not in (None, category):
            replaced.append("category")
        properties["category"] = category
    if name:
        if properties.get("name", name) not in (None, name):
            replaced.append("name")
        properties["name"] = name
    parts = _event_calls(message, compiled, events, properties)
    return [*parts, name_taken("properties", replaced)] if replaced else parts


_CALLS = {
    "track": _track,
    "page": _page_or_screen,
    "screen": _page_or_screen,
    "identify": identify_operations,
    "group": group_operations,
    "alias": alias_operations,
}
