"""The pages about people, groups and identity answer why a profile is as it is."""

import re
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from mock_mixpanel.app import create_app
from mock_mixpanel.inspector.identity_timeline import TimelinePoint, drawing, timeline
from tests.mock_mixpanel.inspector.pages.test_records import HOSTILE, Text, shown
from tests.mock_mixpanel.wire import NOW

PAGES = [
    "people",
    "person?id={}",
    "identity",
    "identity?id={}",
    "groups",
    "group?key={}&id={}",
    "leaks",
    "project",
    "project?token={}",
    "faults",
    "clock",
]


def fill(client: FlaskClient, value: str = "u-1") -> None:
    """A person whose profile is split by an alias, a group, and a record in a wrong region."""
    token, old = value, f"anon {value}"
    client.post("/_mock/clock", json={"now": NOW, "freeze": True})
    client.put("/_mock/projects/" + token.replace("/", "%2F"), json={"alias_delay": 1})
    event = {"event": value, "properties": {"token": token, "distinct_id": old, value: value}}
    client.post("/track", json=[event])
    alias = {"token": token, "distinct_id": old, "alias": value}
    client.post("/track", json=[{"event": "$create_alias", "properties": alias}])
    update = {"$token": token, "$set": {value: value, "$name": value}}
    client.post("/engage", json=[{**update, "$distinct_id": value}])
    client.post("/engage", json=[{**update, "$distinct_id": value, "$set": {value: [value]}}])
    client.post("/groups", json=[{**update, "$group_key": value, "$group_id": value}])
    client.put("/_mock/projects/" + token.replace("/", "%2F"), json={"region": "us"})
    client.post("/track", json=[event], headers={"Host": "api-eu.mixpanel.com"})


@pytest.fixture
def client() -> FlaskClient:
    made = create_app().test_client()
    fill(made)
    return made


def test_person_shows_what_set_each_property(client: FlaskClient) -> None:
    """Each property names the record that set it, with a link."""
    html = shown(client, "person?id=u-1")
    assert '<a href="/_mock/ui/events/4">$set, record 4</a>' in html
    assert "<del>u-1</del>" in html


@pytest.mark.parametrize(
    ("path", "page", "name"),
    [
        ("/engage", "person?id=ann", {"$distinct_id": "ann"}),
        ("/groups", "group?key=k&id=acme", {"$group_key": "k", "$group_id": "acme"}),
    ],
)
def test_earlier_updates(client: FlaskClient, path: str, page: str, name: dict[str, str]) -> None:
    """A page shows the last 20 updates and links to the earlier ones, down to the first."""
    client.post(path, json=[{"$token": "T", "$add": {"n": 1}, **name}] * 30)
    html, earlier = shown(client, page), "Earlier updates"
    link = re.search(r'<a href="/_mock/ui/([^"]*history_before=\d+)" rel="next">' + earlier, html)
    assert (html.count('<li id="step-'), bool(link)) == (20, True)
    assert link
    html = shown(client, unescape(link.group(1)))
    assert (html.count('<li id="step-'), earlier in html) == (10, False)


def test_person_says_why_it_is_split(client: FlaskClient) -> None:
    """A split names the first record, the alias, and by how much the record was too early."""
    text = Text(shown(client, "person?id=u-1")).text
    assert "u-1 is split from anon u-1" in text
    assert "The record was 1.0 seconds too early." in text


def test_identity_can_be_advanced_to_due(client: FlaskClient) -> None:
    """A pending alias has a button that moves the clock to its due time."""
    due = "2026-06-15T12:00:01.000Z"
    assert f'name="now" value="{due}"' in shown(client, "identity?id=u-1")
    answer = client.post("/_mock/ui/clock", data={"now": due})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/_mock/ui/clock?done=1")
    assert client.get("/_mock/clock").json == {"now": due, "frozen": True}
    assert "✓ in effect" in Text(shown(client, "identity?id=u-1")).text


def test_leak_names_both_regions(client: FlaskClient) -> None:
    """A record in the wrong region shows where it was sent and where its project lives."""
    text = Text(shown(client, "leaks")).text
    assert "eu (/track) us u-1" in text


def test_people_and_groups_lead_to_their_pages(client: FlaskClient) -> None:
    """Each row leads to a page about its person or group, by query."""
    person = "/_mock/ui/person?token=u-1&region=us&id=u-1"
    assert person.replace("&", "&amp;") in shown(client, "people")
    group = "/_mock/ui/group?token=u-1&region=us&key=u-1&id=u-1"
    assert group.replace("&", "&amp;") in shown(client, "groups")
    assert [client.get(page).status_code for page in (person, group)] == [200, 200]


@pytest.mark.parametrize("page", ["person?id=nobody", "group?key=a&id=nobody"])
def test_nobody_is_found(client: FlaskClient, page: str) -> None:
    """A person or group that does not exist is a page with status 404."""
    assert "no data of" in shown(client, page, 404)


def rejected(client: FlaskClient) -> list[dict[str, Any]]:
    return client.get("/_mock/rejected?token=u-1").json or []


@pytest.mark.parametrize("who", ["carl", 'a "quoted" \\ id', "*", HOSTILE])
def test_records_that_name_an_unknown_person(client: FlaskClient, who: str) -> None:
    """The page of an id that only a rejected record has says so and shows that record."""
    old = {"event": "Old", "properties": {"token": "u-1", "distinct_id": who, "time": 1}}
    client.post("/track", json=[old])
    html = shown(client, f"person?id={quote(who)}", 404)
    number = max(each["id"] for each in rejected(client))
    assert f'id="record-{number}"' in html
    assert "No such person" in Text(html).text
    assert "<script>alert" not in html


def test_rejected_records_lead_to_people_that_exist(client: FlaskClient) -> None:
    """The page of a record leads to its person only if there is such a person."""
    known, unknown = (
        {"event": "Old", "properties": {"token": "u-1", "distinct_id": who, "time": 1}}
        for who in ("u-1", "carl")
    )
    client.post("/track", json=[known, unknown])
    links = {}
    for record in rejected(client):
        html = shown(client, f"events/{record['id']}")
        links[record["record"]["properties"]["distinct_id"]] = "/_mock/ui/person" in html
    # The fixture's own rejected record was sent to another region, where nobody is.
    assert links == {"u-1": True, "carl": False, "anon u-1": False}


def test_an_identity_without_a_person(client: FlaskClient) -> None:
    """The identity page of an unknown id leads to no page of a person."""
    assert "/_mock/ui/person" not in shown(client, "identity?id=nobody")
    assert "/_mock/ui/person?id=u-1" in shown(client, "identity?id=u-1")


@pytest.mark.parametrize("page", ["person", "group?id=x"])
def test_a_page_without_an_id(client: FlaskClient, page: str) -> None:
    """A page that needs an id says so."""
    assert "missing; give" in shown(client, page, 400)


@pytest.mark.parametrize("page", PAGES)
def test_hostile_values_are_text(page: str) -> None:
    """A page has the same elements whether its values are harmless or hostile."""
    tags = []
    for value in ("harmless", HOSTILE):
        client = create_app().test_client()
        fill(client, value)
        quoted = value.replace("%", "%25").replace("#", "%23").replace("&", "%26")
        quoted = quoted.replace("+", "%2B")
        tags.append(Text(shown(client, page.replace("{}", quoted))).tags)
    assert tags[0] == tags[1]


IDENTITY: dict[str, Any] = {
    "clusters": [{"canonical": "a", "ids": ["a", "b"]}],
    "links": [
        {
            "alias": "b",
            "distinct_id": "a",
            "status": "in_effect",
            "asked": {"id": 1, "received_at": "2026-06-15T12:00:00.000Z"},
            "due": "2026-06-15T12:00:01.000Z",
        }
    ],
    "split_profiles": [
        {
            "alias": "b",
            "distinct_id": "a",
            "causes": [{"id": 2, "received_at": "2026-06-15T12:00:00.500Z"}],
        }
    ],
}


def test_timeline_is_in_order_of_time() -> None:
    """An alias is asked, a record splits the profile, and the link takes effect."""
    found = timeline(IDENTITY)
    assert found.lanes == ("a", "b")
    assert found.points == (
        TimelinePoint("2026-06-15T12:00:00.000Z", "asked", "b", "a", "record 1"),
        TimelinePoint("2026-06-15T12:00:00.500Z", "split", "b", text="record 2"),
        TimelinePoint("2026-06-15T12:00:01.000Z", "linked", "b", "a", "one person"),
    )
    assert drawing(found).count("<line") == 2 + 2


def test_timeline_of_nothing() -> None:
    """Without links there is no drawing."""
    nothing: dict[str, Any] = {"clusters": [], "links": [], "split_profiles": []}
    assert drawing(timeline(nothing)) == ""
