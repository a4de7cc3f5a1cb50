"""The forms change what the control API changes, and explain what they refuse."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from mock_mixpanel.app import create_app
from mock_mixpanel.inspector.pages.control import fault_rule
from tests.mock_mixpanel.inspector.pages.test_records import Text, shown
from tests.mock_mixpanel.wire import NOW


@pytest.fixture
def client() -> FlaskClient:
    made = create_app().test_client()
    made.post("/_mock/clock", json={"now": NOW, "freeze": True})
    record = {"event": "A", "properties": {"token": "T", "distinct_id": "ann"}}
    made.post("/track", json=[record])
    return made


def post(client: FlaskClient, page: str, **form: str) -> tuple[int, str]:
    """The status, and the problem that the page shows."""
    answer = client.post(f"/_mock/ui/{page}", data=form)
    html = answer.get_data(as_text=True)
    _, _, problem = html.partition('role="alert">')
    return answer.status_code, problem.partition("</p>")[0]


def test_clock_is_advanced_and_frozen(client: FlaskClient) -> None:
    """Buttons advance, run and freeze the clock."""
    assert post(client, "clock", advance="60") == (303, "")
    assert client.get("/_mock/clock").json == {"now": "2026-06-15T12:01:00.000Z", "frozen": True}
    assert post(client, "clock", state="run") == (303, "")
    assert (client.get("/_mock/clock").json or {})["frozen"] is False


def test_clock_refuses_what_is_not_a_time(client: FlaskClient) -> None:
    """A wrong time is explained, and changes nothing."""
    status, problem = post(client, "clock", now="yesterday")
    assert (status, problem.startswith("now: expected an ISO 8601 time")) == (400, True)
    assert (client.get("/_mock/clock").json or {})["now"] == "2026-06-15T12:00:00.000Z"


def test_fault_is_made_and_removed(client: FlaskClient) -> None:
    """A rule is made from the form, shown with counts, and removed."""
    form = {"path": "/track", "nth": "2", "action": "status", "status": "503", "store": "1"}
    assert post(client, "faults", **form) == (303, "")
    [rule] = client.get("/_mock/faults").json or []
    assert (rule["match"], rule["action"]) == (
        {"path": "/track", "nth": 2},
        {"store_then": {"status": 503}},
    )
    assert "Remove rule 1" in Text(shown(client, "faults")).text
    assert post(client, "faults", remove="1") == (303, "")
    assert client.get("/_mock/faults").json == []


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"action": "status", "status": "9"}, "action.status: expected"),
        ({"action": "status", "status": "x"}, "status: expected a whole number, got"),
        ({"action": "delay", "delay": "x"}, "delay: expected a number, got"),
        ({}, "action: choose what the fault does"),
    ],
)
def test_wrong_faults_are_explained(
    client: FlaskClient, form: dict[str, str], problem: str
) -> None:
    """A rule that cannot be made is explained, and none is made."""
    status, shown_problem = post(client, "faults", **form)
    assert (status, shown_problem.startswith(problem)) == (400, True)
    assert client.get("/_mock/faults").json == []


@pytest.mark.parametrize(
    ("form", "rule"),
    [
        (
            {"action": "status0", "error": "bad luck", "times": "2"},
            {"match": {"times": 2}, "action": {"status0": "bad luck"}},
        ),
        ({"action": "close", "close": "during"}, {"match": {}, "action": {"close": "during"}}),
        (
            {"action": "status", "status": "429", "body": "x", "delay": "1.5"},
            {"match": {}, "action": {"status": 429, "body": "x", "delay": 1.5}},
        ),
        (
            {"action": "delay", "delay": "2", "token": "T"},
            {"match": {"token": "T"}, "action": {"delay": 2.0}},
        ),
    ],
)
def test_rules_from_a_form(form: dict[str, str], rule: dict[str, Any]) -> None:
    """Each action becomes the rule that the control API takes."""
    assert fault_rule(form) == rule


def test_project_options_are_saved(client: FlaskClient) -> None:
    """The form sets frequent options, and any option as JSON."""
    form = {"identity": "legacy", "home": "us", "alias_delay": "2", "group_keys": "company, team"}
    assert post(client, "project?token=T", **form) == (303, "")
    assert post(client, "project?token=T", json='{"limits": {"records": 7}}') == (303, "")
    options = client.get("/_mock/projects/T").json or {}
    names = ("region", "alias_delay", "group_keys", "limits")
    assert [options[name] for name in names] == ["us", 2, ["company", "team"], {"records": 7}]


def test_wrong_options_are_explained(client: FlaskClient) -> None:
    """A wrong option is explained and changes nothing."""
    status, problem = post(client, "project?token=T", json='{"regoin": "us"}')
    assert (status, "regoin" in problem) == (400, True)


def test_forgetting_needs_the_typed_name(client: FlaskClient) -> None:
    """Data is forgotten only after its token was typed."""
    assert post(client, "reset?token=T", forget="T", confirm="t")[0] == 400
    assert len(client.get("/_mock/events").json or []) == 1
    assert post(client, "reset?token=T", forget="T", confirm="T") == (303, "")
    assert client.get("/_mock/events").json == []


@pytest.mark.parametrize("page", ["clock", "faults", "project?token=T", "reset"])
def test_foreign_pages_change_nothing(client: FlaskClient, page: str) -> None:
    """A form of another site is refused."""
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = client.post(f"/_mock/ui/{page}", data={"advance": "1"}, headers=headers)
        assert answer.status_code == 403


@pytest.mark.parametrize("page", ["clock", "faults", "project"])
def test_reading_changes_nothing(client: FlaskClient, page: str) -> None:
    """A GET with a form's fields is refused and changes nothing."""
    query = "advance=60&action=status&status=503&remove_all=1&forget=T&confirm=T"
    assert client.get(f"/_mock/ui/{page}?{query}").status_code == 400
    assert (client.get("/_mock/clock").json or {})["now"] == "2026-06-15T12:00:00.000Z"
    assert client.get("/_mock/faults").json == []
