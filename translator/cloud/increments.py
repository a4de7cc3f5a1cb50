"""Increments: counters of events and sums of properties on the profile.

Sources: doc#incrementing-events, doc#incrementing-properties,
doc#bypass-last-seen-in-server-side-calls, docs/facts/cloud-classic.md#increments-and-revenue.
"""

from translator.core.compiled_settings import CompiledSettings
from translator.core.errors import skip
from translator.core.message import Message
from translator.core.operations import Json, Operation, OperationOrSkip
from translator.core.properties.call_context import CallContext
from translator.core.values.timestamps import iso_seconds


def increment_operations(
    message: Message,
    context: CallContext,
    compiled: CompiledSettings,
    counted: str | None,
    summed: tuple[str, ...],
    properties: Json,
) -> list[OperationOrSkip]:
    """The counter of the event `counted`, if there is one, and the sums of properties `summed`."""
    numbers, parts = _numbers(summed, properties)
    if counted is None and not numbers:
        return parts
    if not compiled.settings.people:
        reason = "increments update profiles, and 'people' (Use Mixpanel People) is off"
        return [*parts, skip("people_off", reason)]
    if not message.user_id:
        reason = "increments need a known user; this message has no userId"
        return [*parts, skip("unknown_user", reason)]
    updates: list[Json] = []
    if counted is not None:
        updates.append({"$add": {counted: 1}})
        last = {} if message.time_ms is None else {f"Last {counted}": iso_seconds(message.time_ms)}
        updates.append({"$set": last})
    if numbers:
        updates.append({"$add": numbers})
    envelope: Json = {
        "$distinct_id": message.user_id,
        "$token": compiled.token,
        "mp_lib": "Segment.io",
    }
    if compiled.doc["increment_last_seen"] and not context.active:
        envelope["$ignore_time"] = True
    return parts + [
        Operation("/engage", compiled.host, {**envelope, **update}) for update in updates
    ]


def _numbers(
    summed: tuple[str, ...], properties: Json
) -> tuple[dict[str, float], list[OperationOrSkip]]:
    """The properties to sum that are numbers, and the reasons why others are left out."""
    numbers: dict[str, float] = {}
    reasons: list[OperationOrSkip] = []
    for name in summed:
        value = properties.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers[name] = value
        elif value is not None:
            reason = (
                f"property {name!r:.80} is to be incremented but is not a number: {value!r:.40}"
            )
            reasons.append(skip("not_a_number", reason))
    return numbers, reasons
