"""What the journal must not show."""

from collections.abc import Mapping

HIDDEN = "***"
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
SECRET_PARAMETERS = frozenset({"api_key", "api_secret", "sig"})


def redacted_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with credentials hidden; the scheme stays: `Basic ***`."""
    return {
        name: _credential(value) if name.lower() in SECRET_HEADERS else value
        for name, value in headers.items()
    }


def redacted_query(query: Mapping[str, str]) -> dict[str, str]:
    """Query parameters with keys and signatures hidden."""
    return {
        name: HIDDEN if name.lower() in SECRET_PARAMETERS else value
        for name, value in query.items()
    }


def _credential(value: str) -> str:
    scheme, _, rest = value.strip().partition(" ")
    known = scheme.lower() in ("basic", "bearer") and rest
    return f"{scheme} {HIDDEN}" if known else HIDDEN
