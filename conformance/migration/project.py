"""One project of the mock Mixpanel, in this process and without a socket."""

import base64
import io
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import orjson
from flask import Flask

from conformance.errors import EngineError, UsageError
from conformance.spec.scenarios.loading import Json
from mock_mixpanel import Config
from mock_mixpanel.app import create_app

TOKEN = "migration"  # noqa: S105 - of a project that exists in memory only
SECRET = "secret"  # noqa: S105

QUERIES: Mapping[str, Mapping[str, str]] = {
    "/track": {"verbose": "1", "ip": "0"},
    "/import": {"strict": "1", "ip": "0"},
    "/engage": {"verbose": "1", "ip": "0"},
    "/groups": {"verbose": "1", "ip": "0"},
}
"""Control parameters of the requests, as a careful sender sets them."""


class SentRequest(NamedTuple):
    """A request, and the mock's verdicts on its records.

    `unreadable` is the reason if the mock found no record of the project in it. Such a request
    counts as one record, whatever it holds; one to an unknown path as none.
    """

    counted: int
    unreadable: str = ""


class MockProject:
    """A project with its own mock: its clock and its contents.

    `options` are those of a project in the mock, such as `{"identity": "simplified"}`. The mock is
    a new one unless its `application` is given. Raises UsageError for an option that it refuses.
    """

    def __init__(self, options: Json, application: Flask | None = None) -> None:
        self._application = application or create_app(Config())
        self._authorization = "Basic " + base64.b64encode(f"{SECRET}:".encode()).decode()
        self.now: datetime | None = None
        body = orjson.dumps({"secret": SECRET, **options})
        status, answer = self._request("PUT", f"/_mock/projects/{TOKEN}", "", body)
        if status >= 400:
            raise UsageError(f"--project: {_problem(answer)}")

    def advance_to(self, now: datetime) -> None:
        """Move the clock forward; it never goes back."""
        if self.now is None or now > self.now:
            self.now = now
            self._call("POST", "/_mock/clock", {"now": now.isoformat(), "freeze": True})

    def send(
        self, endpoint: str, records: Sequence[Json], query: Mapping[str, str] | None = None
    ) -> "SentRequest":
        """Send records in one request, with a careful sender's query unless one is given.

        Credentials are always right. `rejected` has the records that Mixpanel refused.
        """
        query_text = urlencode(QUERIES.get(endpoint, {}) if query is None else query)
        try:
            body = orjson.dumps(records)
        except TypeError:
            body = json.dumps(records).encode()
        status, answer = self._request("POST", endpoint, query_text, body)
        if status == 200 and _all_readable(endpoint, records, answer):
            return SentRequest(len(records))
        [last] = self._call("GET", "/_mock/requests", query="limit=1&summary=1")
        if TOKEN in last["tokens"]:
            return SentRequest(last["records"])
        whole = self._call("GET", f"/_mock/requests/{last['id']}")
        reasons = [reason for verdict in whole["verdicts"] for reason in verdict["reasons"]]
        return SentRequest(last["records"], "; ".join(reasons) or f"HTTP status {status}")

    def read(self, section: str) -> Any:
        """`events`, `profiles`, `groups`, `rejected` or `identities`, as the mock shows them."""
        return self._call("GET", f"/_mock/{section}", query=f"token={quote(TOKEN)}")

    def requests_after(self, number: int) -> list[Json]:
        """The requests in the journal with a higher number, oldest first."""
        found: list[Json] = self._call("GET", "/_mock/requests", query=f"since={number}")
        return found

    def _call(self, method: str, path: str, body: Any = None, query: str = "") -> Any:
        data = b"" if body is None else orjson.dumps(body)
        status, answer = self._request(method, path, query, data)
        if status >= 400:
            raise EngineError(f"{method} {path}: HTTP {status}: {_problem(answer)}")
        try:
            return orjson.loads(answer)
        except orjson.JSONDecodeError:
            # The standard library reads lone surrogates, which refused records can hold.
            return json.loads(answer)

    def _request(self, method: str, path: str, query: str, body: bytes) -> tuple[int, bytes]:
        """One request as PEP 3333 describes it; the status and the body of the answer."""
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": self._authorization,
            "HTTP_HOST": "127.0.0.1",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        status = ""

        def start_response(given: str, headers: Any, exc_info: Any = None) -> None:
            nonlocal status
            status = given

        chunks: Any = self._application.wsgi_app(environ, start_response)  # type: ignore[arg-type]
        try:
            answer = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        return int(status.partition(" ")[0]), answer


def _all_readable(endpoint: str, records: Sequence[Json], answer: bytes) -> bool:
    """Whether a response proves that the mock read the records, and the first as our project's.

    A success without the token of our project proves nothing: the record can be another project's.
    """
    if endpoint not in QUERIES or not records or _token(endpoint, records[0]) != TOKEN:
        return False
    try:
        found = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return False
    if type(found) is dict:
        return found.get("status") == 1 or found.get("num_records_imported") == len(records)
    return type(found) is int and found == 1


def _token(endpoint: str, record: Json) -> Any:
    """The token where Mixpanel reads it: in the properties of an event, `$token` of an update."""
    if endpoint in ("/engage", "/groups"):
        return record.get("$token")
    properties = record.get("properties")
    return properties.get("token") if type(properties) is dict else None


def _problem(answer: bytes) -> str:
    """The error that the mock's control API names in its response, else the response itself."""
    try:
        return str(orjson.loads(answer)["error"])
    except (ValueError, KeyError, TypeError):
        return answer[:500].decode(errors="replace")
