"""Calls of readers before they read."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from mock_mixpanel.projects.config import Config, Project, ServiceAccount
from mock_mixpanel.serving.server import Server
from tests.mock_mixpanel.wire import http

ONE = Project("T1", "s1", "11", service_accounts=(ServiceAccount("robot", "pass"),))
OTHER = Project("T2", "s2", "12")
OPEN = Project("T3", project_id="13")
VALIDATE = "/api/app/validate-project-credentials/"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Config(projects=(ONE, OTHER, OPEN))) as server:
        yield server


def me(server: Server, *auth: str) -> requests.Response:
    return http("GET", f"{server.url}/api/app/me", auth=auth or None)


def test_me(server: Server) -> None:
    """An account sees its projects and those that take anyone, with permissions."""
    results = me(server, "robot", "pass").json()["results"]
    assert (results["user_email"], [*results["projects"]]) == ("robot", ["11", "13"])
    assert results["projects"]["11"] == {
        "id": 11,
        "name": "11",
        "organization_id": 1,
        "timezone": "UTC",
        "has_workspaces": False,
        "permissions": ["read_project", "write_project"],
    }


def test_me_with_secret(server: Server) -> None:
    """A project secret is not repeated as a name."""
    answer = me(server, "s2", "")
    assert [*answer.json()["results"]["projects"]] == ["12", "13"]
    assert "s2" not in answer.text


def test_me_refused() -> None:
    """No credential, or one of no project, is a 401 in the envelope of the app routes."""
    with Server(Config(projects=(ONE,))) as server:
        for answer in (me(server), me(server, "robot", "wrong")):
            assert (answer.status_code, answer.json()["status"]) == (401, "error")


def validate(server: Server, body: dict[str, Any]) -> requests.Response:
    return http("POST", server.url + VALIDATE, json=body)


def test_right_credentials(server: Server) -> None:
    """A token with its secret is ok, and so is any secret for a project without one."""
    for token, secret in (("T1", "s1"), ("T3", "anything")):
        answer = validate(server, {"project_token": token, "api_secret": secret})
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")
        assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"project_token": "T1", "api_secret": "s2"}, 401, "Invalid credentials"),
        ({"project_token": "T1"}, 401, "Invalid credentials"),
        ({"api_secret": "s1"}, 400, "project_token is missing or empty"),
    ],
)
def test_wrong_credentials(server: Server, body: dict[str, Any], status: int, error: str) -> None:
    """A secret of another project, none, or no token is not."""
    answer = validate(server, body)
    assert (answer.status_code, answer.json()) == (status, {"error": error, "status": "error"})
