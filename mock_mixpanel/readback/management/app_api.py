"""Calls of readers before they read: own projects, check of a secret, data groups.

Sources: docs/facts/mixpanel-http-api.md#endpoints-that-sdks-call, docs/facts/real-clients.md. The
shapes beyond the members known there are choices: the names of permissions, the one organization,
and the members of a data group.
"""

from typing import Any

from mock_mixpanel.ingest import authentication
from mock_mixpanel.projects.config import Project
from mock_mixpanel.readback.access import CallError, shown_id
from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse
from mock_mixpanel.readback.data.groups import data_groups

ORGANIZATION = 1
PERMISSIONS = ["read_project", "write_project"]


def me(call: ReadbackCall) -> ReadbackResponse:
    """The projects of a service account, and those that accept every credential.

    Raises CallError 401 without a credential, and for one that is of no project.
    """
    credential = call.credential
    if credential is None:
        raise CallError(401, "Authorization is missing; it is Basic and a service account")
    known = {project.token: project for project in call.backend.projects.known()}
    stored = call.backend.projections.tokens(call.envelope.region)
    projects = {token: call.backend.projects.options(token) for token in stored} | known
    seen = [each for each in projects.values() if _sees(credential, each, call.envelope.region)]
    if projects and not seen:
        raise CallError(401, "Invalid credentials")
    name = credential.username if credential.password else ""  # alone it is a secret
    return ReadbackResponse.json(
        {
            "status": "ok",
            "results": {
                "user_id": 1,
                "user_email": name,
                "user_name": name,
                "organizations": {
                    str(ORGANIZATION): {"id": ORGANIZATION, "name": "mock", "role": "owner"}
                },
                "projects": {str(shown_id(each)): _project(each) for each in seen},
                "workspaces": {},
            },
        }
    )


def list_data_groups(call: ReadbackCall, project_id: str) -> ReadbackResponse:
    """The group keys of a project with their data group ids. Raises CallError 401."""
    project = call.project(project_id)
    groups = [
        {"data_group_id": number, "id": number, "property_name": key, "display_name": key}
        for key, number in data_groups(call, project).items()
    ]
    return ReadbackResponse.json({"status": "ok", "results": groups})


def validate_credentials(call: ReadbackCall) -> ReadbackResponse:
    """Check that a token and a secret belong together.

    Raises CallError 400 and 401 if not. A project without a secret accepts any secret (choice, as
    for imports).
    """
    body = call.json_object()
    token, secret = body.get("project_token"), body.get("api_secret")
    if not isinstance(token, str) or not token:
        raise CallError(400, "project_token is missing or empty")
    project = call.backend.projects.find(token)
    if project is None or (project.secret is not None and project.secret != secret):
        raise CallError(401, "Invalid credentials")
    call.tokens.add(token)
    results = {"project_id": shown_id(project), "project_token": token}
    return ReadbackResponse.json({"status": "ok", "results": results})


def _sees(credential: authentication.Credential, project: Project, region: str) -> bool:
    if project.region not in (None, region):
        return False
    account = (credential.username, credential.password) in [
        (each.username, each.secret) for each in project.service_accounts
    ]
    secret = not credential.password and credential.username in (project.secret, project.token)
    return account or secret or not project.guarded


def _project(project: Project) -> dict[str, Any]:
    return {
        "id": shown_id(project),
        "name": project.project_id or project.token,
        "organization_id": ORGANIZATION,
        "timezone": "UTC",
        "has_workspaces": False,
        "permissions": PERMISSIONS,
    }
