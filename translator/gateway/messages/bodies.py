"""From the body of a request to its JSON value, with a limit after decompression."""

import json
import zlib
from contextlib import suppress
from typing import Any, NamedTuple

import orjson

from translator.core.values.json_values import has_long_number, whole_number

MOST_MEMBERS = 100
"""The gzip members of a body; without a limit, empty ones would cost time for nothing."""


class BadRequestError(Exception):
    """The request as a whole is refused; `status` is the HTTP status of the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


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


def parse_body(body: bytes, encoding: str, limit: int, status: int) -> Parsed:
    """The JSON value of a body. `encoding` is the Content-Encoding, empty without that header.

    Raises BadRequestError; TooLargeError if the body is larger than `limit` bytes after
    decompression. The content type is not looked at: browsers send JSON as text.
    """
    encoding = encoding.strip().lower()
    if encoding in ("gzip", "x-gzip", "deflate"):
        body = _decompressed(body, gzip="gzip" in encoding, limit=limit, status=status)
    elif encoding not in ("", "identity"):
        raise BadRequestError(415, f"Content-Encoding {encoding!r:.40} is not known; use gzip")
    value, strict = None, False
    with suppress(ValueError):
        value = orjson.loads(body)
        strict = not has_long_number(body)
    if not strict:
        try:
            # NaN, lone surrogates and long numbers are the fault of one message, named later.
            value = json.loads(body, parse_int=whole_number)
        except (ValueError, RecursionError) as error:
            raise BadRequestError(400, f"the body is not JSON: {error!s:.200}") from None
    return Parsed(value, strict, len(body))


def _decompressed(body: bytes, *, gzip: bool, limit: int, status: int) -> bytes:
    """The plain bytes. gzip may have several members by RFC 1952; none may be lost."""
    out = b""
    for _ in range(MOST_MEMBERS):
        try:
            inflate = zlib.decompressobj(31 if gzip else _deflate_bits(body))
            out += inflate.decompress(body, limit + 1 - len(out))
        except zlib.error as error:
            raise BadRequestError(400, f"the body cannot be decompressed: {error}") from None
        if len(out) > limit:
            raise TooLargeError(status, limit)
        if not inflate.eof:
            raise BadRequestError(400, "the compressed body is cut short")
        body = inflate.unused_data
        if not body:
            return out
        if not gzip:
            raise BadRequestError(400, "the compressed body has other data after its end")
    raise BadRequestError(400, f"the body has more than {MOST_MEMBERS} gzip members; send one")


def _deflate_bits(body: bytes) -> int:
    """The window of zlib for `deflate`: with zlib's header as in RFC 9110, or without it.

    Some clients send the bare data; all servers that matter take both.
    """
    header = int.from_bytes(body[:2], "big")
    return 15 if header >> 8 & 0x0F == 8 and header % 31 == 0 else -15
