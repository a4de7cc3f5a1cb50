"""Projects and regions are kept apart; reset deletes only what it is asked to."""

from typing import Any

import pytest

from mock_mixpanel import Config, Server
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.projects.config import Project
from tests.mock_mixpanel.wire import (
    basic,
    event,
    good_import,
    group_update,
    http,
    names,
    reasons,
    send,
    update,
)


def everything(mock: MockMixpanel) -> list[Any]:
    return [
        mock.requests(),
        mock.events(),
        mock.profiles(),
        mock.groups(),
        mock.rejected(),
        mock.identities()["clusters"],
    ]


def fill(mock: MockMixpanel) -> None:
    """Something in every list."""
    link = event(mock, "$create_alias", distinct_id="a", alias="b")
    send(mock, "/track", [event(mock), link, event(mock, time="bad")])
    send(mock, "/engage", update(mock, set={"a": 1}))
    send(mock, "/groups", group_update(mock, set={"a": 1}))


def other_project(mock: MockMixpanel) -> MockMixpanel:
    return MockMixpanel(mock.url, mock.token + "-other")


def test_projects(mock_mixpanel: MockMixpanel) -> None:
    """What one project gets is not seen in another."""
    other = other_project(mock_mixpanel)
    fill(mock_mixpanel)
    assert everything(other) == [[]] * 2 + [{}] * 2 + [[]] * 2
    assert [bool(part) for part in everything(mock_mixpanel)] == [True] * 6
    other.close()


def test_reset_of_one_project(mock_mixpanel: MockMixpanel) -> None:
    """A reset with a token forgets that project, its options included, and no other."""
    other = other_project(mock_mixpanel)
    mock_mixpanel.project(alias_delay=7)
    fill(mock_mixpanel)
    fill(other)
    before = everything(other)
    mock_mixpanel.reset()
    assert everything(mock_mixpanel) == [[]] * 2 + [{}] * 2 + [[]] * 2
    assert before == everything(other)
    url = f"{mock_mixpanel.url}/_mock/projects/{mock_mixpanel.token}"
    assert http("GET", url).json()["alias_delay"] == 0
    other.reset()
    other.close()


def test_reset_keeps_shared_requests(mock_mixpanel: MockMixpanel) -> None:
    """A request with records of two projects stays in the journal until both are forgotten."""
    other = other_project(mock_mixpanel)
    send(mock_mixpanel, "/track", [event(mock_mixpanel), event(other)])
    mock_mixpanel.reset()
    assert (len(other.requests()), len(other.events())) == (1, 1)
    assert mock_mixpanel.events() == []
    other.reset()
    assert (other.events(), other.requests(), mock_mixpanel.events()) == ([], [], [])
    other.close()


def test_reset_of_everything() -> None:
    """A reset without a token leaves a server as freshly started."""
    with Server(Config(projects=(Project("T", alias_delay=3.0),))) as server:
        mock = MockMixpanel(server.url, "T")
        fill(mock)
        mock.project(alias_delay=9)
        mock.freeze("2020-01-01T00:00:00Z")
        mock.faults({"action": {"close": True}})
        assert http("POST", f"{server.url}/_mock/reset").json() == {"status": "ok"}
        assert everything(mock) == [[]] * 2 + [{}] * 2 + [[]] * 2
        assert http("GET", f"{server.url}/_mock/faults").json() == []
        assert not http("GET", f"{server.url}/_mock/clock").json()["frozen"]
        assert http("GET", f"{server.url}/_mock/projects/T").json()["alias_delay"] == 3
        mock.close()


def test_regions_by_port(mock_mixpanel: MockMixpanel) -> None:
    """Each region has its port, and its own state of the same project."""
    for url in (mock_mixpanel.url, mock_mixpanel.eu_url, mock_mixpanel.in_url):
        http("POST", f"{url}/engage", json=update(mock_mixpanel, append={"from": url}))
    token = {"token": mock_mixpanel.token}
    items = http("GET", f"{mock_mixpanel.url}/_mock/profiles", params=token).json()
    assert [(item["region"], item["properties"]["from"]) for item in items] == [
        ("us", [mock_mixpanel.url]),
        ("eu", [mock_mixpanel.eu_url]),
        ("in", [mock_mixpanel.in_url]),
    ]
    assert [request["region"] for request in mock_mixpanel.requests()] == ["us", "eu", "in"]


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("api.mixpanel.com", "us"),
        ("api-eu.mixpanel.com", "eu"),
        ("API-EU.mixpanel.com:443", "eu"),
        ("eu.mixpanel.com", "eu"),
        ("api-in.mixpanel.com", "in"),
        ("in.mixpanel.com", "in"),
        ("elsewhere.test", "us"),
    ],
)
def test_regions_by_host(mock_mixpanel: MockMixpanel, host: str, region: str) -> None:
    """On the default port a regional Host header decides."""
    send(mock_mixpanel, "/track", event(mock_mixpanel), headers={"Host": host})
    assert [item["region"] for item in mock_mixpanel.events()] == [region]


def test_port_before_host(mock_mixpanel: MockMixpanel) -> None:
    """On the port of another region the port decides."""
    url = f"{mock_mixpanel.eu_url}/track"
    http("POST", url, json=event(mock_mixpanel), headers={"Host": "api-in.mixpanel.com"})
    assert [item["region"] for item in mock_mixpanel.events()] == ["eu"]


def test_home_region(mock_mixpanel: MockMixpanel) -> None:
    """Data for a project of another region is answered with success and dropped."""
    mock_mixpanel.project(region="eu")
    assert send(mock_mixpanel, "/track", event(mock_mixpanel, "Lost")).content == b"1"
    http("POST", f"{mock_mixpanel.eu_url}/track", json=event(mock_mixpanel, "Kept"))
    assert names(mock_mixpanel) == ["Kept"]
    assert reasons(mock_mixpanel) == [["region: the project lives in eu, this is us"]]


def leak(mock: MockMixpanel, index: int, endpoint: str, record: Any, region: str) -> dict[str, Any]:
    """An item of the list of leaks, without its ids, links and time."""
    reason = f"region: the project lives in eu, this is {region}"
    return {
        "index": index,
        "token": mock.token,
        "region": region,
        "endpoint": endpoint,
        "record": record,
        "reasons": [reason],
        "accepted": False,
        "home": "eu",
    }


def test_leaks(mock_mixpanel: MockMixpanel) -> None:
    """Whatever goes to another region is listed as a leak, and nothing else is."""
    mock = mock_mixpanel
    mock.project(region="eu")
    lost, person, group = event(mock), update(mock, set={"a": 1}), group_update(mock, set={"a": 1})
    http("POST", f"{mock.eu_url}/track", json=[lost, {}])
    http("POST", f"{mock.in_url}/track", json=[{}, lost])
    send(mock, "/engage", person)
    send(mock, "/groups", group)
    items = mock.leaks()
    ids_and_times = {"id", "request_id", "url", "request_url", "received_at"}
    assert sorted({item["request_id"] for item in items}) == [item["request_id"] for item in items]
    assert [{name: item[name] for name in item.keys() - ids_and_times} for item in items] == [
        leak(mock, 1, "/track", lost, "in"),
        leak(mock, 0, "/engage", person, "us"),
        leak(mock, 0, "/groups", group, "us"),
    ]
    assert items[-1:] == http("GET", f"{mock.url}/_mock/leaks?limit=1").json()


def test_leaked_import(mock_mixpanel: MockMixpanel) -> None:
    """An import with the right secret in the wrong region is a 401, and a leak of its project.

    The records need not name the project, and the secret is not taken for another one.
    """
    mock = mock_mixpanel
    secret = f"{mock.token}-s"
    mock.project(region="eu", secret=secret)
    named, bare = good_import(mock), good_import(mock)
    del bare["properties"]["token"]
    for credential, record in ((secret, bare), (mock.token, bare), ("wrong", named)):
        answer = send(mock, "/import?strict=1", [record], headers=basic(f"{credential}:"))
        assert (answer.status_code, answer.json()["error"]) == (401, "Invalid credentials")
    assert [(item["home"], item["region"], item["record"]) for item in mock.leaks()] == [
        ("eu", "us", bare)
    ] * 2
    assert mock.events() == []
    assert http("GET", f"{mock.url}/_mock/events?token={secret}").json() == []


def test_leaks_of_other_calls(mock_mixpanel: MockMixpanel) -> None:
    """A lookup table and a deletion that go to another region are a 401, and leaks."""
    mock = mock_mixpanel
    mock.project(region="eu", secret="s", lookup_tables=[{"id": "plans", "name": "Plans"}])
    table, deletions = "/lookup-tables/plans", "/api/app/data-deletions/v3.0"
    people = {"distinct_ids": ["ann"]}
    for base, status in ((mock.url, 401), (str(mock.eu_url), 200)):
        put = http("PUT", base + table, data="id,name\n1,Pro\n", auth=("s", ""))
        assert status == put.status_code
    asked = f"{mock.url}{deletions}?token={mock.token}"
    bearer = {"Authorization": "Bearer x"}
    assert http("POST", asked, json=people, headers=bearer).status_code == 401
    assert http("GET", f"{mock.url}/api/2.0/engage", auth=("s", "")).status_code == 401
    assert [(item["region"], item["home"], item["record"]["path"]) for item in mock.leaks()] == [
        ("us", "eu", table),
        ("us", "eu", deletions),
    ]


def test_home_is_no_leak(mock_mixpanel: MockMixpanel) -> None:
    """A project without a region takes data everywhere, and leaks nothing."""
    for url in (mock_mixpanel.url, mock_mixpanel.eu_url):
        http("POST", f"{url}/track", json=event(mock_mixpanel))
    assert (mock_mixpanel.leaks(), len(mock_mixpanel.events())) == ([], 2)


def test_strict_projects() -> None:
    """With strict projects an unknown token is answered with success and dropped."""
    with Server(Config(projects=(Project("T"),), strict_projects=True)) as server:
        known, unknown = MockMixpanel(server.url, "T"), MockMixpanel(server.url, "U")
        assert send(known, "/track", event(known)).content == b"1"
        assert send(unknown, "/track", event(unknown)).content == b"1"
        assert (len(known.events()), len(unknown.events())) == (1, 0)
        assert reasons(unknown) == [["token: no such project"]]
        assert send(unknown, "/import", event(unknown)).status_code == 401
        assert http("GET", f"{server.url}/_mock/projects/U").status_code == 404
        unknown.project()
        send(unknown, "/track", event(unknown))
        assert len(unknown.events()) == 1
        known.close()
        unknown.close()
