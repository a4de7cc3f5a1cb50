"""Decides which project a credential may import into
(docs/facts/mixpanel-http-api.md#hosts-routes-and-authentication,
docs/facts/mixpanel-http-api.md#import-requests).

A project with a secret or service accounts requires one of: service account and `project_id`, its
secret, its token. A project with neither accepts every credential, or no credential if the records
carry a token (choice). A wrong credential is a 401, with `strict` and without (choice).
"""

import base64
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from mock_mixpanel.projects.config import Project

_TO_STANDARD_BASE64 = str.maketrans("-_", "+/")


class Credential(NamedTuple):
    """User and password of the Basic scheme; a secret or a token comes as user alone."""

    username: str
    password: str


def read_basic(header: str) -> Credential | None:
    """The credential in an Authorization header, or None if it has no credential.

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
    """The project of a credential, among those of the region; region None: among all."""
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


def guarded_by_name(
    credential: Credential | None, names: Iterable[str], known: Iterable[Project]
) -> Project | None:
    """The guarded project that a request names without its right credential, if any.

    Any name counts: a token or project id among `names`, the user of the credential, or a service
    account, which has access to its own projects only. Call this after `project_of`. Sources:
    mixpanel/mixpanel-ruby#152, mixpanel/mixpanel-python#88 and #110.
    """
    used = set(names) | ({credential.username} if credential else set())
    for project in known:
        users = {each.username for each in project.service_accounts}
        if project.guarded and ({project.token, project.project_id} | users) & used:
            return project
    return None


def tokens_by_record(
    credential: Credential | None,
    project_id: str,
    records: Sequence[Any],
    known: Sequence[Project],
    strict_projects: bool,
) -> list[str] | None:
    """The project of each record when the credential is not that of a known project; None: 401.

    A record without a token goes to the project that the request names: by the user of a
    credential without a password, else by `project_id` (choice).
    """
    if strict_projects or guarded_by_name(credential, [project_id], known):
        return None
    name = ""
    if credential:
        name = project_id if credential.password else credential.username
    by_project_id = {each.project_id: each.token for each in known if each.project_id}
    tokens = [record_token(record) or by_project_id.get(name, name) for record in records]
    guarded = {each.token for each in known if each.guarded}
    if any(not token or token in guarded for token in tokens):
        return None
    return tokens


def record_token(record: Any) -> str:
    """`properties.token`, or "" if it is absent."""
    properties = record.get("properties") if isinstance(record, dict) else None
    token = properties.get("token") if isinstance(properties, dict) else None
    return token if isinstance(token, str) else ""
