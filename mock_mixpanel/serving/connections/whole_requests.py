"""Plain requests to ingestion, which are answered as soon as they have arrived whole.

Most requests of a busy mock are plain. uvicorn makes a scope, an object for the response, an event,
a task and several messages for each request, which costs as much time as the check of 30 events.
`FastHttpProtocol` answers a whole request at once instead, with the bytes that uvicorn would send.
Many clients send the head and the body apart, and a large body arrives in several pieces, so these
are kept until the request is whole. All other requests are left to uvicorn.

A request is plain if it is a POST to an endpoint of ingestion in HTTP/1.1, with a short head and a
Content-Length, and keeps the connection. httptools, the parser of uvicorn, has to accept its head.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple, Self

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from mock_mixpanel.ingest.endpoints import ENDPOINTS
from mock_mixpanel.ingest.http_request import Envelope
from mock_mixpanel.serving.connections.request_heads import INGESTION_PATHS, envelope

LONGEST_HEAD = 2000
"""Maximum bytes of a head. Parsed heads are cached, since clients repeat them."""

LARGEST_KEPT = 1024 * 1024
"""Maximum bytes of a request whose pieces are kept. uvicorn reads larger ones."""

_HEAD_END = b"\r\n\r\n"
_STARTS = tuple(b"POST %s" % endpoint.encode() for endpoint in ENDPOINTS)
_NOT_READABLE = (
    httptools.HttpParserError,
    httptools.HttpParserInvalidURLError,
    httptools.HttpParserUpgrade,
)
_SPECIAL_HEADERS = frozenset({b"expect", b"upgrade", b"transfer-encoding"})


class PlainHead(NamedTuple):
    """The head of a plain request. `peer` sent it, and its body has `length` bytes."""

    endpoint: str
    envelope: Envelope
    peer: str
    length: int

    @classmethod
    def read(cls, head: bytes, region: str, peer: str) -> Self | None:
        """Read a head that arrived on a port of a region, from the address `peer`.

        None if the request is not plain.
        """
        events = _ParserEvents()
        parser = httptools.HttpRequestParser(events)
        try:
            parser.feed_data(head)
            target = httptools.parse_url(events.url)
        except _NOT_READABLE:
            return None
        path = target.path.decode("latin-1")
        headers = dict(events.headers)
        plain = (
            events.heads == 1
            and not events.body
            and path in INGESTION_PATHS
            and parser.get_http_version() == "1.1"
            and headers.get(b"connection", b"keep-alive").lower() == b"keep-alive"
            and _SPECIAL_HEADERS.isdisjoint(headers)
            and b"content-length" in headers
        )
        if not plain:
            return None
        raw = tuple(events.headers)
        read = envelope(region, "POST", path, target.query or b"", raw, peer)
        return cls(INGESTION_PATHS[path], read, peer, int(headers[b"content-length"]))


class PlainRequest(NamedTuple):
    """A plain request of which at least the head has arrived; it has `size` bytes in all.

    The body begins at byte `start`.
    """

    head: PlainHead
    start: int
    size: int

    @classmethod
    def find(cls, data: bytes, region: str, peer: str) -> Self | None:
        """The request that data begin with; None if it is not plain."""
        if not data.startswith(_STARTS):
            return None
        start = data.find(_HEAD_END, 0, LONGEST_HEAD) + len(_HEAD_END)
        if start < len(_HEAD_END):
            return None
        head = _kept_head(data[:start], region, peer)
        return cls(head, start, start + head.length) if head and head.length else None


_kept_head = lru_cache(1000)(PlainHead.read)


class _ParserEvents:
    """The callbacks of a parser for the bytes of a head."""

    def __init__(self) -> None:
        self.url, self.heads, self.body = b"", 0, b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.heads += 1

    def on_body(self, body: bytes) -> None:
        self.body += body


def response_bytes(
    status: int,
    default_headers: Iterable[tuple[bytes, bytes]],
    headers: tuple[tuple[str, str], ...],
    body: bytes,
) -> bytes:
    """A response as uvicorn sends it; `default_headers` are those of the server, such as Date."""
    common = (b"%s: %s\r\n" % each for each in default_headers)
    return b"".join((STATUS_LINE[status], *common, _own_headers(headers, len(body)), body))


@lru_cache(1000)
def _own_headers(headers: tuple[tuple[str, str], ...], length: int) -> bytes:
    """The lines of the headers of one response, and the end of its head."""
    lines = [f"{name.lower()}: {value}\r\n" for name, value in headers]
    return "".join((*lines, f"content-length: {length}\r\n\r\n")).encode("latin-1")
