"""A read request: its parameters from the query, a form or JSON, and its project."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import orjson

from mock_mixpanel.backend import Backend
from mock_mixpanel.ingest import authentication
from mock_mixpanel.ingest.decoding.forms import MAX_FORM_FIELDS, url_encoded_fields
from mock_mixpanel.ingest.http_request import Envelope, Incoming
from mock_mixpanel.ingest.regions import misplaced
from mock_mixpanel.ingest.replies import Reply, json_reply
from mock_mixpanel.json_values import parse_exactly
from mock_mixpanel.log.records import Draft, RecordVerdict
from mock_mixpanel.projects.config import Project
from mock_mixpanel.readback.access import CallError, readable_project, shown_id
from mock_mixpanel.simulation.rate_limits import Window

QUERY_LIMIT = (
    "Query rate limit exceeded for project_id: %s. 1/5 queries running concurrently and %s/%s "
    "queries running in the last hour. For more information, please consult our documentation at "
    "https://docs.mixpanel.com"
)
"""As seen (docs/facts/mixpanel-http-api.md#engage-query); the address in it is a choice."""


@dataclass(frozen=True)
class ReadbackResponse:
    """A reply and the log entries it stores; `chunks` replace the body of the reply, if given."""

    reply: Reply
    drafts: Sequence[Draft] = ()
    chunks: Iterator[bytes] | None = None

    @classmethod
    def json(cls, value: Any, status: int = 200) -> "ReadbackResponse":
        """A JSON response."""
        return cls(json_reply(status, value))


@dataclass
class ReadbackCall:
    """One request. `now` is in virtual seconds since 1970; `host_url` is the base URL of the mock.

    `tokens` are the projects it turned out to be for.
    """

    backend: Backend
    incoming: Incoming
    now: float
    host_url: str
    tokens: set[str] = field(default_factory=set)

    @property
    def envelope(self) -> Envelope:
        """The request without its body."""
        return self.incoming.envelope

    @cached_property
    def params(self) -> Mapping[str, str]:
        """The parameters of the query and of a form or JSON body; the body wins (choice).

        Raises CallError 413 for too large a body, 400 for one that is not readable.
        """
        return {**self.envelope.query, **_body_params(self.body)}

    @property
    def body(self) -> bytes:
        """The body as sent. Raises CallError 413 if it is over the limit, 400 if it is cut."""
        if self.incoming.broken:
            raise CallError(400, self.incoming.broken)
        if self.incoming.body is None:
            raise CallError(413, "request body is too large")
        return self.incoming.body

    @property
    def request_line(self) -> str:
        """Path and query for the errors of the query routes; keys are hidden."""
        query = urlencode(self.envelope.shown[0])
        return f"{self.envelope.path}?{query}" if query else self.envelope.path

    @property
    def today(self) -> str:
        """The virtual date in UTC, `2026-06-15`."""
        return datetime.fromtimestamp(self.now, UTC).date().isoformat()

    @property
    def credential(self) -> authentication.Credential | None:
        """The Basic credential, if there is one."""
        return authentication.read_basic(self.envelope.header("Authorization"))

    def project(self, project_id: str = "") -> Project:
        """The project to read. Raises CallError 401 if the credential fits no project."""
        wanted = project_id or self.params.get("project_id", "")
        token = self.params.get("token", "")
        found = readable_project(self.backend, self.credential, wanted, token, self.envelope.region)
        self.tokens.add(found.token)
        return found

    def query_project(self) -> Project:
        """The project to read; the call counts as a query. Raises CallError 401 and 429."""
        project = self.project()
        limits = self.backend.projects.limits(project.token)
        self.count(project, "queries", Window(limits.hourly_queries, 3600))
        return project

    @property
    def computed_at(self) -> str:
        """The virtual time as query responses show it."""
        return datetime.fromtimestamp(self.now, UTC).isoformat(timespec="microseconds")

    def refuse(self, *names: str) -> None:
        """Raise CallError 501 for a parameter that is not available."""
        for name in names:
            if self.params.get(name):
                raise CallError(501, f"{name} is not available in this mock")

    def only_json(self) -> None:
        """Raise CallError 501 if another format than JSON is wanted."""
        if self.params.get("format", "json") != "json":
            raise CallError(501, "format is not available in this mock; leave it out for JSON")

    def text(self, name: str) -> str:
        """A parameter that must be there. Raises CallError 400 if it is missing or empty."""
        text = self.params.get(name, "")
        if not text:
            raise CallError(400, f"{name} is missing")
        return text

    def count(self, project: Project, kind: str, *windows: Window) -> None:
        """Count a call of a kind. Raises CallError 429 if it exceeds the limit.

        `Retry-After` is known of exports only (docs/facts/mixpanel-http-api.md#raw-export); with
        queries it is a choice.
        """
        full = self.backend.rates.call(project.token, kind, windows, self.now)
        if full:
            most = full.window.most or 0
            said = QUERY_LIMIT % (shown_id(project), most + 1, most)
            raise CallError(429, said, {"Retry-After": str(max(1, math.ceil(full.after)))})

    def draft(self, project: Project, endpoint: str, record: Any, delay: float = 0) -> Draft:
        """An entry for the log that takes effect `delay` seconds from now."""
        verdict = RecordVerdict(
            endpoint,
            project.token,
            self.envelope.region,
            received_at=self.now,
            effective_at=self.now + delay,
            accepted=True,
            identity=project.identity,
        )
        return Draft(record, verdict)

    def leak(self, project: Project) -> Draft:
        """A log entry about data that was sent to another region than that of the project."""
        record, verdict = self.draft(project, self.envelope.path, {"path": self.envelope.path})
        reason = misplaced(str(project.region), self.envelope.region)
        return Draft(record, verdict._replace(accepted=False, reasons=(reason,)))

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises CallError 400 for any other body."""
        try:
            value = parse_exactly(self.body)
        except ValueError as error:
            raise CallError(400, f"body is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise CallError(400, "body must be a JSON object")
        return value

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number from the parameters. Raises CallError 400 outside of its bounds."""
        text = self.params.get(name, "")
        if not text:
            return default
        digits = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
        if not (digits and least <= int(text) <= most):
            raise CallError(400, f"{name} must be a whole number from {least} to {most}")
        return int(text)

    def texts(self, name: str) -> list[str] | None:
        """A parameter that is a JSON array of texts; None if it is not given.

        A bare text stands for itself (choice). Raises CallError 400 for anything else.
        """
        text = self.params.get(name, "")
        if not text:
            return None
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            value = text
        if isinstance(value, str):
            return [value]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise CallError(400, f"{name} must be a JSON array of strings")
        return value


def _body_params(body: bytes) -> dict[str, str]:
    """The members of a form or of a JSON object; values other than text become JSON text."""
    text = body.strip()
    if not text:
        return {}
    if text[:1] not in (b"{", b"["):
        if text.count(b"&") >= MAX_FORM_FIELDS:
            raise CallError(400, f"body: more than {MAX_FORM_FIELDS} form fields")
        fields = url_encoded_fields(text)
        return {name: value.decode(errors="replace") for name, value in fields.items()}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CallError(400, f"body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CallError(400, "body must be a JSON object")
    try:
        return {
            name: item if isinstance(item, str) else orjson.dumps(item).decode()
            for name, item in value.items()
            if item is not None
        }
    except TypeError as error:  # It reads more levels than it writes.
        raise CallError(400, f"body: {error}") from error
