"""The `/_mock` API: clock, lists, projects, and what it says to bad input."""

from typing import Any

import pytest

import mock_mixpanel as package
from mock_mixpanel import Server
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.readback import PATHS
from mock_mixpanel.simulation.clock import Clock
from tests.mock_mixpanel.wire import DEFAULT_OPTIONS, NOW, event, http, send


def call(mock: MockMixpanel, method: str, path: str, **more: Any) -> Any:
    return http(method, f"{mock.url}/_mock/{path}", **more)


def listed(mock: MockMixpanel, name: str, **query: Any) -> list[Any]:
    found: list[Any] = call(mock, "GET", name, params={"token": mock.token} | query).json()
    return found


def test_health(mock_mixpanel: MockMixpanel) -> None:
    """Health says the version and the virtual time."""
    mock_mixpanel.freeze(NOW)
    assert call(mock_mixpanel, "GET", "health").json() == {
        "status": "ok",
        "version": package.__version__,
        "now": "2026-06-15T12:00:00.000Z",
    }


def test_frozen_clock(mock_mixpanel: MockMixpanel) -> None:
    """A frozen clock moves only when told, and says so."""
    clock = call(mock_mixpanel, "POST", "clock", json={"now": NOW, "freeze": True}).json()
    assert clock == {"now": "2026-06-15T12:00:00.000Z", "frozen": True}
    clock = call(mock_mixpanel, "POST", "clock", json={"advance": 90.5}).json()
    assert clock == {"now": "2026-06-15T12:01:30.500Z", "frozen": True}
    assert clock == call(mock_mixpanel, "GET", "clock").json()
    assert not call(mock_mixpanel, "POST", "clock", json={"freeze": False}).json()["frozen"]


def test_running_clock() -> None:
    """A clock that is not frozen follows real time, from wherever it was set."""
    real = [100.0]
    clock = Clock(lambda: real[0])
    assert clock.now() == 100
    clock.change(now=1000)
    real[0] += 5
    assert clock.now() == 1005
    clock.change(freeze=True)
    real[0] += 5
    assert clock.now() == 1005
    clock.change(advance=10)
    clock.change(freeze=False)
    real[0] += 1
    assert clock.now() == 1016
    clock.reset()
    assert clock.now() == 111


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "clock: give now, advance or freeze"),
        ({"advance": -1}, "advance: expected 0 seconds or more; set now to go back"),
        ({"advance": "1"}, "advance: expected a number of seconds"),
        ({"advance": True}, "advance: expected a number of seconds"),
        ({"advance": 1e300}, "now: expected a moment in the years 1970 to 8999"),
        ({"freeze": 1}, "freeze: expected true or false"),
        (
            {"now": "soon"},
            "now: expected an ISO 8601 time such as 2026-06-15T12:00:00Z, got 'soon'",
        ),
        ({"now": 5}, "now: expected an ISO 8601 time such as 2026-06-15T12:00:00Z, got 5"),
        ({"later": 5}, "later: unknown; known: now, advance, freeze"),
        ([], "body: expected a JSON object"),
    ],
)
def test_bad_clock(mock_mixpanel: MockMixpanel, body: Any, error: str) -> None:
    """A call that cannot be carried out says what to do, and changes nothing."""
    mock_mixpanel.freeze(NOW)
    answer = call(mock_mixpanel, "POST", "clock", json=body)
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    assert mock_mixpanel.now() == "2026-06-15T12:00:00.000Z"


def test_bad_json(mock_mixpanel: MockMixpanel) -> None:
    """The error for a body that is not JSON has the place."""
    answer = call(mock_mixpanel, "POST", "clock", data=b"{oops")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("body: not JSON: ")


def test_limit_and_since(mock_mixpanel: MockMixpanel) -> None:
    """`limit` keeps the last ones; `since` those after an id or a time."""
    mock_mixpanel.freeze(NOW)
    for name in "ABC":
        send(mock_mixpanel, "/track", event(mock_mixpanel, name))
        mock_mixpanel.advance(1)
    first, second, third = listed(mock_mixpanel, "events")
    assert [item["event"] for item in (first, second, third)] == ["A", "B", "C"]
    assert listed(mock_mixpanel, "events", limit=2) == [second, third]
    assert listed(mock_mixpanel, "events", limit=0) == []
    assert listed(mock_mixpanel, "events", since=first["id"]) == [second, third]
    assert listed(mock_mixpanel, "events", since="2026-06-15T12:00:01Z") == [third]
    assert listed(mock_mixpanel, "events", since="2026-06-15T14:00:01+02:00") == [third]
    requests = listed(mock_mixpanel, "requests")
    assert requests[1:] == listed(mock_mixpanel, "requests", since=requests[0]["id"])


@pytest.mark.parametrize("name", ["requests", "events", "profiles", "groups", "rejected"])
@pytest.mark.parametrize("query", [{"limit": "-1"}, {"limit": "x"}, {"since": "x"}])
def test_bad_filters(mock_mixpanel: MockMixpanel, name: str, query: dict[str, str]) -> None:
    """A filter that makes no sense is an error, not an empty list."""
    answer = call(mock_mixpanel, "GET", name, params=query)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"{next(iter(query))}: expected ")


def test_event_members(mock_mixpanel: MockMixpanel) -> None:
    """A stored event has exactly the members that are promised."""
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/track", event(mock_mixpanel, time=1781524799.5, a=1, ip="1.2.3.4"))
    (item,) = mock_mixpanel.events()
    (request,) = mock_mixpanel.requests()
    number = item.pop("id")
    assert item == {
        "token": mock_mixpanel.token,
        "region": "us",
        "event": "Signed Up",
        "distinct_id": "u-1",
        "time": 1781524799.5,
        "insert_id": f"made-{number}",
        "properties": {"distinct_id": "u-1", "time": 1781524799.5, "a": 1, "ip": "1.2.3.4"},
        "endpoint": "/track",
        "request_id": request["id"],
        "received_at": "2026-06-15T12:00:00.000Z",
    }
    assert {k: v for k, v in request.items() if k not in ("id", "headers", "payload")} == {
        "received_at": "2026-06-15T12:00:00.000Z",
        "region": "us",
        "method": "POST",
        "path": "/track",
        "query": {},
        "response": {"status": 200, "body": "1"},
        "verdicts": [{"index": 0, "accepted": True, "reasons": []}],
    }


def test_rejected_members(mock_mixpanel: MockMixpanel) -> None:
    """A rejected record is shown whole, with the request it came in and links to both."""
    mock_mixpanel.freeze(NOW)
    record = event(mock_mixpanel, time="x")
    send(mock_mixpanel, "/track/", [event(mock_mixpanel), record])
    (item,) = mock_mixpanel.rejected()
    (request,) = mock_mixpanel.requests()
    assert item == {
        "id": mock_mixpanel.events()[0]["id"] + 1,
        "request_id": request["id"],
        "index": 1,
        "token": mock_mixpanel.token,
        "region": "us",
        "endpoint": "/track",
        "record": record,
        "reasons": ["time: not a number"],
        "accepted": False,
        "received_at": "2026-06-15T12:00:00.000Z",
        "url": f"/_mock/records/{item['id']}",
        "request_url": f"/_mock/requests/{request['id']}",
    }


def test_redaction(mock_mixpanel: MockMixpanel) -> None:
    """No credential is readable in the journal or in a project's options."""
    account = {"username": "robot", "secret": "hush-1"}
    mock_mixpanel.project(secret="hush-2", service_accounts=[account], project_id="42")
    query = {"api_key": "hush-3", "sig": "hush-4", "verbose": "1"}
    for headers in (
        {"Authorization": "Basic aHVzaC01"},
        {"Authorization": "Bearer hush-6", "Cookie": "c=hush-7"},
        {"authorization": "hush-8"},
    ):
        send(mock_mixpanel, "/import", event(mock_mixpanel), params=query, headers=headers)
    journal = mock_mixpanel.requests()
    shown = [request["headers"]["Authorization"] for request in journal]
    assert shown == ["Basic ***", "Bearer ***", "***"]
    assert journal[1]["headers"]["Cookie"] == "***"
    assert journal[0]["query"] == {"api_key": "***", "sig": "***", "verbose": "1"}
    options = call(mock_mixpanel, "GET", f"projects/{mock_mixpanel.token}")
    assert (
        options.json()["secret"],
        options.json()["service_accounts"],
    ) == ("***", [{"username": "robot", "secret": "***"}])
    everything = str(journal) + str(mock_mixpanel.rejected()) + options.text
    assert ("hush" in everything, "aHVza" in everything) == (False, False)


def test_project_options(mock_mixpanel: MockMixpanel) -> None:
    """Options that are not named keep their value."""
    mock_mixpanel.project(alias_delay=1.5, group_keys=["company"])
    mock_mixpanel.project(region="in")
    changed = {"alias_delay": 1.5, "group_keys": ["company"], "region": "in"}
    expected = DEFAULT_OPTIONS | {"token": mock_mixpanel.token} | changed
    assert call(mock_mixpanel, "GET", f"projects/{mock_mixpanel.token}").json() == expected


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"alias_dely": 1}, "project.alias_dely: unknown option; did you mean 'alias_delay'?"),
        ({"alias_delay": -1}, "project.alias_delay: expected seconds, 0 to 10^9, got a int"),
        ({"identity": "new"}, "project.identity: 'new' is not one of legacy, original, simplified"),
        ({"identity": []}, "project.identity: [] is not one of legacy, original, simplified"),
        ({"region": "mars"}, "project.region: 'mars' is not one of us, eu, in"),
        ({"secret": ""}, "project.secret: expected a text that is not empty, got an empty text"),
        ({"group_keys": "a"}, "project.group_keys: expected a list of texts, got a text"),
        (
            {"service_accounts": [{"username": "a"}]},
            "project.service_accounts[0]: expected an object of exactly username and secret",
        ),
        ({"token": "T"}, "project.token: differs from the path; a token cannot be changed"),
    ],
)
def test_bad_project_options(
    mock_mixpanel: MockMixpanel, options: dict[str, Any], error: str
) -> None:
    """A wrong option is an error that names it, and changes nothing."""
    answer = call(mock_mixpanel, "PUT", f"projects/{mock_mixpanel.token}", json=options)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


@pytest.mark.parametrize("body", [{"token": 5}, {"token": ""}, {"tokn": "T"}])
def test_bad_reset(mock_mixpanel: MockMixpanel, body: dict[str, Any]) -> None:
    """A reset that is not understood forgets nothing."""
    send(mock_mixpanel, "/track", event(mock_mixpanel))
    assert call(mock_mixpanel, "POST", "reset", json=body).status_code == 400
    assert len(mock_mixpanel.events()) == 1


def test_unknown_control_path(mock_mixpanel: MockMixpanel) -> None:
    """An unknown call is a 404 that lists the known ones."""
    answer = call(mock_mixpanel, "GET", "evnts")
    assert (answer.status_code, answer.json()["error"]) == (404, "there is no GET /_mock/evnts")
    assert {"GET /_mock/events", "GET /_mock/events/<number>"} <= set(answer.json()["known_paths"])
    assert call(mock_mixpanel, "DELETE", "events").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/2.0/insights"), ("POST", "/tracking"), ("DELETE", "/track"), ("GET", "/")],
)
def test_unknown_path(method: str, path: str) -> None:
    """An unsupported path is answered 501 with the known paths, and is in the journal."""
    with Server() as server:
        answer = http(method, server.url + path)
        assert answer.json() == {
            "error": f"{method} {path} is not available in this mock",
            "status": "error",
            "path": path,
            "known_paths": ["/track", "/import", "/engage", "/groups", *PATHS, "/_mock"],
        }
        assert answer.status_code == 501
        journal = http("GET", f"{server.url}/_mock/requests").json()
        assert [
            (request["method"], request["path"], request["response"]["status"])
            for request in journal
        ] == [(method, path, 501)]


@pytest.mark.parametrize("name", ["requests", "events", "profiles", "groups", "rejected", "leaks"])
@pytest.mark.parametrize("parameter", ["limit", "since"])
def test_numbers_beyond_use(mock_mixpanel: MockMixpanel, name: str, parameter: str) -> None:
    """A number of thousands of digits is refused with this reason; one of 18 digits is accepted."""
    url = f"{mock_mixpanel.url}/_mock/{name}"
    assert http("GET", url, params={parameter: "9" * 18}).status_code == 200
    answer = http("GET", url, params={parameter: "9" * 5000})
    assert (
        answer.status_code,
        answer.json()["error"],
    ) == (400, f"{parameter}: a number of 5000 digits; at most 18")
