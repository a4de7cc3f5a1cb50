"""HTTP requests as Mixpanel's endpoints take them."""

import base64
import gzip
import threading
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

TIMEOUT_SECONDS = (5.0, 30.0)
"""Timeouts for the connection, and between two bytes of the response."""

GZIP_FROM_BYTES = 1024
"""Smaller bodies are not compressed."""

GZIP_LEVEL = 1
"""The fastest: level 6 takes twice the time to make a body of events a tenth smaller."""

QUERIES: Mapping[str, Mapping[str, str]] = {
    "/track": {"verbose": "1", "ip": "0"},
    "/engage": {"verbose": "1", "ip": "0"},
    "/groups": {"verbose": "1", "ip": "0"},
    "/import": {"strict": "1", "ip": "0"},
}
"""The control parameters: responses give reasons, and this machine's address is not taken for the
user's (`ip=0`)."""

ENDPOINTS = frozenset(QUERIES)
"""The endpoints that operations are sent to."""

GZIP_ENDPOINTS = frozenset({"/track", "/import"})
"""Compression is documented as not supported elsewhere
(docs/facts/mixpanel-http-api.md#profile-requests)."""


class HttpResponse(NamedTuple):
    """An HTTP response; the names of `headers` are found in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NetworkError(Exception):
    """There is no response: no connection, a timeout, or a broken connection.

    `unclear`: something was sent, so the records may have arrived.
    """

    def __init__(self, text: str, *, unclear: bool = True) -> None:
        super().__init__(text)
        self.unclear = unclear


class Transport(Protocol):
    """Sends one request and gives its response, or raises NetworkError."""

    def post(self, base_url: str, endpoint: str, body: bytes) -> HttpResponse: ...

    def close(self) -> None: ...


class HttpTransport:
    """The transport over HTTP, with connections kept alive.

    Several threads may use it. `api_secret` is sent only to /import, as the user of Basic auth
    with an empty password.
    """

    def __init__(self, api_secret: str | None = None) -> None:
        self._own = threading.local()
        self._sessions: list[requests.Session] = []
        self._authorization = None
        if api_secret is not None:
            self._authorization = b"Basic " + base64.b64encode(f"{api_secret}:".encode())

    def post(self, base_url: str, endpoint: str, body: bytes) -> HttpResponse:
        """POST a JSON body; redirects are not followed."""
        headers: dict[str, str | bytes] = {"Content-Type": "application/json"}
        if endpoint in GZIP_ENDPOINTS and len(body) > GZIP_FROM_BYTES:
            body = gzip.compress(body, GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        if endpoint == "/import" and self._authorization is not None:
            headers["Authorization"] = self._authorization
        try:
            response = self._session().post(
                base_url + endpoint,
                params=QUERIES.get(endpoint),
                data=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise NetworkError(_describe(error), unclear=not _never_connected(error)) from error
        return HttpResponse(response.status_code, response.headers, response.content)

    def close(self) -> None:
        """Close the kept connections."""
        while self._sessions:
            self._sessions.pop().close()
        self._own = threading.local()

    def _session(self) -> requests.Session:
        """The calling thread's own session."""
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = requests.Session()
            # No proxy and no credentials from the environment.
            session.trust_env = False
            self._sessions.append(session)
        return session


def _describe(error: requests.RequestException) -> str:
    """The problem, without the object addresses of urllib3's messages."""
    if isinstance(error, requests.Timeout):
        return "no response in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "the connection is not secure"
    if isinstance(error, requests.ConnectionError):
        return "no connection, or it was closed before the response"
    return type(error).__name__


def _never_connected(error: requests.RequestException) -> bool:
    """Whether no byte of the request can have arrived."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(
        reason, NewConnectionError | ConnectTimeoutError
    )
