"""Interprets an HTTP response for the records that were sent.

`classify` is a pure function. Its rules come from docs/facts/mixpanel-http-api.md#track-responses,
docs/facts/mixpanel-http-api.md#strict-validation, docs/facts/mixpanel-http-api.md#import-responses,
docs/facts/mixpanel-http-api.md#profile-responses,
docs/facts/mixpanel-http-api.md#rate-limits-errors-and-retries. Where the sources are silent these
are choices, made so that nothing is lost in silence:

- a response that is not Mixpanel's proves nothing: a success without Mixpanel's body, a redirect,
  or an error with a page or another JSON in place of Mixpanel's, as a firewall, a proxy or a
  cloud's edge sends it (docs/facts/mixpanel-http-api.md#http-details-that-trip-clients). It is
  retried, and reported when it stays so;
- `status: 0` without detail, or a 400 without `failed_records`, says that *some* record is bad;
- that nothing was stored is said by 408, 429, 503, the status 0 of a temporary failure, and an
  error page below 500: its sender did not pass the request on. After any other failure the records
  may be there.
"""

import codecs
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any, NamedTuple

import orjson

TEMPORARY_FAILURE = "a temporary failure occurred"
"""The only text with `status: 0` that is retried."""

RETRIED_STATUSES = frozenset({408, 429})
"""Retried besides every 5xx: the request timed out, or the rate limit was exceeded."""

CLEAR_STATUSES = frozenset({408, 429, 503})
"""Statuses that say that nothing was stored."""

MAY_BE_EMPTY = frozenset({400, 414})
"""Errors whose sender may have been Mixpanel although the body is empty: they concern the request
itself. All others are documented with a JSON body."""

MISDIRECTED = 421
"""The request reached a server that does not serve this host."""

NOT_MIXPANEL = "this is not a response of Mixpanel's"

EXCERPT = 200
"""Maximum characters of an unexpected body that a reason quotes."""


class Meaning(Enum):
    """The meaning of a response for the records of its request."""

    DELIVERED = auto()
    RETRY = auto()
    """Not final: try again later."""
    REFUSED = auto()
    """All of them are refused, for a reason of the request, such as its credentials."""
    INVALID = auto()
    """At least one of them is bad; the response does not say which."""
    PARTIAL = auto()
    """Those in `failed` are bad, the others are stored."""
    TOO_LARGE = auto()
    """The request is too large; a smaller one may pass."""
    OUTDATED = auto()
    """The request was not sent: some records have become too old for /track."""


class FailedRecord(NamedTuple):
    """One entry of `failed_records`: its place in the request (from 0) and why it failed."""

    place: int | None
    insert_id: str | None
    reason: str


class InterpretedResponse(NamedTuple):
    """The meaning of one response.

    `retry_after` is how many seconds Mixpanel asks to wait, `imported` the number of records it
    says it stored; both are `None` if it does not say. `unclear`: whether it stored something
    is unknown. `status` is the HTTP status, if there was a response.
    """

    meaning: Meaning
    reason: str | None = None
    retry_after: float | None = None
    failed: tuple[FailedRecord, ...] = ()
    imported: int | None = None
    unclear: bool = False
    status: int | None = None


def classify(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    redact: Callable[[bytes], bytes] = bytes,
) -> InterpretedResponse:
    """The meaning of an HTTP response; `headers` must be found in any case of their names.

    `redact` hides secrets in a body before a reason quotes a part of it. The meaning is that of
    the body as it came: a short secret may equal a word of Mixpanel's own.
    """
    answer = _decode(body)
    reason = f"HTTP {status}: {_error_text(answer, redact(body))}"
    if 200 <= status < 300:
        return _classify_success(answer, reason, headers)
    if status in RETRIED_STATUSES or status >= 500:
        unclear = status not in CLEAR_STATUSES
        return InterpretedResponse(
            Meaning.RETRY, reason, retry_after=_retry_after(headers), unclear=unclear
        )
    if status == 413:
        return InterpretedResponse(Meaning.TOO_LARGE, reason)
    if 300 <= status < 400:
        target = headers.get("Location", "nowhere")[:EXCERPT]
        reason = f"HTTP {status}: redirects are not followed (to {target})"
    if _is_foreign(status, answer, body):
        return InterpretedResponse(
            Meaning.RETRY, f"{reason} ({NOT_MIXPANEL})", retry_after=_retry_after(headers)
        )
    if status == 400:
        return _classify_bad_request(answer, reason)
    if status in (401, 403):
        reason += " (check the project's token, apiSecret and residency)"
    return InterpretedResponse(Meaning.REFUSED, reason)


def _classify_success(answer: Any, reason: str, headers: Mapping[str, str]) -> InterpretedResponse:
    state = answer.get("status") if isinstance(answer, dict) else answer
    if _is_mixpanels(answer):
        if state == 1 or state == "OK":
            return InterpretedResponse(Meaning.DELIVERED, imported=_imported(answer))
        if isinstance(answer, dict) and answer.get("error") == TEMPORARY_FAILURE:
            return InterpretedResponse(Meaning.RETRY, reason, retry_after=_retry_after(headers))
        if state == 0:
            return InterpretedResponse(Meaning.INVALID, reason)
        if isinstance(state, str):
            return InterpretedResponse(Meaning.REFUSED, reason)
    return InterpretedResponse(Meaning.RETRY, f"{reason} ({NOT_MIXPANEL})", unclear=True)


def _is_mixpanels(answer: Any) -> bool:
    """Whether a JSON value has one of the forms of Mixpanel's responses.

    These are `1` and `0`, and objects with the text `error` or with the `status` 1, 0 or `OK`.
    Their `status` is never an HTTP status, and their `error` never an object, as in the JSON errors
    of gateways and frameworks (docs/facts/mixpanel-http-api.md#rate-limits-errors-and-retries).
    """
    if not isinstance(answer, dict):
        return _is_flag(answer)
    state = answer.get("status")
    if isinstance(answer.get("error"), str):
        return state is None or isinstance(state, str) or _is_flag(state)
    return _is_flag(state) or state == "OK" or isinstance(answer.get("failed_records"), list)


def _is_flag(value: Any) -> bool:
    """Whether a value is the number 1 or 0."""
    return type(value) is int and value in (0, 1)


def _is_foreign(status: int, answer: Any, body: bytes) -> bool:
    """Whether an error was sent by something else than Mixpanel, such as a firewall."""
    if status == MISDIRECTED or 300 <= status < 400:
        return True
    if answer is not None:
        return not _is_mixpanels(answer)
    text = body.removeprefix(codecs.BOM_UTF8).strip()
    if status == 400:  # Mixpanel may explain it in plain text
        return text.startswith(b"<")
    return text != b"" or status not in MAY_BE_EMPTY


def _classify_bad_request(answer: Any, reason: str) -> InterpretedResponse:
    records = answer.get("failed_records") if isinstance(answer, dict) else None
    if not isinstance(records, list) or not records:
        return InterpretedResponse(Meaning.INVALID, reason)
    failed = tuple(_failed_record(record) for record in records)
    return InterpretedResponse(Meaning.PARTIAL, reason, failed=failed, imported=_imported(answer))


def _failed_record(record: Any) -> FailedRecord:
    """An entry of `failed_records`; the id key is documented both with and without the dollar."""
    if not isinstance(record, dict):
        return FailedRecord(None, None, str(record))
    index = record.get("index")
    insert_id = record.get("insert_id", record.get("$insert_id"))
    parts = [str(record[key]) for key in ("field", "message") if record.get(key)]
    return FailedRecord(
        index if isinstance(index, int) and not isinstance(index, bool) else None,
        insert_id if isinstance(insert_id, str) else None,
        ": ".join(parts) or "no reason given",
    )


def _decode(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _error_text(answer: Any, body: bytes) -> str:
    if isinstance(answer, dict) and answer.get("error"):
        return str(answer["error"])
    text = " ".join(body[: 4 * EXCERPT].decode(errors="replace").split())
    return text[:EXCERPT] or "empty body"


def _imported(answer: Any) -> int | None:
    count = answer.get("num_records_imported") if isinstance(answer, dict) else None
    return count if isinstance(count, int) else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of `Retry-After`; a date counts from the response's own `Date`.

    Without a `Date` a date is ignored, since this clock may differ from the server's.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment, now = _http_date(text), _http_date(headers.get("Date", ""))
    return max(0.0, (moment - now).total_seconds()) if moment and now else None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
