"""The head of an HTTP request as an envelope, as WSGI servers would read it.

Clients often repeat a head, so what was read is kept for the next request like it.
"""

from functools import lru_cache

from werkzeug.datastructures import Headers
from werkzeug.sansio.request import Request

from mock_mixpanel.ingest.endpoints import ENDPOINTS
from mock_mixpanel.ingest.http_request import Envelope

INGESTION_PATHS = {path: endpoint for endpoint in ENDPOINTS for path in (endpoint, f"{endpoint}/")}
"""The paths of ingestion, each with its endpoint."""

LONGEST_KEPT_QUERY = 1000
"""Bytes of a query up to which an envelope is kept."""

RawHeaders = tuple[tuple[bytes, bytes], ...]


def envelope(
    region: str, method: str, path: str, query: bytes, raw: RawHeaders, peer: str
) -> Envelope:
    """All of a request but its body; `raw` are the headers with their names in lower case."""
    return Envelope.of(region, method, path, _parameters(query), _headers(raw), peer)


_kept_envelope = lru_cache(1000)(envelope)


def kept_envelope(
    region: str, method: str, path: str, query: bytes, raw: RawHeaders, peer: str
) -> Envelope:
    """The same as `envelope`, but kept for the next request."""
    make = _kept_envelope if len(query) <= LONGEST_KEPT_QUERY else envelope
    return make(region, method, path, query, raw, peer)


@lru_cache(1000)
def _name(raw: bytes) -> str:
    """A header's name as WSGI servers write it."""
    return raw.decode("latin-1").title()


def _headers(raw: RawHeaders) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in raw:
        if b"_" in name:  # WSGI servers leave it out: it could be taken for one with a dash.
            continue
        key, text = _name(name), value.decode("latin-1")
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def _parameters(query: bytes) -> dict[str, str]:
    """The parameters as werkzeug reads them for the Flask application."""
    if not query:
        return {}
    return Request("GET", "http", None, "", "/", query, Headers(), None).args.to_dict()
