"""Finds the token of the project that each record of a request is for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mock_mixpanel.backend import Backend
from mock_mixpanel.ingest import authentication
from mock_mixpanel.ingest.http_request import Envelope

EVENTS = ("/track", "/import")
"""The endpoints of events."""


def shared_token(records: Sequence[Any]) -> str:
    """The token that all of these events have; "" if they have several or none."""
    try:
        tokens = [record["properties"]["token"] for record in records]
    except (KeyError, TypeError):
        return ""
    first = tokens[0]
    return first if type(first) is str and tokens.count(first) == len(tokens) else ""


def sent_tokens(endpoint: str, records: Iterable[Any]) -> list[str]:
    """The token of each record; "" where it is absent."""
    if endpoint in EVENTS:
        return [authentication.record_token(record) for record in records]
    tokens = [record.get("$token") if isinstance(record, dict) else None for record in records]
    return [token if isinstance(token, str) else "" for token in tokens]


def import_tokens(
    backend: Backend, envelope: Envelope, controls: Mapping[str, str], records: Sequence[Any]
) -> list[str] | None:
    """The token of each record of an import; None if its credential is not valid."""
    credential = authentication.read_basic(envelope.header("Authorization"))
    project_id = controls.get("project_id", "")
    known = backend.projects.known()
    project = authentication.project_of(credential, project_id, envelope.region, known)
    if project:
        return [project.token] * len(records)
    if authentication.project_of(credential, project_id, None, known):
        return None
    strict = backend.config.strict_projects
    return authentication.tokens_by_record(credential, project_id, records, known, strict)
