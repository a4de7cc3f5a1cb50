"""Track, page and screen calls as events.

Sources: doc#track, doc#distinct-id, doc#ip, doc#source-name,
docs/facts/cloud-classic.md#event-payload. An event has layers; a later layer wins:

    1  the properties of the call
    2  properties from the context (call_context.py), and the reserved properties
    3  traits of the call (super_properties.py), by the rules `super_properties` and
       `trait_collisions`
"""

from translator.cloud.insert_id import insert_id
from translator.cloud.super_properties import add_super_properties
from translator.core.call_context import CallContext
from translator.core.compiled_settings import CompiledSettings
from translator.core.message import Message, require_secret
from translator.core.operations import Json, Operation, OperationOrSkip
from translator.core.traits import name_tag
from translator.core.values import detached, format_object, without_nulls


def event_operations(
    message: Message,
    context: CallContext,
    compiled: CompiledSettings,
    event: str | None,
    properties: Json,
) -> list[OperationOrSkip]:
    """The event, for /track or, if it is old, for /import, after reasons for what it leaves out.

    Raises `TranslationError` if it must go to /import and there is no API secret.
    """
    if message.old and compiled.doc["import_secret"]:
        require_secret(compiled)
    names = compiled.property_names[tuple(properties)]
    out = format_object(properties)
    if names.renamed:
        # They come last, and a null replaces nothing.
        out.update(without_nulls({new: out.pop(name) for name, new in names.renamed.items()}))
    out = without_nulls(out)
    out.update(context.event)
    if "ip" in message.context:
        ip = detached(message.context["ip"])
        if ip is not None or not compiled.doc["empty_sources"]:
            out["ip"] = ip
    if not compiled.doc["empty_sources"]:
        out = {name: value for name, value in out.items() if value is not None}
    _reserved_layer(message, context, compiled, event, out)
    reasons = add_super_properties(message, context, compiled, out)
    out["token"] = compiled.token
    payload: Json = {"properties": out} if event is None else {"event": event, "properties": out}
    return [*reasons, Operation("/import" if message.old else "/track", compiled.host, payload)]


def _reserved_layer(
    message: Message,
    context: CallContext,
    compiled: CompiledSettings,
    event: str | None,
    out: Json,
) -> None:
    """The reserved properties: person, time, library, insert id."""
    if message.distinct_id is not None:
        out["distinct_id"] = message.distinct_id
    elif compiled.doc["missing_ids"]:
        # Mixpanel stores an event with an empty id, without a person: nothing is lost.
        out["distinct_id"] = ""
    if message.time_ms is not None:
        out["time"] = message.time_ms // 1000
    elif compiled.doc["timestamps"]:
        out.pop("time", None)
    else:
        out["time"] = None
    out["mp_lib"] = context.library
    tag = name_tag(context.traits, message.user_id, compiled.traits)
    tag = tag or message.user_id or message.anonymous_id
    if tag:
        out["mp_name_tag"] = detached(tag)
    else:
        out.pop("mp_name_tag", None)
    if compiled.settings.sourceName.strip() and compiled.doc["source_name"]:
        out["segment_source_name"] = compiled.settings.sourceName
    if message.id is not None and event is not None and compiled.doc["insert_id"]:
        out["$insert_id"] = insert_id(message.id, compiled.settings.projectId, event)
