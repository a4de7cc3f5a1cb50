"""One Mixpanel that probes are sent to: its addresses, and one HTTP request to it."""

import json
from collections.abc import Mapping
from typing import Any

import requests

from conformance.parity.access import ProjectAccess
from conformance.parity.encoding import HttpRequest

TIMEOUT_SECONDS = 60
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


class Service:
    """A Mixpanel with the project that is probed."""

    def __init__(self, base_urls: Mapping[str, str], access: ProjectAccess) -> None:
        self.base_urls, self.access = dict(base_urls), access
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.clear()

    @classmethod
    def at(cls, base_url: str, access: ProjectAccess) -> "Service":
        """A service that has all routes at one address, as a mock has."""
        return cls(dict.fromkeys(("ingestion", "query", "export"), base_url), access)

    def send(self, request: HttpRequest) -> requests.Response:
        """Send one request; redirects are not followed. Raises ServiceUnavailable."""
        kind = "export" if request.path.startswith(EXPORT) else "query"
        kind = kind if request.path.startswith("/api/") else "ingestion"
        try:
            return self._session.request(
                request.method,
                self.base_urls[kind] + request.path,
                params=request.query,
                headers=request.headers,
                data=request.body or None,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            # The text of the exception may contain the whole address, with parameters.
            raise ServiceUnavailable(f"no answer: {type(error).__name__}") from None

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()


def answer(response: requests.Response, headers: tuple[str, ...]) -> dict[str, Any]:
    """What is compared of a response: status, body, and the named headers."""
    content = response.content
    found: dict[str, Any] = {"status": response.status_code, "body": _body(content)}
    if headers:
        found["headers"] = {name: response.headers.get(name) for name in headers}
    return found


def _body(content: bytes) -> Any:
    if content[:1] in (b"{", b"["):
        try:
            return json.loads(content)
        except ValueError:
            pass
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"{len(content)} bytes: {content.hex()[:200]}"
