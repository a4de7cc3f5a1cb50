"""From the body of a request to Segment messages, as Segment's Tracking API does it.

Pure: the moment of arrival and new ids are arguments. What is wrong with one message of a batch is
the translator's to say; here only the request as a whole can be wrong.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from translator.core.operations import Json
from translator.core.timestamps import iso_milliseconds, parse

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Of a request, before and after decompression. Segment's own limit for a batch is 500 KB."""

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
"""The last part of a path -> the type of its message; the browser's SDK shortens them."""

BATCHES = frozenset(["batch", "import", "b"])
"""The last part of a path whose body holds a list of messages."""


class BadRequestError(Exception):
    """The request as a whole cannot be read; `status` is the HTTP status to answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def read_body(body: bytes, encoding: str) -> Any:
    """The JSON value of a body. `encoding` is the Content-Encoding, empty if none.

    Raises BadRequestError. The content type is not looked at: browsers send JSON as text.
    """
    if encoding.strip().lower() in ("gzip", "x-gzip", "deflate"):
        body = _inflated(body, gzip="gzip" in encoding.lower())
    elif encoding.strip().lower() not in ("", "identity"):
        raise BadRequestError(415, f"Content-Encoding {encoding!r:.40} is not known; use gzip")
    if len(body) > MAX_BODY_BYTES:
        raise BadRequestError(413, f"the body is longer than {MAX_BODY_BYTES} bytes; send less")
    try:
        return orjson.loads(body)
    except ValueError:
        try:
            return json.loads(body)  # NaN and lone surrogates: one message's fault, named later
        except (ValueError, RecursionError) as error:
            raise BadRequestError(400, f"the body is not JSON: {error!s:.200}") from None


def _inflated(body: bytes, *, gzip: bool) -> bytes:
    try:
        inflate = zlib.decompressobj(31 if gzip else 15)
        out = inflate.decompress(body, MAX_BODY_BYTES + 1)
        if not inflate.eof and len(out) <= MAX_BODY_BYTES:
            raise BadRequestError(400, "the compressed body is cut short")
    except zlib.error as error:
        raise BadRequestError(400, f"the body cannot be decompressed: {error}") from None
    return out


def messages_of(name: str, body: Any, received_ms: int, new_id: Callable[[], str]) -> list[Any]:
    """The messages of a request, in order.

    `name` is the last part of its path, `received_ms` when it came, in milliseconds since 1970.
    A batch's `context` and `integrations` are those of its messages that have none of their own.
    Raises BadRequestError if the body is not what the path wants.
    """
    if not isinstance(body, dict):
        raise BadRequestError(400, "the body must be a JSON object")
    if name in BATCHES:
        batch = body.get("batch")
        if not isinstance(batch, list):
            raise BadRequestError(400, "'batch' must be a list of messages")
        shared = {key: body[key] for key in ("context", "integrations") if key in body}
        return [
            _arrived({**shared, **message}, body.get("sentAt"), received_ms, new_id)
            if isinstance(message, dict)
            else message
            for message in batch
        ]
    return [_arrived({**body, "type": KINDS[name]}, body.get("sentAt"), received_ms, new_id)]


def _arrived(message: Json, sent_at: Any, received_ms: int, new_id: Callable[[], str]) -> Json:
    """A message as Segment passes it on: with an id, and its times by the clock of the server.

    A device's clock may be wrong, so the time of a call is that of arrival less the time between
    the call and its sending, both by the device's clock.
    """
    message.pop("writeKey", None)
    sent_at = message.pop("sentAt", None) or sent_at
    if message.get("messageId") in (None, ""):
        message["messageId"] = new_id()
    message["receivedAt"] = iso_milliseconds(received_ms)
    called = message.get("timestamp")
    if called is None:
        message["timestamp"] = message["receivedAt"]
        return message
    message["originalTimestamp"] = called
    called_ms = parse(called)
    sent_ms = parse(sent_at) if sent_at is not None else None
    if called_ms is not None and sent_ms is not None:
        message["sentAt"] = sent_at
        message["timestamp"] = iso_milliseconds(received_ms - (sent_ms - called_ms))
    return message


def write_key_of(authorization_user: str | None, body: Any) -> str:
    """The write key of a request: the Basic user, or else the body's; empty if there is none."""
    if authorization_user:
        return authorization_user
    found = body.get("writeKey") if isinstance(body, dict) else None
    return found if isinstance(found, str) else ""
