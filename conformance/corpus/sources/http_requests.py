"""HTTP requests to Segment, to the gateway or to Mixpanel, as Segment messages."""

import base64
import binascii
import re
from collections.abc import Mapping
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from conformance.corpus.sources.mixpanel_records import kind_of_path, message_of
from conformance.corpus.sources.rows import MAX_NESTING, ImportedRow, RowError, Rows, imported
from mock_mixpanel.ingest.decoding.compression import (
    BodyTooLargeError,
    UnreadableError,
    decompressed,
)
from mock_mixpanel.ingest.decoding.records import decode
from translator.core.values.json_values import parse_exactly
from translator.gateway.messages.bodies import BadRequestError
from translator.gateway.messages.calls import BATCHES, KINDS, messages_of

MAX_BODY_BYTES = 64 << 20
"""Largest decompressed body that is read."""

SEGMENT_HOSTS = re.compile(r"(?:^|\.)(?:segment\.(?:io|com)|segmentapis\.com)$")
MIXPANEL_HOSTS = re.compile(r"(?:^|\.)mixpanel\.com$")
_VERSIONED = re.compile(r"/v1/([a-z]+)/?")
_LAST_PART = re.compile(r"/([a-z]+)/?")


class RecordedRequest(NamedTuple):
    """A request that was recorded.

    `id` begins the ids of messages that have none; it does not name the file, so that no path gets
    into the corpus. `status` is that of the response; 0 or None if none came.
    """

    where: str
    id: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    received_ms: int


def analytics_rows(request: RecordedRequest) -> Rows | None:
    """The messages of a request, or None for a request that is not an analytics call."""
    try:
        url = urlsplit(request.url)
        host = (url.hostname or "").lower()
    except ValueError:
        return None
    if request.method not in ("POST", "GET"):
        return None
    call = _segment_call(host, url.path)
    kind = kind_of_path(url.path)
    query = dict(parse_qsl(url.query))
    if request.method == "GET" and (kind is None or "data" not in query):
        return None
    if call is not None and kind is not None and not _is_of(host):
        # The gateway takes /track and /import too. Their bodies tell which one it is.
        call, kind = (call, None) if _looks_like_segment(request) else (None, kind)
    elif MIXPANEL_HOSTS.search(host):
        call = None
    elif SEGMENT_HOSTS.search(host):
        kind = None
    if call is not None and request.method == "POST":
        return _segment_rows(request, call)
    return None if kind is None else _mixpanel_rows(request, kind, query)


def _is_of(host: str) -> bool:
    return bool(SEGMENT_HOSTS.search(host) or MIXPANEL_HOSTS.search(host))


def _segment_call(host: str, path: str) -> str | None:
    """The last part of the path of a call of Segment's API, else None."""
    found = _VERSIONED.fullmatch(path) or _LAST_PART.fullmatch(path)
    if found is None or found[1] not in {*KINDS, *BATCHES}:
        return None
    # Short paths such as /p are too common to be a call on any host.
    known = "/v1/" in path or len(found[1]) > 1 or SEGMENT_HOSTS.search(host)
    return found[1] if known else None


def _looks_like_segment(request: RecordedRequest) -> bool:
    try:
        value = _json_body(request)
    except RowError:
        return False
    if type(value) is not dict:
        return False
    properties = value.get("properties")
    return "batch" in value or not (type(properties) is dict and "token" in properties)


def _json_body(request: RecordedRequest) -> Any:
    try:
        plain = decompressed(request.body, _encoding(request), MAX_BODY_BYTES)
        return parse_exactly(plain)
    except BodyTooLargeError:
        raise RowError("body_too_large", f"the body is over {MAX_BODY_BYTES} bytes") from None
    except (UnreadableError, ValueError):
        raise RowError("body_unreadable", "the recorded body is not JSON") from None


def _encoding(request: RecordedRequest) -> str:
    """The compression of the recorded body. Browsers also record the body before compression."""
    named = request.headers.get("content-encoding", "")
    return named if request.body.startswith(b"\x1f\x8b") else ""


def _segment_rows(request: RecordedRequest, call: str) -> Rows:
    try:
        _check_status(request)
        ids = (f"{request.id}-{number}" for number in count())
        body = _json_body(request)
        messages = messages_of(call, body, request.received_ms, ids.__next__)
    except BadRequestError as error:
        yield ImportedRow(request.where, RowError("not_a_call", str(error)))
        return
    except RowError as error:
        yield ImportedRow(request.where, error)
        return
    for index, message in enumerate(messages):
        yield imported(f"{request.where}[{index}]", _given, message)


def _given(message: Any) -> Any:
    return message


def _mixpanel_rows(request: RecordedRequest, kind: str, query: Mapping[str, str]) -> Rows:
    try:
        _check_status(request)
        decoded = decode(
            query,
            request.headers.get("content-type", ""),
            _encoding(request),
            request.body,
            max_bytes=MAX_BODY_BYTES,
            max_depth=MAX_NESTING,
        )
        if decoded.problem is not None:
            raise RowError("body_unreadable", "the recorded body holds no records")
    except BodyTooLargeError:
        error = RowError("body_too_large", f"the body is over {MAX_BODY_BYTES} bytes")
        yield ImportedRow(request.where, error)
        return
    except RowError as error:
        yield ImportedRow(request.where, error)
        return
    yield from record_rows(request, kind, decoded.records)


def record_rows(request: RecordedRequest, kind: str, records: list[Any]) -> Rows:
    """The messages of the records of a request to Mixpanel."""
    for index, record in enumerate(records):
        where = f"{request.where}[{index}]"
        message_id = f"{request.id}-{index}"
        yield imported(where, message_of, kind, record, message_id, request.received_ms)


def _check_status(request: RecordedRequest) -> None:
    if not 200 <= (request.status or 0) < 300:
        answer = f"HTTP {request.status}" if request.status else "no response"
        raise RowError("not_accepted", f"the server did not take the request: {answer}")


def recorded_body(text: str, encoding: str) -> bytes:
    """The bytes of a body that a file holds as text. Raises RowError."""
    if encoding == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            raise RowError("body_unreadable", "the recorded body is not base64") from None
    if text.startswith("\x1f\x8b"):
        try:
            # Some browsers record a compressed body as one character for each byte.
            return text.encode("latin-1")
        except UnicodeEncodeError:
            pass
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise RowError("not_utf8", "the recorded body is not valid UTF-8") from None
