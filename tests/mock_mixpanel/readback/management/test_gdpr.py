"""Deletions and retrievals are tasks that the virtual clock processes."""

from typing import Any

import pytest
import requests

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.readback.reading import export, found, names
from tests.mock_mixpanel.wire import NOW, event, http, send, update

DELETIONS = "/api/app/data-deletions/v3.0/"
RETRIEVALS = "/api/app/data-retrievals/v3.0/"
OAUTH = {"Authorization": "Bearer an-oauth-token"}


@pytest.fixture(autouse=True)
def _with_people(mock_mixpanel: MockMixpanel) -> None:
    add_people(mock_mixpanel)


def add_people(mock_mixpanel: MockMixpanel) -> None:
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(gdpr_delay=30, project_id="4711")
    for who in ("ann", "bob"):
        send(mock_mixpanel, "/track", event(mock_mixpanel, f"by {who}", distinct_id=who))
        send(mock_mixpanel, "/engage", update(mock_mixpanel, who, set={"name": who}))


def call(mock: MockMixpanel, method: str, path: str, **more: Any) -> requests.Response:
    return http(
        method, mock.url + path, params={"token": mock.token}, **({"headers": OAUTH} | more)
    )


def create(mock: MockMixpanel, path: str = DELETIONS, *ids: str) -> str:
    """The id of a new task."""
    answer = call(mock, "POST", path, json={"distinct_ids": [*ids], "compliance_type": "GDPR"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "ok"
    return str(answer.json()["results"]["task_id"])


def status(mock: MockMixpanel, path: str, task: str) -> str:
    return str(call(mock, "GET", path + task).json()["results"]["status"])


def test_created(mock_mixpanel: MockMixpanel) -> None:
    """The answer to a new task has what the specification and the guide name."""
    answer = call(mock_mixpanel, "POST", DELETIONS, json={"distinct_ids": ["ann", "bob"]})
    results = answer.json()["results"]
    assert results["task_id"] == results["tracking_id"]
    assert results == {
        "task_id": results["task_id"],
        "tracking_id": results["task_id"],
        "status": "PENDING",
        "compliance_type": "GDPR",
        "disclosure_type": "DATA",
        "requesting_user": "",
        "project_id": 4711,
        "date_requested": "2026-06-15T12:00:00",
        "distinct_id_count": 2,
        "destination_url": None,
    }


def test_deletion(mock_mixpanel: MockMixpanel) -> None:
    """When the task is done, the person's events and profile are gone everywhere."""
    task = create(mock_mixpanel, DELETIONS, "ann")
    assert names(export(mock_mixpanel)) == ["by ann", "by bob"]
    mock_mixpanel.advance(30)
    assert status(mock_mixpanel, DELETIONS, task) == "SUCCESS"
    assert names(export(mock_mixpanel)) == ["by bob"]
    assert [*found(mock_mixpanel)] == ["bob"]
    assert [each["event"] for each in mock_mixpanel.events()] == ["by bob"]
    assert [*mock_mixpanel.profiles()] == ["bob"]


def test_stages(mock_mixpanel: MockMixpanel) -> None:
    """A task passes the documented stages as virtual time goes by."""
    task, seen = create(mock_mixpanel, DELETIONS, "ann"), []
    for _ in range(4):
        seen.append(status(mock_mixpanel, DELETIONS, task))
        mock_mixpanel.advance(10)
    assert seen == ["PENDING", "STAGING", "STARTED", "SUCCESS"]


def test_cancel(mock_mixpanel: MockMixpanel) -> None:
    """A task can be canceled before it starts, and then deletes nothing."""
    task = create(mock_mixpanel, DELETIONS, "ann")
    mock_mixpanel.advance(19)
    answer = call(mock_mixpanel, "DELETE", DELETIONS + task)
    assert (answer.status_code, answer.content) == (204, b"")
    mock_mixpanel.advance(60)
    assert status(mock_mixpanel, DELETIONS, task) == "REVOKED"
    assert [*found(mock_mixpanel)] == ["ann", "bob"]


def test_too_late_to_cancel(mock_mixpanel: MockMixpanel) -> None:
    """A task that has started goes on."""
    task = create(mock_mixpanel, DELETIONS, "ann")
    mock_mixpanel.advance(20)
    assert call(mock_mixpanel, "DELETE", DELETIONS + task).status_code == 405
    mock_mixpanel.advance(10)
    assert [*found(mock_mixpanel)] == ["bob"]


def test_state(mock_mixpanel: MockMixpanel) -> None:
    """The state of a deletion has the documented members."""
    task = create(mock_mixpanel, DELETIONS, "ann")
    assert call(mock_mixpanel, "GET", DELETIONS + task).json() == {
        "status": "ok",
        "results": {
            "tracking_id": task,
            "status": "PENDING",
            "requesting_user": "",
            "compliance_type": "GDPR",
            "project_id": 4711,
            "date_requested": "2026-06-15T12:00:00",
            "distinct_ids": ["ann"],
            "result": "",
            "results": "",
        },
    }


def test_retrieval(mock_mixpanel: MockMixpanel) -> None:
    """A retrieval that is done links to the data of the requested people only."""
    task = create(mock_mixpanel, RETRIEVALS, "ann")
    assert call(mock_mixpanel, "GET", RETRIEVALS + task).json()["results"]["result"] == ""
    mock_mixpanel.advance(30)
    link = call(mock_mixpanel, "GET", RETRIEVALS + task).json()["results"]["result"]
    data = http("GET", link).json()
    assert [each["event"] for each in data["events"]] == ["by ann"]
    assert data["profiles"] == [{"distinct_id": "ann", "properties": {"name": "ann"}}]


@pytest.mark.parametrize("path", [DELETIONS, RETRIEVALS])
def test_unknown_task(mock_mixpanel: MockMixpanel, path: str) -> None:
    """A task that is not there is said to be not found, in a good answer."""
    answer = call(mock_mixpanel, "GET", path + "5")
    assert (
        answer.status_code,
        answer.json()["results"],
    ) == (200, {"status": "NOT_FOUND", "result": ""})


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "distinct_ids must be a list of strings that is not empty"),
        ({"distinct_ids": [1]}, "distinct_ids must be a list of strings that is not empty"),
        ({"distinct_ids": ["a"] * 2001}, "distinct_ids: more than 2000"),
        (
            {"distinct_ids": ["a"], "compliance_type": "X"},
            "compliance_type must be one of GDPR, CCPA",
        ),
        ([], "body must be a JSON object"),
    ],
)
def test_bad_task(mock_mixpanel: MockMixpanel, body: Any, error: str) -> None:
    """A task that cannot be is refused in the envelope of the app routes."""
    answer = call(mock_mixpanel, "POST", DELETIONS, json=body)
    assert (answer.status_code, answer.json()) == (400, {"error": error, "status": "error"})


@pytest.mark.parametrize(
    ("path", "groups", "most"),
    [
        (RETRIEVALS, 0, 2000),
        (RETRIEVALS, 1, 2000),
        (DELETIONS, 0, 2000),
        (DELETIONS, 1, 1000),
        (DELETIONS, 2, 666),
    ],
)
def test_most_ids(mock_mixpanel: MockMixpanel, path: str, groups: int, most: int) -> None:
    """A deletion takes 2000 / (data groups + 1) ids, rounded down; a retrieval takes 2000.

    Source: https://github.com/mixpanel/docs-legacy/pull/2741
    """
    mock_mixpanel.project(group_keys=[f"key-{n}" for n in range(groups)])
    ids = [f"u-{n}" for n in range(most + 1)]
    answer = call(mock_mixpanel, "POST", path, json={"distinct_ids": ids})
    error = f"distinct_ids: more than {most}"
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    answer = call(mock_mixpanel, "POST", path, json={"distinct_ids": ids[:most]})
    assert (answer.status_code, answer.json()["results"]["distinct_id_count"]) == (201, most)


def test_access(mock_mixpanel: MockMixpanel) -> None:
    """Without credentials or without a token, nothing is deleted."""
    body = {"distinct_ids": ["ann"]}
    bare = call(mock_mixpanel, "POST", DELETIONS, json=body, headers={})
    assert (bare.status_code, bare.json()["status"]) == (401, "error")
    answer = http("POST", mock_mixpanel.url + DELETIONS, json=body, headers=OAUTH)
    assert (answer.status_code, answer.json()["status"]) == (401, "error")
    mock_mixpanel.project(secret="s")
    wrong = call(mock_mixpanel, "POST", DELETIONS, json=body, headers={}, auth=("x", ""))
    assert (wrong.status_code, wrong.json()["status"]) == (401, "error")
    right = call(mock_mixpanel, "POST", DELETIONS, json=body, headers={}, auth=("s", ""))
    assert right.status_code == 201
