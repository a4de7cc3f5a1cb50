"""Mixpanel's responses, byte for byte: plain, verbose, strict import, and the other envelopes.

Four error envelopes exist and are never mixed
(docs/facts/mixpanel-http-api.md#rate-limits-errors-and-retries): verbose `{error, status: 0|1}`,
strict import `{code, error, status: "Bad Request"}`, app `{error, status: "error"}` and query
`{request, error}`.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from mock_mixpanel.json_values import to_json

JSON_TYPE = "application/json"
"""Also of the verbose answer: a choice, one client needs it
(docs/facts/real-clients.md#what-counts-as-success)."""

TEXT_TYPE = "text/plain"
"""Without a charset: the bodies are ASCII, and only the type is documented."""

NO_REQUEST_PAGE = "<!DOCTYPE html><title>%(code)d</title><p>%(message)s.</p>"
"""The response to a malformed HTTP request (choice)."""

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR42mNgAAIAAAUAAen63NgAAAAASUVORK5CYII="
)
"""One transparent pixel as PNG; the real bytes are unknown, this is a choice."""

RATE_LIMITED = "Project exceeded rate limits. Please retry the request with exponential backoff."
UPSTREAM = b"upstream connect error or disconnect/reset before headers"
"""Seen of the gateway with 502 and 503 (docs/facts/mixpanel-http-api.md#track-responses)."""

LONGEST_CALLBACK = 200
"""Characters of a `callback`."""

_NAME = r"[A-Za-z_$][\w$]*"
_CALLBACK = re.compile(
    rf"""{_NAME}(\.{_NAME}|\[\d+\]|\["[\w$-]*"\]|\['[\w$-]*'\])*|\(function\(\)\{{\}}\)""", re.ASCII
)
"""A reference to a JavaScript function, or the empty function that mixpanel-js names. Any other
text could make the response a script that the author of a link chose."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer. `cut` says where the connection is closed on purpose.

    "": not at all; "before": no answer is sent; "during": after half of the body; "after": after
    all of it, though the answer promises to keep the connection. `delay` is how many real seconds
    later than it could be it is sent.
    """

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: str = ""
    delay: float = 0

    @property
    def sent(self) -> bytes:
        """The part of the body that reaches the client."""
        return self.body[: len(self.body) // 2] if self.cut == "during" else self.body


def json_reply(status: int, value: Any) -> Reply:
    """Any JSON answer."""
    return Reply(status, to_json(value), JSON_TYPE)


@lru_cache(100)
def received(
    error: str | None, verbose: bool = False, callback: str = "", pixel: bool = False
) -> Reply:
    """The answer of /track, /engage, /groups and of /import without strict.

    `error` None is success. A `callback` that is not a function's name is ignored. The plain form
    is one character without a newline.
    """
    if pixel:
        return Reply(200, PIXEL, "image/png")
    status = 1 if error is None else 0
    body = to_json({"error": error, "status": status}) if verbose else b"%d" % status
    if len(callback) <= LONGEST_CALLBACK and _CALLBACK.fullmatch(callback):
        return Reply(200, b"%s(%s)" % (callback.encode(), body), "text/javascript")
    return Reply(200, body, JSON_TYPE if verbose else TEXT_TYPE)


def imported(count: int) -> Reply:
    """Strict import: all `count` records are stored."""
    return json_reply(200, {"code": 200, "num_records_imported": count, "status": "OK"})


def import_failed(failed: Sequence[Mapping[str, Any]], count: int) -> Reply:
    """Strict import: some records failed, `count` others are stored."""
    return json_reply(
        400,
        {
            "code": 400,
            "error": "some data points in the request failed validation",
            "failed_records": list(failed),
            "num_records_imported": count,
            "status": "Bad Request",
        },
    )


def import_error(status: int, error: str) -> Reply:
    """The envelope of an import that failed as a whole."""
    name = "Request Entity Too Large" if status == 413 else _phrase(status)
    return json_reply(status, {"code": status, "error": error, "status": name})


def too_large_page() -> Reply:
    """413 on the token routes: a page of HTML, as the edge sends
    (docs/facts/mixpanel-http-api.md#track-responses); its text is a choice."""
    page = (
        b"<!DOCTYPE html><title>413</title><p>Your client issued a request that was too large.</p>"
    )
    return Reply(413, page, "text/html; charset=utf-8")


def failure(endpoint: str, status: int) -> Reply:
    """The known response of an endpoint with a status
    (docs/facts/mixpanel-http-api.md#track-responses,
    docs/facts/mixpanel-http-api.md#import-responses).

    /import has an envelope for every error. The token routes have a page for 413, the gateway's
    line for 502 and 503, and `{error, status: "error"}`, declared for 401 and 403, for the others
    (choice).
    """
    if status in (502, 503):
        return Reply(status, UPSTREAM, TEXT_TYPE)
    error = words(status)
    if endpoint == "/import" and status >= 400:
        return import_error(status, error)
    return too_large_page() if status == 413 else app_error(status, error)


def words(status: int) -> str:
    """The text for a status: known for 401 and 429
    (docs/facts/mixpanel-http-api.md#import-responses), else its name."""
    return {401: "Invalid credentials", 429: RATE_LIMITED}.get(status, _phrase(status))


def app_error(status: int, error: str, **more: Any) -> Reply:
    """The envelope of the app routes and of unknown routes."""
    return json_reply(status, {"error": error, "status": "error", **more})


def store_unavailable() -> Reply:
    """The answer while a database does not answer: nothing was stored, so clients try again."""
    return json_reply(503, {"error": "the store is not available; try again", "status": 0})


def query_error(status: int, request: str, error: str) -> Reply:
    """The envelope of the query routes; `request` is the path with its query."""
    return json_reply(status, {"request": request, "error": error})


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"
