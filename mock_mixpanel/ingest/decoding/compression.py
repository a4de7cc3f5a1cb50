"""Decompresses the bodies of requests, up to a limit."""

import zlib

from mock_mixpanel.ingest.verdicts.problems import NO_DATA

MOST_MEMBERS = 1000
"""Members of a gzip body: each is copied, and a body can have millions."""

NO_ENCODING = ("", "identity")
"""Content encodings of a body that is not compressed."""


class BodyTooLargeError(ValueError):
    """The body, as sent or decompressed, is over the limit."""


class UnreadableError(ValueError):
    """The body cannot be decoded.

    The message says what is wrong and where; `answer` is the error text that Mixpanel sends.
    """

    def __init__(self, message: str, answer: str = NO_DATA.reason) -> None:
        super().__init__(message)
        self.answer = answer


def decompressed(body: bytes, encoding: str, limit: int) -> bytes:
    """The decompressed body; an empty Content-Encoding means no compression
    (docs/facts/real-clients.md#requests)."""
    if len(body) > limit:
        raise BodyTooLargeError
    encoding = encoding.strip().lower()
    if encoding in NO_ENCODING:
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise UnreadableError(f"Content-Encoding {encoding[:50]!r} is not known; use gzip or none")
    plain, members = b"", 0
    while body:
        members += 1
        if members > MOST_MEMBERS:
            raise UnreadableError(f"a gzip body of more than {MOST_MEMBERS} members")
        member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            plain += member.decompress(body, limit + 1 - len(plain))
        except zlib.error as error:
            raise UnreadableError(f"Content-Encoding says gzip, but: {error}") from error
        if len(plain) > limit:
            raise BodyTooLargeError
        if not member.eof:
            raise UnreadableError("Content-Encoding says gzip, but the body ends too early")
        body = member.unused_data
    return plain
