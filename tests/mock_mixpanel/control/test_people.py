"""One person, group or project: properties with their sources, history, activity and totals."""

from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import (
    NOW,
    NOW_SECONDS,
    alias,
    event,
    get,
    group_update,
    http,
    send,
    update,
)


def test_properties_name_their_record(mock_mixpanel: MockMixpanel) -> None:
    """Each property names the record that gave it its value; a removed one is gone."""
    steps: list[dict[str, Any]] = [
        {"set": {"plan": "free", "n": 1, "old": 1}},
        {"set_once": {"plan": "pro", "first": 1}},
        {"add": {"n": 2}},
        {"unset": ["old"]},
    ]
    for step in steps:
        send(mock_mixpanel, "/engage", update(mock_mixpanel, **step))
    ids = [each["id"] for each in mock_mixpanel.records()]
    person = mock_mixpanel.person("u-1")
    assert person["properties"] == {"plan": "free", "n": 3, "first": 1}
    assert {name: each["id"] for name, each in person["set_by"].items()} == {
        "plan": ids[0],
        "n": ids[2],
        "first": ids[1],
    }
    assert [each["changed"] for each in person["history"]] == [
        {"plan": {"after": "free"}, "n": {"after": 1}, "old": {"after": 1}},
        {"first": {"after": 1}},
        {"n": {"before": 1, "after": 3}},
        {"old": {"before": 1}},
    ]


def test_history_is_in_the_order_in_which_updates_apply(mock_mixpanel: MockMixpanel) -> None:
    """An update with an earlier `$time` comes first, and a refused one changes nothing."""
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"a": "late"}))
    early = update(mock_mixpanel, set={"a": "early"}, time=NOW_SECONDS - 60)
    send(mock_mixpanel, "/engage", early)
    send(mock_mixpanel, "/engage", update(mock_mixpanel, add={"a": 1}))
    history = mock_mixpanel.person("u-1")["history"]
    assert [each["changed"].get("a") for each in history] == [
        {"after": "early"},
        {"before": "early", "after": "late"},
        None,
    ]
    assert history[2]["reasons"] == ["$add.a: the profile holds no number"]


@pytest.mark.parametrize("path", ["/engage", "/groups"])
def test_pages_of_a_history(mock_mixpanel: MockMixpanel, path: str) -> None:
    """`history_before` continues a history backwards, down to the first update."""
    make = update if path == "/engage" else group_update
    changes: list[dict[str, Any]] = [{"add": {"n": 1}}] * 40 + [{"append": {"list": 1}}] * 30
    send(mock_mixpanel, path, [make(mock_mixpanel, **each) for each in changes])

    def page(**query: Any) -> Any:
        if path == "/engage":
            return get(mock_mixpanel, "person", id="u-1", **query)
        return get(mock_mixpanel, "group", key="company", id="acme", **query)

    whole, steps, before = page(), list[dict[str, Any]](), dict[str, int]()
    while True:
        found = page(limit=9, **before)
        steps[:0] = found["history"]
        if found["history_before"] is None:
            break
        before = {"history_before": found["history_before"]}
    assert (steps, whole["history_before"]) == (whole["history"], None)
    assert [len(steps), steps[39]["changed"]["n"]] == [70, {"before": 39, "after": 40}]
    assert steps[-1]["changed"]["list"]["after"] == [1] * 30
    empty = page(limit=0, **before)
    assert (empty["history"], empty["history_before"]) == ([], before["history_before"])


def test_a_history_continues_at_one_of_its_updates(mock_mixpanel: MockMixpanel) -> None:
    """Another record is an error, since no page of the history begins there."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"a": 1}))
    query = {"token": mock_mixpanel.token, "id": "u-1", "history_before": 7}
    answer = http("GET", f"{mock_mixpanel.url}/_mock/person", params=query)
    error = "history_before: record 7 is not an update in this history"
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_deleted_profile(mock_mixpanel: MockMixpanel) -> None:
    """The history of a deleted profile stays."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"a": 1}))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, delete=""))
    person = mock_mixpanel.person("u-1")
    assert (person["exists"], person["properties"], person["set_by"]) == (False, {}, {})
    assert [(each["existed"], each["exists"]) for each in person["history"]] == [
        (False, True),
        (True, False),
    ]


@pytest.mark.parametrize("who", ["anon-1", "u-1"])
def test_person_by_any_id(mock_mixpanel: MockMixpanel, who: str) -> None:
    """A person is found by each of their ids, with events of all of them, newest first."""
    mock_mixpanel.project(alias_delay=0)
    send(mock_mixpanel, "/track", event(mock_mixpanel, "A", distinct_id="anon-1"))
    send(mock_mixpanel, "/track", [alias(mock_mixpanel, "u-1", "anon-1"), event(mock_mixpanel)])
    person = mock_mixpanel.person(who)
    assert (person["distinct_id"], person["ids"]) == ("anon-1", ["anon-1", "u-1"])
    assert [each["name"] for each in person["events"]] == ["Signed Up", "$create_alias", "A"]
    assert [each["status"] for each in person["identity"]["links"]] == ["in_effect"]
    newest = person["events"][0]["id"]
    page = get(mock_mixpanel, "person", id=who, limit=1, before=newest)["events"]
    assert [each["name"] for each in page] == ["$create_alias"]


def test_split_person_is_found_by_the_alias(mock_mixpanel: MockMixpanel) -> None:
    """Data that stays under an alias is found by the alias, with a link to the person it belongs
    to."""
    mock_mixpanel.project(alias_delay=0)
    send(mock_mixpanel, "/track", [event(mock_mixpanel), alias(mock_mixpanel, "u-1", "anon-1")])
    person = mock_mixpanel.person("u-1")
    assert (person["distinct_id"], person["see_also"]) == ("u-1", ["anon-1"])
    assert [each["alias"] for each in person["identity"]["split_profiles"]] == ["u-1"]


@pytest.mark.parametrize("who", ["anon-1", "u-1"])
def test_an_alias_without_data_is_no_other_profile(mock_mixpanel: MockMixpanel, who: str) -> None:
    """Ids under which nothing is stored are not listed as other ids with data."""
    mock_mixpanel.project(alias_delay=0)
    send(mock_mixpanel, "/track", event(mock_mixpanel, "A", distinct_id="anon-1"))
    send(mock_mixpanel, "/track", alias(mock_mixpanel, "u-1", "anon-1"))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "u-1", set={"a": 1}))
    person = mock_mixpanel.person(who)
    assert (person["distinct_id"], person["see_also"]) == ("anon-1", [])


@pytest.mark.parametrize("who", ["a/b#c", "..", "<b>", "ü ?&=", "{}"])
def test_ids_with_any_character(mock_mixpanel: MockMixpanel, who: str) -> None:
    """Ids may have any character, since they stand in the query."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, who, set={"a": 1}))
    assert mock_mixpanel.person(who)["properties"] == {"a": 1}


def test_unknown_person(mock_mixpanel: MockMixpanel) -> None:
    """An unknown id is a 404, and a missing id an error."""
    url = f"{mock_mixpanel.url}/_mock/person"
    answer = http("GET", url, params={"token": mock_mixpanel.token, "id": "x"})
    error = "there is no person 'x'; GET /_mock/profiles lists what there is"
    assert (answer.status_code, answer.json()) == (404, {"error": error})
    answer = http("GET", url)
    assert (answer.status_code, answer.json()) == (400, {"error": "id: missing; give id=..."})


def test_group(mock_mixpanel: MockMixpanel) -> None:
    """A group has properties with sources, a history, and the people whose events name it."""
    send(mock_mixpanel, "/groups", group_update(mock_mixpanel, set={"plan": "pro"}))
    sent = [
        event(mock_mixpanel, company="acme"),
        event(mock_mixpanel, company=["acme", "other"]),
        event(mock_mixpanel, company="acme", distinct_id="u-2"),
        event(mock_mixpanel, company="other"),
    ]
    send(mock_mixpanel, "/track", sent)
    group = get(mock_mixpanel, "group", key="company", id="acme")
    record = mock_mixpanel.records()[0]
    assert (group["properties"], group["set_by"]["plan"]["id"]) == ({"plan": "pro"}, record["id"])
    assert [each["changed"] for each in group["history"]] == [{"plan": {"after": "pro"}}]
    assert group["members"] == [
        {"distinct_id": "u-2", "events": 1},
        {"distinct_id": "u-1", "events": 2},
    ]


def test_projects(mock_mixpanel: MockMixpanel) -> None:
    """The list of projects has counts for each region."""
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(project_id=5, identity="original")
    send(mock_mixpanel, "/track", [event(mock_mixpanel), event(mock_mixpanel, time="x")])
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"a": 1}))
    found = http("GET", f"{mock_mixpanel.url}/_mock/projects").json()
    (project,) = [each for each in found if each["token"] == mock_mixpanel.token]
    assert project == {
        "token": mock_mixpanel.token,
        "project_id": "5",
        "identity": "original",
        "home": None,
        "known": True,
        "requests": 2,
        "records": 3,
        "noted": 1,
        "regions": [
            {
                "region": "us",
                "events": 1,
                "profiles": 1,
                "groups": 0,
                "last_received_at": "2026-06-15T12:00:00.000Z",
            }
        ],
        "url": f"/_mock/projects/{mock_mixpanel.token}",
    }


def test_reasons(mock_mixpanel: MockMixpanel) -> None:
    """The reasons against records are counted, with the first and the last record of each."""
    sent = [event(mock_mixpanel, time="x"), event(mock_mixpanel, time=5)]
    send(mock_mixpanel, "/track", [*sent, sent[0]])
    first, second, third = mock_mixpanel.rejected()
    found = get(mock_mixpanel, "reasons")
    assert [(each["reason"], each["count"]) for each in found] == [
        ("time: not a number", 2),
        ("time: older than 5 days", 1),
    ]
    assert (found[0]["first"]["id"], found[0]["last"]["id"]) == (first["id"], third["id"])
    assert found[1]["examples"] == [second]
    assert get(mock_mixpanel, "rejected", reason="time: older than 5 days") == [second]


def test_overview(mock_mixpanel: MockMixpanel) -> None:
    """The overview counts each kind of trouble, names the next due moment, and counts by minute."""
    mock = mock_mixpanel
    mock.freeze(NOW)
    mock.project(alias_delay=10, region="us")
    paid = event(mock, "Paid", time=NOW_SECONDS, **{"$insert_id": "i"})
    send(mock, "/track", [paid, paid, event(mock, time="x"), event(mock, time="x")])
    mock.advance(60)
    send(mock, "/track", [alias(mock, "u-1", "a"), alias(mock, "u-1", "b")])
    send(mock, "/engage", [update(mock, set={"a": "x"}), update(mock, "a", set={"a": 1})])
    http("POST", f"{mock.eu_url}/track", json=event(mock))
    mock.faults({"match": {"nth": 99}, "action": {"status": 503}})
    found = get(mock, "overview")
    assert found["troubles"] == {
        "rejected": 4,
        "leaks": 1,
        "split_profiles": 1,
        "duplicate_profiles": 1,
        "duplicate_events": 1,
        "refused_links": 1,
        "pending_links": 1,
        "queued": 0,
        "faults": 1,
    }
    assert found["totals"]["records"] == 9
    assert (found["next_due"], found["examined"]) == ("2026-06-15T12:01:10.000Z", 4)
    assert found["reasons"][0] == {"reason": "time: not a number", "count": 2}
    assert found["minutes"] == [
        {"minute": "2026-06-15T12:00:00.000Z", "accepted": 2, "rejected": 2},
        {"minute": "2026-06-15T12:01:00.000Z", "accepted": 3, "rejected": 2},
    ]
