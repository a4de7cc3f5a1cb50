"""Hides secrets in the journal, in logs and in errors."""

import re
from collections.abc import Mapping
from functools import lru_cache

HIDDEN = "***"
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
SECRET_PARAMETERS = frozenset({"api_key", "api_secret", "sig"})

_TELLING = (
    r"(?:api[_-]?key|secret|passw(?:or)?d|authorization|credential"
    r"|(?:access|auth|refresh)[_-]?token|bearer)"
)
_SECRET = re.compile(_TELLING, re.IGNORECASE)
_PAIR = re.compile(
    rf"""(?ix) (\b [\w-]* {_TELLING} [\w-]* | \b sig)  # the name
    (["']? \s* [=:] \s* (?:(?:basic|bearer)\s+)? ["']?)    # what parts it from the value
    [^&"',;\s}}\]]+"""
)


def redacted_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with credentials hidden; the scheme stays: `Basic ***`."""
    return {name: _redacted_header(name, value) for name, value in headers.items()}


def redacted_query(query: Mapping[str, str]) -> dict[str, str]:
    """Query parameters with keys, secrets and signatures hidden."""
    return {
        name: HIDDEN if _is_secret(name, SECRET_PARAMETERS) else value
        for name, value in query.items()
    }


def redacted_text(text: str) -> str:
    """A text in which the value after the name of a secret is hidden, as in `api_key=...`."""
    return _PAIR.sub(rf"\1\2{HIDDEN}", text)


def _redacted_header(name: str, value: str) -> str:
    # Clients repeat their headers; long values are not cached.
    known = _known_header if len(name) + len(value) < 200 else _known_header.__wrapped__
    return known(name, value)


@lru_cache(1000)
def _known_header(name: str, value: str) -> str:
    return _credential(value) if _is_secret(name, SECRET_HEADERS) else redacted_text(value)


def _is_secret(name: str, known: frozenset[str]) -> bool:
    return name.lower() in known or _SECRET.search(name) is not None


def _credential(value: str) -> str:
    scheme, _, rest = value.strip().partition(" ")
    known = scheme.lower() in ("basic", "bearer") and rest
    return f"{scheme} {HIDDEN}" if known else HIDDEN
