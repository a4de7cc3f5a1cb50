"""A client for a server with Segment's Tracking API."""

import json
from typing import Any
from urllib.parse import urlsplit

import requests

from conformance.errors import DriverBroken, UsageError
from conformance.spec.scenarios.loading import Json
from conformance.targets.target import TargetFailed
from translator.sender.http.destination_guard import is_loopback

CALLS = ("track", "identify", "page", "screen", "group", "alias")
"""The calls that have a path of their own; others go to /v1/batch."""

CONTROL = "/_conformance"
"""The path at which a server accepts settings and time, if it supports this."""


class SegmentServer:
    """A server at a base URL, whose user name is the write key.

    Every call raises DriverBroken if the server does not answer within `timeout_seconds`. Raises
    UsageError for a text that is not a URL, or a URL of another machine.
    """

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{url!r} is not a URL; use one as in 'http:http://127.0.0.1:3000'")
        if not is_loopback(parts.hostname):
            raise UsageError(
                f"{parts.hostname} is not this machine, so it cannot reach the mock here; "
                "use a server on 127.0.0.1"
            )
        address = parts.netloc.rpartition("@")[2]
        self.url = f"{parts.scheme}://{address}{parts.path.rstrip('/')}"
        self._timeout_seconds = timeout_seconds
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.auth = (parts.username or "write-key", "")

    def send(self, message: Any) -> str:
        """Send one message as a library of Segment's would; returns the reason if the server
        refuses it.

        Raises TargetFailed if the server crashes on it.
        """
        path, body = _request(message)
        answer = self._post(path, body)
        if answer.status_code >= 500:
            raise TargetFailed(f"POST {path}: HTTP {answer.status_code}: {answer.text}")
        return "" if answer.ok else f"POST {path}: HTTP {answer.status_code}: {answer.text}"

    def ask(self, command: Json) -> Json:
        """The reply to a command of the protocol.

        Raises UsageError if the server takes none, DriverBroken if its reply is not a JSON object.
        """
        name = command["command"]
        answer = self._post(CONTROL, json.dumps(command).encode())
        if answer.status_code in (404, 405, 501):
            raise UsageError(
                f"{self.url} does not take {CONTROL} (HTTP {answer.status_code}), so it cannot be "
                "given settings; name its settings with --settings FILE"
            )
        try:
            reply = answer.json()
        except ValueError:
            reply = None
        if not answer.ok or not isinstance(reply, dict):
            raise DriverBroken(
                f"{self.url}: answered {name!r} with HTTP {answer.status_code}: {answer.text:.500}"
            )
        return reply

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def _post(self, path: str, body: bytes) -> requests.Response:
        try:
            return self._session.post(
                self.url + path,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=self._timeout_seconds,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            problem = _problem(error, self._timeout_seconds)
            raise DriverBroken(f"{self.url}: does not answer POST {path}: {problem}") from error


def _problem(error: requests.RequestException, timeout_seconds: float) -> str:
    """The reason why there is no response, without the names of the HTTP client's classes."""
    if isinstance(error, requests.Timeout):
        return f"no response within {timeout_seconds:g} seconds"
    if "Connection refused" in str(error):
        return "connection refused; is the server running on this port?"
    return str(error)


def _request(message: Any) -> tuple[str, bytes]:
    """Path and body for a message."""
    call = message.get("type") if isinstance(message, dict) else None
    if call in CALLS:
        return f"/v1/{call}", json.dumps(message).encode()
    return "/v1/batch", json.dumps({"batch": [message]}).encode()
