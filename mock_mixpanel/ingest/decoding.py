"""From an HTTP request to records and control parameters, in every encoding clients use.

Sources: docs/facts/mixpanel-http-api.md#request-encodings,
docs/facts/mixpanel-http-api.md#import-requests,
docs/facts/mixpanel-http-api.md#http-details-that-trip-clients, docs/facts/real-clients.md#requests.
The content type selects the parser; inside `data`, base64 and raw JSON are told apart by the first
character.
"""

import base64
import binascii
import json
import math
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import orjson

from mock_mixpanel.ingest.redaction import redacted_text

MAX_FORM_FIELDS = 200
MOST_MEMBERS = 1000
"""Of a gzip body: each is copied, and millions fit into what a body may have."""
EXCERPT = 1000
"""How many characters of an unreadable body are kept."""

FORM = "application/x-www-form-urlencoded"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
SCALARS = frozenset({str, int, float, bool, type(None)})
"""What a JSON value is that is neither a list nor an object."""
_TO_STANDARD_BASE64 = bytes.maketrans(b"-_ ", b"+/+")
"""URL-safe to standard, and a space back to the `+` that form decoding took
(docs/facts/mixpanel-http-api.md#http-details-that-trip-clients, item 12)."""


class TooLargeError(ValueError):
    """The body, as sent or decompressed, is over the limit."""


class UnreadableError(ValueError):
    """The body is in no known encoding; the message says where it went wrong."""


class Decoded(NamedTuple):
    """What a request carries. `problem` says why it could not be read; then `records` has an
    excerpt of what was sent, so that nothing is lost. `size` is in bytes, the larger of the data as
    sent and decompressed. `text` is the JSON array of the records if it was sent as one."""

    records: list[Any]
    controls: Mapping[str, str]
    problem: str | None = None
    size: int = 0
    text: bytes | None = None


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
    decompressed body, `max_depth` its nesting. Raises TooLargeError beyond `max_bytes`.
    """
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
            form = {} if bare else _form(body)
        if is_json and body:
            records, text = _json_lines(body) if kind in NDJSON else _json(body)
        else:
            if body and "data" not in form and "data" not in query:
                raise UnreadableError("a form without data=...")
            raw = form.get("data") or query.get("data", "").encode(errors="replace")
            records, text = _json(_data(raw)) if raw.strip() else ([], None)
        if text is None or text.count(b"[") + text.count(b"{") > max_depth:
            _check_depth(records, max_depth)
    except UnreadableError as error:
        excerpt = redacted_text(raw[: 4 * EXCERPT].decode(errors="replace")[:EXCERPT])
        return Decoded([excerpt], _controls(query, form), f"data: {error}")
    size = max(sent, len(body), len(raw))
    if not isinstance(records, list):
        return Decoded([records], _controls(query, form), size=size)
    return Decoded(records, _controls(query, form), size=size, text=text)


def flag(value: str | None) -> bool:
    """Whether a control parameter is on: anything but absent, empty, 0 and false."""
    return value is not None and value.strip().lower() not in ("", "0", "false")


@lru_cache(1000)
def _media_type(content_type: str) -> str:
    """Without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _controls(query: Mapping[str, str], form: Mapping[str, bytes]) -> Mapping[str, str]:
    if not query and not form:
        return {}
    controls = {name: value.decode(errors="replace") for name, value in form.items()}
    return {name: value for name, value in (controls | dict(query)).items() if name != "data"}


def decompressed(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its gzip wrapping; an empty Content-Encoding is none
    (docs/facts/real-clients.md#requests)."""
    if len(body) > limit:
        raise TooLargeError
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
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
            raise TooLargeError
        if not member.eof:
            raise UnreadableError("Content-Encoding says gzip, but the body ends too early")
        body = member.unused_data
    return plain


def _form(body: bytes) -> dict[str, bytes]:
    """The fields of a form, whatever its charset parameter says; the first of a name counts."""
    found: dict[str, bytes] = {}
    parts = body.strip().split(b"&", MAX_FORM_FIELDS)
    for part in parts[:MAX_FORM_FIELDS]:
        name, _, value = part.partition(b"=")
        key = unquote_to_bytes(name.replace(b"+", b" ")).decode(errors="replace")
        found.setdefault(key, unquote_to_bytes(value.replace(b"+", b" ")))
    return found


def _data(value: bytes) -> bytes:
    """The JSON text in a `data` parameter."""
    value = value.strip()
    if value[:1] in (b"{", b"["):
        return value
    packed = b"".join(value.translate(_TO_STANDARD_BASE64).split()).rstrip(b"=")
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except binascii.Error as error:
        raise UnreadableError(f"neither JSON nor base64: {error}") from error


def _json(text: bytes) -> tuple[Any, bytes | None]:
    """JSON by the fast parser, with the text; what it refuses gets a second chance, without.

    The second one reads what is no UTF-8, lone surrogates and huge integers, which are a fault of
    one record, not of the whole request. Bytes that are no UTF-8 become lone surrogates.
    """
    try:
        return orjson.loads(text), text.strip()
    except orjson.JSONDecodeError as error:
        first = error
    try:
        decoded = text.decode(json.detect_encoding(text), "surrogateescape")
        return json.loads(decoded, parse_constant=_refuse, parse_float=_finite), None
    except (ValueError, RecursionError):
        raise UnreadableError(f"not JSON: {first}") from first


def _json_lines(body: bytes) -> tuple[Any, bytes | None]:
    """One object a line; a body that is one array or object is taken as well."""
    lines = [line for line in body.splitlines() if line.strip()]
    if body.lstrip()[:1] == b"[" or len(lines) == 1:
        return _json(body)
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(_json(line)[0])
        except UnreadableError as error:
            raise UnreadableError(f"line {number}: {error}") from error
    return records, None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is out of range")
    return number


def _check_depth(value: Any, limit: int) -> None:
    """Refuse lists and objects that lie in each other deeper than `limit`, looking by level.

    Raises UnreadableError. A text with no more brackets than that needs no look.
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
