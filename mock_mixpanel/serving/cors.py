"""Cross-origin access, for the SDKs that run in web pages.

Pages may call ingestion and what SDKs call at start-up, from any origin and with credentials, as
with Mixpanel itself. They may read nothing else: see `guard`.
"""

import re

from mock_mixpanel.ingest.endpoints import ENDPOINTS
from mock_mixpanel.readback.sdk.sdk_endpoints import SDK_PATHS

_ORIGIN = re.compile(r"[\x21-\x7e]{1,300}")
_HEADER_NAMES = re.compile(r"[\x20-\x7e]{1,4000}")
_DEFAULT_HEADERS = "authorization, traceparent, content-type"


def is_for_pages(path: str) -> bool:
    """Whether pages of other origins may use a path."""
    path = path.rstrip("/")
    return path in ENDPOINTS or path.startswith("/flags/") or path in SDK_PATHS


def response_headers(origin: str | None) -> dict[str, str]:
    """The headers that let a page of an origin read a response; none without a usable origin."""
    if not origin or not _ORIGIN.fullmatch(origin):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "Retry-After",
        "Vary": "Origin",
    }


def preflight_headers(origin: str | None, requested: str | None) -> dict[str, str]:
    """The headers of the response to a preflight request.

    The list of headers that Mixpanel allows is unknown, so every requested one is allowed (choice).
    """
    allowed = response_headers(origin)
    if not allowed:
        return {}
    names = requested if requested and _HEADER_NAMES.fullmatch(requested) else _DEFAULT_HEADERS
    return {
        **allowed,
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": names,
    }
