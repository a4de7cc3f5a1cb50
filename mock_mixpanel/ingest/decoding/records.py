"""Decodes an HTTP request to records and control parameters, in every encoding that clients use.

Sources: docs/facts/mixpanel-http-api.md#request-encodings,
docs/facts/mixpanel-http-api.md#import-requests,
docs/facts/mixpanel-http-api.md#http-details-that-trip-clients, docs/facts/real-clients.md#requests.
The content type selects the parser; the first character of `data` tells base64 from raw JSON.
"""

import base64
import binascii
import io
import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from mock_mixpanel.ingest.decoding.compression import NO_ENCODING, UnreadableError, decompressed
from mock_mixpanel.ingest.decoding.forms import (
    FORM,
    MULTIPART,
    FormError,
    multipart_fields,
    url_encoded_fields,
)
from mock_mixpanel.ingest.decoding.shallow_json import DEPTH, parse_shallow
from mock_mixpanel.ingest.redaction import redacted_text
from mock_mixpanel.ingest.verdicts.problems import INVALID_BASE64, NO_DATA
from mock_mixpanel.json_values import has_long_integer, refuse_constant

EXCERPT = 1000
"""Characters of an undecodable body that the journal keeps."""

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
SCALARS = frozenset({str, int, float, bool, type(None)})
"""Types of JSON values other than lists and objects."""
_TO_STANDARD_BASE64 = bytes.maketrans(b"-_ ", b"+/+")
"""URL-safe to standard, and a space back to the `+` that form decoding took
(docs/facts/mixpanel-http-api.md#http-details-that-trip-clients, item 12)."""
_SURROGATE_PAIRS = re.compile(rb"(?:\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf])+")
"""High and low surrogates in turn, each encoded as UTF-8."""


class Decoded(NamedTuple):
    """The content of a request.

    `problem` says why the body could not be read, and `answer` is the error text that Mixpanel
    sends then; `records` holds an excerpt of the body. `size` is in bytes, the larger of the data
    as sent and decompressed. `text` is the JSON array of the records if it was sent as one.
    `shallow` says that all records are from `parse_shallow`.
    """

    records: list[Any]
    controls: Mapping[str, str]
    problem: str | None = None
    size: int = 0
    text: bytes | None = None
    answer: str = NO_DATA.reason
    shallow: bool = False


class ParsedRecords(NamedTuple):
    """A JSON value, its text if the fast parsers accept it, and whether it is shallow."""

    value: Any
    text: bytes | None = None
    shallow: bool = False


def decode(
    query: Mapping[str, str],
    content_type: str,
    content_encoding: str,
    body: bytes,
    *,
    max_bytes: int,
    max_depth: int,
) -> Decoded:
    """The records and control parameters of a request.

    A control parameter in the query wins over the same in a form (choice). `max_bytes` bounds the
    decompressed body, `max_depth` its nesting. Raises BodyTooLargeError beyond `max_bytes`.
    """
    is_plain = not query and _is_plain_json(content_type, content_encoding)
    if is_plain and len(body) <= max_bytes and max_depth >= DEPTH:  # as nearly all are
        records = parse_shallow(body)
        if type(records) is list:
            return Decoded(records, {}, None, len(body), body.strip(), shallow=True)
    kind = _media_type(content_type)
    form: dict[str, bytes] = {}
    raw, sent = body, len(body)
    try:
        raw = body = decompressed(body, content_encoding, max_bytes)
        is_json = kind == "application/json" or kind in NDJSON
        if body and not is_json:
            bare = body.lstrip()[:1] in (b"{", b"[")
            if bare and kind == FORM:
                raise UnreadableError(
                    "bare JSON under a form content type; send data=... or application/json"
                )
            is_json = bare
            form = {} if bare else _form_fields(body, kind, content_type)
        if is_json and body:
            parsed = _json_lines(body) if kind in NDJSON else _json(body)
        else:
            if body and "data" not in form and "data" not in query:
                raise UnreadableError("a form without data=...")
            raw = form.get("data") or query.get("data", "").encode(errors="replace")
            parsed = _json(_data(raw)) if raw.strip() else ParsedRecords([])
        if not parsed.shallow or max_depth < DEPTH:
            _check_depth(parsed.value, max_depth)
    except UnreadableError as error:
        excerpt = redacted_text(raw[: 4 * EXCERPT].decode(errors="replace")[:EXCERPT])
        controls = _controls(query, form)
        return Decoded([excerpt], controls, f"data: {error}", answer=error.answer)
    size, controls = max(sent, len(body), len(raw)), _controls(query, form)
    records, text, shallow = parsed
    if not isinstance(records, list):
        return Decoded([records], controls, size=size, shallow=shallow)
    return Decoded(records, controls, size=size, text=text, shallow=shallow)


@lru_cache(1000)
def _is_plain_json(content_type: str, content_encoding: str) -> bool:
    """Whether a body with these headers is JSON text as it is."""
    plain = content_encoding.strip().lower() in NO_ENCODING
    return plain and _media_type(content_type) == "application/json"


@lru_cache(1000)
def _media_type(content_type: str) -> str:
    """Without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _controls(query: Mapping[str, str], form: Mapping[str, bytes]) -> Mapping[str, str]:
    if not query and not form:
        return {}
    controls = {name: value.decode(errors="replace") for name, value in form.items()}
    return {name: value for name, value in (controls | dict(query)).items() if name != "data"}


def _form_fields(body: bytes, kind: str, content_type: str) -> dict[str, bytes]:
    """The fields of a form. Raises UnreadableError."""
    if kind != MULTIPART:
        return url_encoded_fields(body)
    try:
        return multipart_fields(body, content_type)
    except FormError as error:
        raise UnreadableError(str(error)) from error


def _data(value: bytes) -> bytes:
    """The JSON text in a `data` parameter. Raises UnreadableError.

    A line break inside base64 is an error, as Mixpanel treats it (zevarito/mixpanel#84).
    """
    value = value.strip()
    if value[:1] in (b"{", b"["):
        return value
    packed = value.translate(_TO_STANDARD_BASE64).rstrip(b"=")
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except binascii.Error as error:
        cause = "it contains a line break" if b"\n" in value or b"\r" in value else str(error)
        message = f"neither JSON nor valid base64: {cause}"
        raise UnreadableError(message, INVALID_BASE64) from error


def _json(text: bytes) -> ParsedRecords:
    """Parse JSON.

    A surrogate pair whose halves are each encoded as UTF-8 (CESU-8) is read as one character.
    mixpanel-browser writes such base64 for every `api_host` outside of mixpanel.com
    (mixpanel/mixpanel-js#385, mixpanel/mixpanel-iphone#725).

    The slower parser reads invalid UTF-8, lone surrogates and integers beyond 64 bits. The first
    two are an error of one record, not of the whole request; each invalid byte becomes a lone
    surrogate. An integer keeps all its digits (choice).
    """
    records = parse_shallow(text)
    if records is not None:
        return ParsedRecords(records, text.strip(), shallow=True)
    first: ValueError | None = None
    if not has_long_integer(text):
        try:
            return ParsedRecords(orjson.loads(text), text.strip())
        except orjson.JSONDecodeError as error:
            first = error
    joined = _SURROGATE_PAIRS.sub(_characters, text)
    if joined != text:
        return _json(joined)
    try:
        decoded = text.decode(json.detect_encoding(text), "surrogateescape")
        return ParsedRecords(
            json.loads(decoded, parse_constant=refuse_constant, parse_float=_finite)
        )
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"not JSON: {first or error}") from first or error


def _characters(pairs: re.Match[bytes]) -> bytes:
    """The UTF-8 text of surrogate pairs whose halves are encoded separately."""
    halves = pairs[0].decode(errors="surrogatepass")
    return halves.encode("utf-16", "surrogatepass").decode("utf-16").encode()


def _json_lines(body: bytes) -> ParsedRecords:
    """Parse one object a line; a body that is a single array or object is accepted as well."""
    body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip()
    if body[:1] == b"[" or b"\n" not in body:
        return _json(body)
    records, shallow = [], True
    for number, line in enumerate(io.BytesIO(body), start=1):
        if not line.strip():
            continue
        try:
            parsed = _json(line)
        except UnreadableError as error:
            raise UnreadableError(f"line {number}: {error}") from error
        records.append(parsed.value)
        shallow = shallow and parsed.shallow
    return ParsedRecords(records, shallow=shallow)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is out of range")
    return number


def _check_depth(value: Any, limit: int) -> None:
    """Refuse lists and objects nested deeper than `limit`; checks level by level.

    Raises UnreadableError. A text with at most `limit` brackets needs no check.
    """
    level: list[Any] = [] if type(value) in SCALARS else [value]
    for _ in range(limit):
        if not level:
            return
        inner: list[Any] = []
        for outer in level:
            values = outer.values() if type(outer) is dict else outer
            if not SCALARS.issuperset(map(type, values)):  # most often they are
                for each in values:
                    if type(each) not in SCALARS:
                        inner.append(each)
        level = inner
    if level:
        raise UnreadableError(f"nested deeper than {limit} levels")
