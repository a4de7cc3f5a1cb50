"""Who may import into which project
(docs/facts/mixpanel-http-api.md#hosts-routes-and-authentication,
docs/facts/mixpanel-http-api.md#import-requests).

A project with a secret or service accounts wants one of: service account and `project_id`, its
secret, its token. A project with neither takes every credential, and none at all if the records
carry a token (choice). A wrong credential is a 401, with `strict` and without (choice).
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mock_mixpanel.projects.config import Project

_TO_STANDARD_BASE64 = str.maketrans("-_", "+/")


class Credential(NamedTuple):
    """User and password of the Basic scheme; a secret or a token comes as user alone."""

    username: str
    password: str


def read_basic(header: str) -> Credential | None:
    """The credential in an Authorization header, or None if there is none.

    Takes base64 in both alphabets, with and without padding, with and without a colon inside, and
    the un-encoded `user:secret` that is documented for service accounts.
    """
    scheme, _, value = header.strip().partition(" ")
    value = value.strip()
    if scheme.lower() != "basic" or not value:
        return None
    packed = value.translate(_TO_STANDARD_BASE64).rstrip("=")
    try:
        value = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode()
    except ValueError:  # no base64, no ASCII, or no UTF-8 in it
        if ":" not in value:
            return None
    username, _, password = value.partition(":")
    return Credential(username, password)


def project_of(
    credential: Credential | None, project_id: str, region: str | None, known: Iterable[Project]
) -> Project | None:
    """The project whose credential this is, among those that live in the region; None: in any."""
    for project in known:
        if (region is None or project.region in (None, region)) and credential:
            account = any(
                credential == (each.username, each.secret) for each in project.service_accounts
            )
            if account and project_id == project.project_id:
                return project
            if not credential.password and credential.username in (project.secret, project.token):
                return project
    return None


def tokens_by_record(
    credential: Credential | None,
    project_id: str,
    records: Sequence[Any],
    guarded: Mapping[str, Project],
    strict_projects: bool,
) -> list[str] | None:
    """The project each record goes to when the credential names no known project; None: 401.

    Without a token in the record the credential itself stands for the project: the user name, or
    the project id of a service account (choice).
    """
    if strict_projects:
        return None
    spare = ""
    if credential:
        spare = project_id if credential.password else credential.username
    tokens = [record_token(record) or spare for record in records]
    if any(not token or token in guarded for token in tokens):
        return None
    return tokens


def record_token(record: Any) -> str:
    """`properties.token`, or "" if there is none."""
    properties = record.get("properties") if isinstance(record, dict) else None
    token = properties.get("token") if isinstance(properties, dict) else None
    return token if isinstance(token, str) else ""
