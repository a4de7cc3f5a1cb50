"""The fields of a Segment message: which describe the call itself, and which its type uses.

A field of neither kind is not sent. `unused_fields` gives the reasons, so that no value is lost
without a report. Source: Segment's specification, "Spec: Common Fields" and one page for each call.
"""

from collections.abc import Mapping
from typing import Any

from translator.core.errors import skip
from translator.core.operations import Json, Skip

ENVELOPE: Mapping[str, str] = {
    "type": "the call",
    "messageId": "part of the insert id",
    "userId": "the person",
    "anonymousId": "the person, if there is no userId",
    "sessionId": "the person, if there is no other id (older clients)",
    "timestamp": "the time of the call",
    "originalTimestamp": "the time by the device's clock",
    "sentAt": "the time of sending by the device's clock",
    "receivedAt": "the time of arrival at Segment",
    "context": "its fields in the table of context properties, its traits, `ip` and `active`",
    "options": "the older name of `context`",
    "integrations": "whether the destination gets the call",
    "channel": "where the call was made",
    "version": "the version of the format",
    "projectId": "Segment's source",
    "writeKey": "Segment's source",
    "requestId": "the request that brought the message",
    "rudderId": "RudderStack's id of the person",
    "request_ip": "RudderStack's address of the client",
}
"""Field of any call -> what it says about the call. So are all fields whose names begin with `_`.

They are not data of the caller: those that Mixpanel needs are sent in another form, the others are
left out without a report.
"""

CALL_FIELDS: Mapping[str, tuple[str, ...]] = {
    "track": ("event", "properties"),
    "page": ("category", "name", "properties"),
    "screen": ("category", "name", "properties"),
    "identify": ("traits",),
    "group": ("groupId", "traits"),
    "alias": ("previousId", "from", "to"),
    "reset": (),
    "flush": (),
}
"""Type of a call -> the fields that it uses besides the envelope."""

_USED = {kind: frozenset(ENVELOPE).union(fields) for kind, fields in CALL_FIELDS.items()}


def is_used(kind: str, field: str) -> bool:
    """Whether a call of this type uses a field, or the field describes the call itself."""
    return field in _USED[kind] or field.startswith("_")


def unused_fields(kind: str, raw: Json) -> tuple[Skip, ...]:
    """The reasons why fields of a message are not sent: its type does not use them.

    Fields without data (null, empty text, list or object) are not reported. An alias call has no
    use for the traits of its context either.
    """
    fields = {
        name: value for name, value in raw.items() if not is_used(kind, name) and _has_data(value)
    }
    options, context = raw.get("options"), raw.get("context")
    reasons: list[Skip] = []
    if type(options) is dict and context and context != options:
        reason = "context is not used: options, its older name, is there too and takes precedence"
        reasons.append(skip("field_not_used", reason))
    if kind == "alias":
        in_context = (options if type(options) is dict else context) or {}
        traits = in_context.get("traits") if type(in_context) is dict else None
        if type(traits) is dict:
            own = fields.get("traits", {})
            fields["traits"] = {**traits, **own} if type(own) is dict else own
    for field, code in (("properties", "properties_not_used"), ("traits", "traits_not_used")):
        names = _data_names(fields.pop(field, {}))
        if names:
            reason = f"{field} {names:.200} are not sent: {kind} calls send no {field}"
            reasons.append(skip(code, reason))
    if fields:
        names = ", ".join(fields)
        reason = f"{names:.200} not sent: {kind} calls do not use such a field"
        reasons.append(skip("field_not_used", reason))
    return tuple(reasons)


def _has_data(value: Any) -> bool:
    return not (value is None or value in ("", [], {}))


def _data_names(value: Any) -> str:
    """The names of the members of an object that are not null, or another value as text."""
    if type(value) is not dict:
        return f"{value!r:.80}"
    return ", ".join(name for name, member in value.items() if member is not None)
