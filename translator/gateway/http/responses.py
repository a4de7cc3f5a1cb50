"""HTTP responses of the gateway."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from translator.gateway.messages.json_text import valid_json

Headers = Mapping[bytes, bytes]

RETRY_AFTER = ((b"retry-after", b"1"),)
"""Seconds after which clients send a request again."""


CLOSE = ((b"connection", b"close"),)
"""The connection closes, because the rest of the request is not read."""


class Response(NamedTuple):
    """An HTTP response. `messages` is how many the request had, for the log."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    messages: int = 0


def success(messages: int = 0) -> Response:
    """The response to a call whose messages are stored."""
    return Response(200, b'{"success":true}', messages=messages)


def refusal(status: int, problem: str, messages: int = 0) -> Response:
    """The response to a request that is refused, with the reason."""
    headers = {503: RETRY_AFTER, 408: CLOSE}.get(status, ())
    found = as_json({"success": False, "error": problem}, status)
    return found._replace(headers=headers, messages=messages)


def as_json(body: Any, status: int = 200) -> Response:
    """A JSON value as a response, which is always valid JSON."""
    return Response(status, valid_json(body))
