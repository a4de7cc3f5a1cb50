"""One Mixpanel that probes are sent to: its addresses, and one HTTP request to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from conformance.parity.access import ProjectAccess
from conformance.parity.encoding import HttpRequest

TIMEOUT_SECONDS = 60
MAX_BYTES = 64 * 1024 * 1024
"""The largest body, decompressed, that is read of a response."""
MAX_DEPTH = 50
"""The deepest nesting of JSON that is read."""
EXPORT = "/api/2.0/export"

LIVE = {
    region: {
        "ingestion": f"https://api{suffix}.mixpanel.com",
        "query": f"https://{prefix}mixpanel.com",
        "export": f"https://data{suffix}.mixpanel.com",
    }
    for region, suffix, prefix in (("us", "", ""), ("eu", "-eu", "eu."), ("in", "-in", "in."))
}
"""Mixpanel's base URLs by region (docs/facts/mixpanel-http-api.md#hosts-routes-and-authentication).
"""


class ServiceUnavailable(Exception):
    """There was no usable answer; the text says why."""


@dataclass(frozen=True)
class ServiceResponse:
    """A response that was read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Service:
    """A Mixpanel with the project that is probed."""

    def __init__(self, base_urls: Mapping[str, str], access: ProjectAccess) -> None:
        self.base_urls, self.access = dict(base_urls), access
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.clear()
        self._session.headers["User-Agent"] = "mockpanel-parity"

    @classmethod
    def at(cls, base_url: str, access: ProjectAccess) -> "Service":
        """A service that has all routes at one address, as a mock has."""
        return cls(dict.fromkeys(("ingestion", "query", "export"), base_url), access)

    def send(self, request: HttpRequest) -> ServiceResponse:
        """Send one request; redirects are not followed.

        Raises ServiceUnavailable if there is no complete answer of at most MAX_BYTES.
        """
        kind = "export" if request.path.startswith(EXPORT) else "query"
        kind = kind if request.path.startswith("/api/") else "ingestion"
        try:
            with self._session.request(
                request.method,
                self.base_urls[kind] + request.path,
                params=request.query,
                headers=request.headers,
                data=request.body or None,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as response:
                body = bytearray()
                for chunk in response.iter_content(64 * 1024):
                    body += chunk
                    if len(body) > MAX_BYTES:
                        raise ServiceUnavailable(f"the answer is larger than {MAX_BYTES} bytes")
                return ServiceResponse(response.status_code, response.headers, bytes(body))
        except requests.RequestException as error:
            # The text of the exception may contain the whole address, with parameters.
            raise ServiceUnavailable(_problem(error)) from None

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()


def answer(response: ServiceResponse, headers: tuple[str, ...]) -> dict[str, Any]:
    """The compared parts of a response: status, body, and the named headers."""
    found: dict[str, Any] = {"status": response.status, "body": _body(response.body)}
    if headers:
        found["headers"] = {name: response.headers.get(name) for name in headers}
    return found


def parsed(text: str) -> Any:
    """JSON as a value. Raises ValueError for malformed JSON, and beyond MAX_DEPTH levels."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return value
    raise ValueError("nested too deep")


def _body(content: bytes) -> Any:
    if content[:1] in (b"{", b"["):
        try:
            return parsed(content.decode())
        except ValueError:
            pass
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"{len(content)} bytes: {content.hex()[:200]}"


def _problem(error: requests.RequestException) -> str:
    """The reason why there is no response."""
    if isinstance(error, requests.Timeout):
        return f"no response within {TIMEOUT_SECONDS} seconds"
    if isinstance(error, requests.ConnectionError):
        return "no connection, or it was closed before the response"
    return f"no response: {type(error).__name__}"
