"""The engage query gives profiles back, page by page."""

import json
from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.readback.reading import engage, found, get
from tests.mock_mixpanel.wire import NOW, group_update, http, send, update

PATHS = ["/api/2.0/engage", "/api/query/engage", "/api/2.0/engage/", "/api/query/engage/"]


@pytest.fixture(autouse=True)
def _frozen(mock_mixpanel: MockMixpanel) -> None:
    mock_mixpanel.freeze(NOW)


def people(mock: MockMixpanel, count: int) -> None:
    """The persons p0, p1, ..., each with its number."""
    sent = [update(mock, f"p{n}", set={"n": n}) for n in range(count)]
    for start in range(0, count, 2000):
        send(mock, "/engage", sent[start : start + 2000])


def numbers(answer: Any) -> list[int]:
    return [each["$properties"]["n"] for each in answer["results"]]


def test_answer(mock_mixpanel: MockMixpanel) -> None:
    """An answer has the documented members, and a profile its time of change without a zone."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "ann", set={"n": 1}, ignore_time=False))
    answer = engage(mock_mixpanel)
    assert answer.pop("session_id").startswith("1781524800-")
    assert answer == {
        "page": 0,
        "page_size": 1000,
        "results": [
            {
                "$distinct_id": "ann",
                "$properties": {"n": 1, "$last_seen": "2026-06-15T12:00:00"},
            }
        ],
        "status": "ok",
        "total": 1,
    }


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("GET", {"params": {"where": 'properties["n"] == 1'}}),
        ("POST", {"params": {"where": 'properties["n"] == 1'}}),
        ("POST", {"data": {"where": 'properties["n"] == 1'}}),
        ("POST", {"json": {"where": 'properties["n"] == 1', "page": 0, "session_id": None}}),
        ("POST", {"params": {"page": 0}, "data": {"where": 'properties["n"] == 1'}}),
    ],
)
def test_transports(
    mock_mixpanel: MockMixpanel, path: str, method: str, more: dict[str, Any]
) -> None:
    """GET and POST, query, form and JSON, with and without a slash: all are the same query."""
    people(mock_mixpanel, 3)
    answer = http(method, mock_mixpanel.url + path, auth=(mock_mixpanel.token, ""), **more)
    assert numbers(answer.json()) == [1]


def test_empty_post(mock_mixpanel: MockMixpanel) -> None:
    """A POST of a form without content, as one client sends it, asks for everything."""
    people(mock_mixpanel, 2)
    answer = http(
        "POST",
        mock_mixpanel.url + "/api/2.0/engage?page=0",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        auth=(mock_mixpanel.token, ""),
    )
    assert numbers(answer.json()) == [0, 1]


def test_pages(mock_mixpanel: MockMixpanel) -> None:
    """Pages of 1000 with the session of page 0 show everyone once; the one after them is empty."""
    people(mock_mixpanel, 2500)
    first = engage(mock_mixpanel)
    session = first["session_id"]
    later = [engage(mock_mixpanel, session_id=session, page=page) for page in (2, 1, 3)]
    second, third, past = later[1], later[0], later[2]
    assert [len(each["results"]) for each in (first, second, third, past)] == [1000, 1000, 500, 0]
    assert [*range(2500)] == [*numbers(first), *numbers(second), *numbers(third)]
    assert (
        {each["session_id"] for each in later},
        {each["total"] for each in later},
    ) == ({session}, {2500})
    assert [past["page"], third["page"], second["page"]] == [3, 2, 1]


def test_page_size(mock_mixpanel: MockMixpanel) -> None:
    """A page size goes for the whole session, also when later pages do not repeat it."""
    people(mock_mixpanel, 5)
    first = engage(mock_mixpanel, page_size=2)
    later = engage(mock_mixpanel, session_id=first["session_id"], page=1)
    assert (numbers(first), numbers(later)) == ([0, 1], [2, 3])
    assert (first["page_size"], later["page_size"]) == (2, 2)


def test_stable_pages(mock_mixpanel: MockMixpanel) -> None:
    """Changes after page 0 do not move profiles to another page."""
    people(mock_mixpanel, 4)
    first = engage(mock_mixpanel, page_size=2, where='properties["n"] < 4')
    send(mock_mixpanel, "/engage", [update(mock_mixpanel, "p0", delete="")])
    send(mock_mixpanel, "/engage", [update(mock_mixpanel, "p2", set={"n": 9})])
    session = first["session_id"]
    assert numbers(engage(mock_mixpanel, session_id=session, page=1)) == [2, 3]
    assert numbers(engage(mock_mixpanel)) == [1, 9, 3]


def test_forgotten_session(mock_mixpanel: MockMixpanel) -> None:
    """An unknown session is answered with a new query."""
    people(mock_mixpanel, 4)
    answer = engage(mock_mixpanel, session_id="1-abc", page=1, page_size=3)
    assert (numbers(answer), answer["session_id"]) == ([3], "1-abc")


@pytest.mark.parametrize(
    ("params", "status", "error"),
    [
        ({"page": 1}, 400, "request for page in uncached query for params"),
        ({"page": "x"}, 400, "page must be a whole number from 0 to 1000000000"),
        ({"page": "0" * 5000}, 400, "page must be a whole number from 0 to 1000000000"),
        ({"page_size": 0}, 400, "page_size must be a whole number from 1 to 1000000000"),
        ({"distinct_ids": "{}"}, 400, "distinct_ids must be a JSON array of strings"),
        ({"output_properties": "[1]"}, 400, "output_properties must be a JSON array of strings"),
        ({"where": "a b"}, 400, "where: cannot be read at line 1, column 1: a b"),
        ({"behaviors": "[]"}, 501, "behaviors is not available in this mock"),
    ],
)
def test_bad_parameter(
    mock_mixpanel: MockMixpanel, params: dict[str, Any], status: int, error: str
) -> None:
    """A bad parameter is refused in the envelope of the query routes; none is ignored."""
    answer = get(mock_mixpanel, "/api/2.0/engage", **params)
    assert status == answer.status_code
    assert answer.json() == {"request": answer.request.path_url, "error": error}


def test_bad_body(mock_mixpanel: MockMixpanel) -> None:
    """A body that is not JSON, or not an object, is refused."""
    for body in (b'{"page"', b"[1]"):
        answer = http(
            "POST", mock_mixpanel.url + PATHS[0], data=body, auth=(mock_mixpanel.token, "")
        )
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("body ")


def test_ids(mock_mixpanel: MockMixpanel) -> None:
    """`distinct_id` asks for one person, `distinct_ids` for several; unknown ones are left out."""
    people(mock_mixpanel, 4)
    assert found(mock_mixpanel, distinct_id="p2") == {"p2": {"n": 2}}
    assert [*found(mock_mixpanel, distinct_ids=json.dumps(["p3", "x", "p1"]))] == ["p3", "p1"]
    assert found(mock_mixpanel, distinct_id="x") == {}


def test_output_properties(mock_mixpanel: MockMixpanel) -> None:
    """Only the properties asked for are shown, where they are there."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "a", set={"n": 1, "m": 2, "o": 3}))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "b", set={"o": 4}))
    wanted = json.dumps(["n", "o"])
    assert found(mock_mixpanel, output_properties=wanted) == {"a": {"n": 1, "o": 3}, "b": {"o": 4}}


def test_where(mock_mixpanel: MockMixpanel) -> None:
    """Expressions see the properties, the id, and the time of the last change."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "old", set={"n": 1}, ignore_time=False))
    mock_mixpanel.advance(3600)
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "new", set={"n": 2}, ignore_time=False))
    since = 'properties["$last_seen"] >= "2026-06-15T12:30:00"'
    assert [*found(mock_mixpanel, where=since)] == ["new"]
    assert [*found(mock_mixpanel, where='properties["$distinct_id"] == "old"')] == ["old"]
    assert [*found(mock_mixpanel, where='user["n"] > 1')] == ["new"]


def test_groups(mock_mixpanel: MockMixpanel) -> None:
    """Groups are read by the id their group key is listed with, or by the key itself."""
    mock_mixpanel.project(project_id="4711", group_keys=["company", "team"])
    send(mock_mixpanel, "/groups", group_update(mock_mixpanel, "acme", set={"plan": "pro"}))
    people(mock_mixpanel, 1)
    listed = get(mock_mixpanel, "/api/app/projects/4711/data-groups/").json()
    ids = {each["property_name"]: each["data_group_id"] for each in listed["results"]}
    assert (listed["status"], [*ids]) == ("ok", ["company", "team"])
    assert all(isinstance(number, int) and abs(number) < 2**53 for number in ids.values())
    for key in (ids["company"], "company"):
        assert found(mock_mixpanel, data_group_id=key) == {"acme": {"plan": "pro"}}
    assert found(mock_mixpanel, data_group_id=ids["team"]) == {}
    answer = get(mock_mixpanel, "/api/2.0/engage", data_group_id="5")
    listing = "GET /api/app/projects/4711/data-groups/ lists them"
    assert (
        answer.status_code,
        answer.json()["error"],
    ) == (400, f"data_group_id: no group 5; {listing}")


def test_aliased_updates(mock_mixpanel: MockMixpanel) -> None:
    """A profile is read under the id its alias points to."""
    alias = {
        "event": "$create_alias",
        "properties": {"token": mock_mixpanel.token, "distinct_id": "anon", "alias": "ann"},
    }
    send(mock_mixpanel, "/track", alias)
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "ann", set={"n": 1}))
    assert found(mock_mixpanel) == {"anon": {"n": 1}}


def test_regions_are_apart(mock_mixpanel: MockMixpanel) -> None:
    """Each region shows its own profiles."""
    http("POST", f"{mock_mixpanel.eu_url}/engage", json=update(mock_mixpanel, "eu", set={"n": 1}))
    assert found(mock_mixpanel) == {}
    there = http("GET", f"{mock_mixpanel.eu_url}{PATHS[0]}", auth=(mock_mixpanel.token, ""))
    assert [each["$distinct_id"] for each in there.json()["results"]] == ["eu"]
