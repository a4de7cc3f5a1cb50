"""From the body of a request to Segment messages, as Segment's Tracking API does it.

Pure: the moment of arrival and new ids are arguments. The translator reports errors of single
messages of a batch; here only the request as a whole can be refused.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from translator.core.operations import Json
from translator.core.values.timestamps import is_in_calendar, iso_milliseconds, parse
from translator.gateway.messages.bodies import BadRequestError

KINDS: Mapping[str, str] = {
    "track": "track",
    "identify": "identify",
    "page": "page",
    "screen": "screen",
    "group": "group",
    "alias": "alias",
    "t": "track",
    "i": "identify",
    "p": "page",
    "s": "screen",
    "g": "group",
    "a": "alias",
}
"""The last part of a path -> the type of its message; client-side SDKs shorten them."""

BATCHES = frozenset(["batch", "import", "b"])
"""The last part of a path whose body holds a list of messages."""


def messages_of(name: str, body: Any, received_ms: int, new_id: Callable[[], str]) -> list[Any]:
    """The messages of a request, in order.

    `name` is the last part of its path, `received_ms` the time of its arrival, in milliseconds
    since 1970. A batch's `context` and `integrations` are merged with those of its messages, whose
    own members win (Segment's HTTP API source, "Batch"). Raises BadRequestError if the body does
    not fit the path.
    """
    raw = _raw_messages(name, body)
    arrival = _Arrival(received_ms, iso_milliseconds(received_ms), new_id)
    if name in BATCHES:
        shared = {key: body[key] for key in ("context", "integrations") if key in body}
        sent_at = body.get("sentAt")
        return [
            _arrived(_merged(message, shared), sent_at, arrival)
            if isinstance(message, dict)
            else message
            for message in raw
        ]
    return [_arrived({**body, "type": KINDS[name]}, None, arrival)]


class _Arrival(NamedTuple):
    """The arrival time of a request, as a number and as text, and the generator of ids."""

    ms: int
    text: str
    new_id: Callable[[], str]


def _merged(message: Json, shared: Json) -> Json:
    if not shared:
        return dict(message)
    merged = {**shared, **message}
    for key, value in shared.items():
        own = message.get(key)
        if isinstance(own, dict) and isinstance(value, dict):
            merged[key] = {**value, **own}
    return merged


def _arrived(message: Json, sent_at: Any, arrival: _Arrival) -> Json:
    """A message as Segment passes it on: with an id, and its times by the clock of the server.

    A device's clock may be wrong, so the time of a call is that of arrival less the time between
    the call and its sending, both by the device's clock. A time that this would move out of the
    years 1 to 9999 stays as the device gave it.
    """
    message.pop("writeKey", None)
    sent_at = message.pop("sentAt", None) or sent_at
    if message.get("messageId") in (None, ""):
        message["messageId"] = arrival.new_id()
    message["receivedAt"] = arrival.text
    called = message.get("timestamp")
    if called is None:
        message["timestamp"] = arrival.text
        return message
    message["originalTimestamp"] = called
    sent_ms, called_ms = _time(sent_at), _time(called)
    if called_ms is not None and sent_ms is not None:
        message["sentAt"] = sent_at
        corrected_ms = arrival.ms - (sent_ms - called_ms)
        if is_in_calendar(corrected_ms):
            message["timestamp"] = iso_milliseconds(corrected_ms)
    return message


def _time(value: Any) -> int | None:
    """A time in milliseconds since 1970; None if it is absent or cannot be read."""
    return None if isinstance(value, bool) else parse(value)


def write_keys_of(name: str, user: str | None, body: Any) -> list[str]:
    """The write key of each message of a request, in order; empty text for one without a key.

    The key of the request holds for all its messages: the Basic user, or else the body's
    `writeKey`. If the request has no key, each message of a batch has its own, as in the files of
    some mobile SDKs (decision:write-keys). An empty batch gives the key of the request alone.
    `name` is the last part of the path. Raises BadRequestError as `messages_of` does.
    """
    messages = _raw_messages(name, body)
    shared = user or _write_key(body)
    return [shared or _write_key(message) for message in messages] or [shared]


def _write_key(source: Any) -> str:
    found = source.get("writeKey") if isinstance(source, dict) else None
    return found if isinstance(found, str) else ""


def _raw_messages(name: str, body: Any) -> list[Any]:
    """The messages of a body, unchanged. Raises BadRequestError for a body without any."""
    if not isinstance(body, dict):
        raise BadRequestError(400, "the body must be a JSON object")
    if name not in BATCHES:
        return [body]
    batch = body.get("batch")
    if not isinstance(batch, list):
        raise BadRequestError(400, "'batch' must be a list of messages")
    return batch
