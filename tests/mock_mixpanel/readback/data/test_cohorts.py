"""Saved cohorts: their list and their members."""

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.readback.reading import found, get, read
from tests.mock_mixpanel.wire import NOW, http, send, update

PRO = {"id": 5, "name": "Pro", "where": 'properties["plan"] == "pro"'}
ALL = {
    "id": 6,
    "name": "All",
    "where": 'defined(user["plan"])',
    "description": "Everybody",
    "created": "2026-01-02 03:04:05",
    "is_visible": False,
}


@pytest.fixture(autouse=True)
def _people(mock_mixpanel: MockMixpanel) -> None:
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(cohorts=[PRO, ALL], project_id="77")
    plans = {"ann": "pro", "bob": "free", "cay": "pro"}
    send(
        mock_mixpanel,
        "/engage",
        [update(mock_mixpanel, who, set={"plan": plan}) for who, plan in plans.items()],
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("base", ["/api/query", "/api/2.0"])
def test_list(mock_mixpanel: MockMixpanel, method: str, base: str) -> None:
    """The list has the documented members; a cohort without a date was created today."""
    url = f"{mock_mixpanel.url}{base}/cohorts/list"
    answer = http(method, url, auth=(mock_mixpanel.token, ""))
    assert answer.json() == [
        {
            "count": 2,
            "is_visible": 1,
            "description": "",
            "created": "2026-06-15 00:00:00",
            "project_id": 77,
            "id": 5,
            "name": "Pro",
        },
        {
            "count": 3,
            "is_visible": 0,
            "description": "Everybody",
            "created": "2026-01-02 03:04:05",
            "project_id": 77,
            "id": 6,
            "name": "All",
        },
    ]


@pytest.mark.parametrize("wanted", ['{"id": 5}', '{"id":"5"}'])
def test_members(mock_mixpanel: MockMixpanel, wanted: str) -> None:
    """The engage query gives the members of a cohort, further selected by `where`."""
    members = found(mock_mixpanel, filter_by_cohort=wanted)
    assert members == {"ann": {"plan": "pro"}, "cay": {"plan": "pro"}}
    where = 'properties["$distinct_id"] == "cay"'
    assert list(found(mock_mixpanel, filter_by_cohort=wanted, where=where)) == ["cay"]


def test_members_by_json(mock_mixpanel: MockMixpanel) -> None:
    """The filter may come as a text in a JSON body."""
    url = f"{mock_mixpanel.url}/api/query/engage"
    body = {"filter_by_cohort": '{"id":6}'}
    answer = http("POST", url, json=body, auth=(mock_mixpanel.token, "")).json()
    assert [each["$distinct_id"] for each in answer["results"]] == ["ann", "bob", "cay"]


def test_members_change(mock_mixpanel: MockMixpanel) -> None:
    """A cohort is computed from the profiles of the moment."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "bob", set={"plan": "pro"}))
    assert list(found(mock_mixpanel, filter_by_cohort='{"id": 5}')) == ["ann", "bob", "cay"]
    assert [each["count"] for each in read(mock_mixpanel, "cohorts/list")] == [3, 3]


@pytest.mark.parametrize(
    ("wanted", "status", "error"),
    [
        ('{"id": 7}', 400, 'filter_by_cohort: must be {"id": N}, N one of the project\'s cohorts'),
        ("5", 400, 'filter_by_cohort: must be {"id": N}'),
        ("x", 400, 'filter_by_cohort: must be {"id": N}'),
        ('{"id": true}', 400, 'filter_by_cohort: must be {"id": N}'),
        ('{"raw_cohort": {}}', 501, "filter_by_cohort: only saved cohorts are available"),
    ],
)
def test_bad_filter(mock_mixpanel: MockMixpanel, wanted: str, status: int, error: str) -> None:
    """A filter that names no saved cohort is refused."""
    answer = get(mock_mixpanel, "/api/query/engage", filter_by_cohort=wanted)
    assert answer.status_code == status
    assert error in answer.json()["error"]


def test_bad_expression(mock_mixpanel: MockMixpanel) -> None:
    """The error for a cohort's wrong expression has the cohort's id."""
    mock_mixpanel.project(cohorts=[PRO | {"where": "plan is pro"}])
    answer = get(mock_mixpanel, "/api/query/cohorts/list")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("where of cohort 5: cannot be read at line 1")
