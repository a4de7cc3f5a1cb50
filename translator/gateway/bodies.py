"""Reading the body of a request: limited while it arrives, and after decompression."""

import json
import zlib
from typing import Any, NamedTuple

import orjson


class BadRequestError(Exception):
    """The request as a whole is refused; `status` is the HTTP status of the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class DisconnectedError(Exception):
    """The client is gone before its body was complete."""


class TooLargeError(BadRequestError):
    """A body that is larger than its limit, in bytes."""

    def __init__(self, status: int, limit: int) -> None:
        super().__init__(
            status, f"Exceed payload limit: the body is larger than {limit} bytes; send less"
        )


class Parsed(NamedTuple):
    """The JSON value of a body.

    `strict`: it holds nothing that JSON does not allow. `size` is that of its text, in bytes.
    """

    value: Any
    strict: bool
    size: int


async def receive_body(receive: Any, headers: Any, limit: int, status: int) -> bytes:
    """The body of an ASGI request, of `limit` bytes at most.

    `headers` are its raw headers. Raises TooLargeError, with `status`, as soon as the body is known
    to be larger: nothing more of it is kept then. Raises DisconnectedError.
    """
    for name, value in headers:
        if name == b"content-length" and value.isdigit() and int(value[:20]) > limit:
            raise TooLargeError(status, limit)
    event = await receive()
    if event["type"] == "http.request" and not event["more_body"]:
        body: bytes = event["body"]
        if len(body) > limit:
            raise TooLargeError(status, limit)
        return body
    pieces = bytearray()
    while True:
        if event["type"] == "http.disconnect":
            raise DisconnectedError
        pieces += event["body"]
        if len(pieces) > limit:
            raise TooLargeError(status, limit)
        if not event["more_body"]:
            return bytes(pieces)
        event = await receive()


def parse_body(body: bytes, encoding: str, limit: int, status: int) -> Parsed:
    """The JSON value of a body. `encoding` is the Content-Encoding, empty if there is none.

    Raises BadRequestError; TooLargeError if the body is larger than `limit` bytes after
    decompression. The content type is not looked at: browsers send JSON as text.
    """
    encoding = encoding.strip().lower()
    if encoding in ("gzip", "x-gzip", "deflate"):
        body = _decompressed(body, gzip="gzip" in encoding, limit=limit, status=status)
    elif encoding not in ("", "identity"):
        raise BadRequestError(415, f"Content-Encoding {encoding!r:.40} is not known; use gzip")
    try:
        return Parsed(orjson.loads(body), True, len(body))
    except ValueError:
        try:
            # NaN and lone surrogates are the fault of one message, which is named later.
            return Parsed(json.loads(body), False, len(body))
        except (ValueError, RecursionError) as error:
            raise BadRequestError(400, f"the body is not JSON: {error!s:.200}") from None


def _decompressed(body: bytes, *, gzip: bool, limit: int, status: int) -> bytes:
    try:
        inflate = zlib.decompressobj(31 if gzip else 15)
        out = inflate.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadRequestError(400, f"the body cannot be decompressed: {error}") from None
    if len(out) > limit:
        raise TooLargeError(status, limit)
    if not inflate.eof:
        raise BadRequestError(400, "the compressed body is cut short")
    return out
