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
from translator.core.compiled_settings import CompiledSettings
from translator.core.errors import name_taken
from translator.core.message import Message, require_secret
from translator.core.operations import Json, Operation, Skip, operation_of
from translator.core.properties.call_context import CallContext
from translator.core.properties.property_names import PropertyNames
from translator.core.properties.replacement import replace_values
from translator.core.values.json_values import detached, format_object, without_nulls


def event_operation(
    message: Message,
    context: CallContext,
    compiled: CompiledSettings,
    event: str | None,
    properties: Json,
    names: PropertyNames,
) -> tuple[Operation, list[Skip]]:
    """The event, for /track or, if it is old, for /import, and reasons for what it leaves out.

    `names` is the meaning of the names of `properties`. Raises `TranslationError` if the event must
    go to /import and there is no API secret.
    """
    doc = compiled.doc
    if message.old and doc["import_secret"]:
        require_secret(compiled)
    out = format_object(properties, nulls=False)
    reasons: list[Skip] = []
    if names.renamed:
        # They come last, and a null replaces nothing.
        renamed = {new: out.pop(name) for name, new in names.renamed.items() if name in out}
        reasons = replace_values("properties", out, renamed)
    given = None
    if names.contested:
        given = {name: out[name] for name in names.contested if name in out}
    out.update(context.event)
    ip = message.context.get("ip")
    if ip is not None:
        out["ip"] = ip if type(ip) is str else detached(ip)
    if not doc["empty_sources"]:
        if ip is None and "ip" in message.context:
            out.pop("ip", None)
        out = without_nulls(out)
    _reserved_layer(message, context, compiled, event, out)
    if context.valid_traits:
        reasons += add_super_properties(message, context, compiled, out)
    out["token"] = compiled.token
    if given:
        gone = [name for name, value in given.items() if out.get(name) != value]
        if gone:  # other values have their names
            reasons.append(name_taken("properties", gone))
    payload: Json = {"properties": out} if event is None else {"event": event, "properties": out}
    endpoint = "/import" if message.old else "/track"
    return operation_of((endpoint, compiled.host, payload)), reasons


def _reserved_layer(
    message: Message,
    context: CallContext,
    compiled: CompiledSettings,
    event: str | None,
    out: Json,
) -> None:
    """The reserved properties: person, time, library, insert id."""
    doc = compiled.doc
    if message.distinct_id is not None:
        out["distinct_id"] = message.distinct_id
    elif doc["missing_ids"]:
        # Mixpanel stores an event with an empty id, without a person: nothing is lost.
        out["distinct_id"] = ""
    if message.time_ms is not None:
        out["time"] = message.time_ms // 1000
    elif doc["timestamps"]:
        out.pop("time", None)
    else:
        out["time"] = None
    out["mp_lib"] = context.library
    tag = context.name or message.user_id or message.anonymous_id
    if tag:
        out["mp_name_tag"] = tag if type(tag) is str else detached(tag)
    else:
        out.pop("mp_name_tag", None)
    if compiled.source_name:
        out["segment_source_name"] = compiled.source_name
    if message.id is not None and event is not None and doc["insert_id"]:
        out["$insert_id"] = insert_id(message.id, compiled.settings.projectId, event)
