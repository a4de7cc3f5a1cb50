"""Read form fields from a request body in bounded memory: URL-encoded and multipart.

The percent-decoder of the standard library splits the whole value at every `%` and needs about
fifty times the size of the value. Values are decoded here in chunks.
"""

import re

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder

MAX_FORM_FIELDS = 200
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
CHUNK = 16 * 1024
"""Bytes that are percent-decoded in one step."""
_ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")


class FormError(ValueError):
    """The body is not a valid form; the message says what is wrong."""


def url_encoded_fields(body: bytes) -> dict[str, bytes]:
    """The fields of a URL-encoded form.

    The charset parameter is ignored; a repeated name keeps its first value; fields after the first
    `MAX_FORM_FIELDS` are ignored.
    """
    found: dict[str, bytes] = {}
    parts = body.strip().split(b"&", MAX_FORM_FIELDS)
    for part in parts[:MAX_FORM_FIELDS]:
        name, _, value = part.partition(b"=")
        found.setdefault(unquoted(name).decode(errors="replace"), unquoted(value))
    return found


def unquoted(value: bytes) -> bytes:
    """Decode `+` and percent escapes, in memory of about twice the size of the value."""
    value = value.replace(b"+", b" ")
    found, start = bytearray(), 0
    while start < len(value):
        end = start + CHUNK
        split_escape = value.rfind(b"%", end - 2, end)
        if split_escape >= 0 and end < len(value):
            end = split_escape
        found += _ESCAPES.sub(_escaped_bytes, value[start:end])
        start = end
    return bytes(found)


def _escaped_bytes(escapes: re.Match[bytes]) -> bytes:
    return bytes.fromhex(escapes[0].replace(b"%", b"").decode())


def multipart_fields(body: bytes, content_type: str) -> dict[str, bytes]:
    """The fields of a `multipart/form-data` body, files included. Raises FormError."""
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    if not boundary.isascii() or not boundary:
        raise FormError("multipart/form-data without a boundary")
    decoder = MultipartDecoder(boundary.encode(), len(body), max_parts=MAX_FORM_FIELDS)
    found: dict[str, bytearray] = {}
    name, part = "", Event()
    try:
        decoder.receive_data(body)
        decoder.receive_data(None)
        while not isinstance(part, Epilogue):
            part = decoder.next_event()
            if isinstance(part, Field | File):
                name = "" if part.name in found else part.name or ""
                found.setdefault(name, bytearray())
            elif isinstance(part, Data):
                found[name] += part.data
    except (ValueError, RequestEntityTooLarge) as error:
        raise FormError(f"multipart/form-data: {error}") from error
    return {key: bytes(value) for key, value in found.items() if key}
