"""Causes can be followed: each split, drop and duplicate leads to its record and request."""

from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import (
    NOW,
    NOW_SECONDS,
    alias,
    event,
    group_update,
    http,
    send,
    update,
)

STAMP = "2026-06-15T12:00:00.000Z"
OAUTH = {"Authorization": "Bearer any"}


def get(mock: MockMixpanel, url: str) -> Any:
    answer = http("GET", mock.url + url)
    assert answer.status_code == 200
    return answer.json()


def records(mock: MockMixpanel) -> list[dict[str, Any]]:
    """The records of the project, oldest first."""
    return mock.records()


@pytest.fixture
def slow(mock_mixpanel: MockMixpanel) -> MockMixpanel:
    """A project whose aliases take 10 seconds, at a frozen time."""
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(alias_delay=10)
    return mock_mixpanel


def test_causes_of_a_split_can_be_followed(slow: MockMixpanel) -> None:
    """Each cause of a split leads to its request and its record, an update as well as an event."""
    send(slow, "/track", [event(slow, "Before"), alias(slow, "u-1", "anon-1")])
    send(slow, "/engage", update(slow, set={"plan": "pro"}))
    (split,) = slow.identities()["split_profiles"]
    first, second = split["causes"]
    assert [first["name"], second["name"]] == ["Before", "$set"]
    for cause, kind, path in ((first, "event", "/track"), (second, "profile", "/engage")):
        record, request = get(slow, cause["url"]), get(slow, cause["request_url"])
        assert (record["id"], record["kind"]) == (cause["id"], kind)
        assert record["fate"]["link"] == split["asked"]
        assert request["path"] == path
        assert request["payload"][cause["index"]] == record["record"]
        assert get(slow, f"/_mock/events/{cause['id']}")["record"] == record["record"]
    assert get(slow, split["asked"]["url"])["name"] == "$create_alias"
    assert split["due"] == "2026-06-15T12:00:10.000Z"


def test_group_update_can_be_followed(mock_mixpanel: MockMixpanel) -> None:
    """A group update is found by its id."""
    send(mock_mixpanel, "/groups", group_update(mock_mixpanel, set={"plan": "pro"}))
    (record,) = records(mock_mixpanel)
    found = get(mock_mixpanel, record["url"])
    assert (found["kind"], found["distinct_id"], found["fate"]) == (
        "group",
        "acme",
        {"state": "applied"},
    )


def test_duplicate_names_the_event_that_replaces_it(slow: MockMixpanel) -> None:
    """A duplicate leads to the later event, with its request and its time."""
    same = event(slow, "Paid", time=NOW_SECONDS, **{"$insert_id": "i"})
    send(slow, "/track", same)
    slow.advance(3)
    send(slow, "/track", same)
    first, second = records(slow)
    assert first["fate"] == {
        "state": "duplicate",
        "of": {
            "id": second["id"],
            "request_id": second["request_id"],
            "received_at": "2026-06-15T12:00:03.000Z",
            "url": second["url"],
            "request_url": second["request_url"],
        },
    }
    assert second["fate"] == {"state": "seen", "distinct_id": "u-1"}


def test_refused_link_names_the_link_that_prevents_it(slow: MockMixpanel) -> None:
    """An alias that is refused leads to the alias that was there before."""
    pairs = (("u-1", "a"), ("u-1", "b"), ("u-1", "a"))
    send(slow, "/track", [alias(slow, new, old) for new, old in pairs])
    links = slow.identities()["links"]
    assert [each["status"] for each in links] == ["pending", "refused", "repeated"]
    assert links[1]["because"] == links[0]["asked"]
    assert links[1]["reason"] == "alias: it points to another distinct_id already"
    slow.advance(10)
    assert slow.identities()["links"][0]["status"] == "in_effect"


def test_links_that_do_nothing(slow: MockMixpanel) -> None:
    """An identity event that the identity mode ignores, or that lacks an id, is listed so."""
    pair = {"$identified_id": "u", "$anon_id": "a"}
    sent = [
        alias(slow, "u-9", "a"),
        event(slow, "$identify", **pair),
        alias(slow, "same", "same"),
        alias(slow, "", "a"),
    ]
    send(slow, "/track", sent)
    assert [(each["status"], each["reason"]) for each in slow.identities()["links"]] == [
        ("pending", None),
        ("ignored", "event: $identify has no effect under legacy identity"),
        ("refused", "alias: the same as distinct_id"),
        ("refused", "alias, missing or empty"),
    ]


def test_waiting_record_says_until_when(slow: MockMixpanel) -> None:
    """A record that waits for pending links says when it takes effect."""
    slow.project(limits={"alias_queue": 0})
    send(slow, "/track", [alias(slow, "u-1", "anon-1"), event(slow)])
    assert records(slow)[1]["fate"] == {"state": "waiting", "until": "2026-06-15T12:00:10.000Z"}
    (queued,) = slow.identities()["queued"]
    assert get(slow, queued["url"])["name"] == "Signed Up"
    slow.advance(10)
    assert records(slow)[1]["fate"] == {"state": "seen", "distinct_id": "anon-1"}


def test_erased_record_names_the_deletion(slow: MockMixpanel) -> None:
    """Events and updates of a deleted person lead to the request that asked for the deletion."""
    slow.project(gdpr_delay=5)
    send(slow, "/track", event(slow))
    send(slow, "/engage", update(slow, set={"plan": "pro"}))
    url = f"{slow.url}/api/app/data-deletions/v3.0?token={slow.token}"
    http("POST", url, headers=OAUTH, json={"distinct_ids": ["u-1"], "compliance_type": "GDPR"})
    assert [each["fate"]["state"] for each in records(slow)] == ["seen", "applied", "waiting"]
    slow.advance(5)
    *erased, task = records(slow)
    assert [each["fate"]["state"] for each in erased] == ["erased", "erased"]
    for each in erased:
        assert each["fate"]["by"]["id"] == task["id"]
        assert each["fate"]["by"]["request_url"] == task["request_url"]


def test_rejected_record_can_be_followed(slow: MockMixpanel) -> None:
    """A refused record, a silent drop and an update without effect lead to their requests."""
    slow.project(drop_filters=[{"event": "Dropped"}])
    send(slow, "/track", [event(slow, "Dropped"), event(slow, time="x")])
    sent = [update(slow, set={"n": "x"}), update(slow, add={"n": 1})]
    send(slow, "/engage", sent)
    found = slow.rejected()
    assert [each["reasons"] for each in found] == [
        ["drop filter: event Dropped"],
        ["time: not a number"],
        ["$add.n: the profile holds no number"],
    ]
    for each in found:
        assert each["received_at"] == STAMP
        record, request = get(slow, each["url"]), get(slow, each["request_url"])
        assert (record["record"], record["fate"]) == (each["record"], {"state": "rejected"})
        assert request["payload"][each["index"]] == each["record"]


def test_event_names_its_request(mock_mixpanel: MockMixpanel) -> None:
    """A stored event leads to its request."""
    send(mock_mixpanel, "/track", event(mock_mixpanel))
    (item,), (request,) = mock_mixpanel.events(), mock_mixpanel.requests()
    assert item["request_id"] == request["id"]
    assert get(mock_mixpanel, f"/_mock/events/{item['id']}")["stored"] == item


def test_request_names_the_fault_that_acted(mock_mixpanel: MockMixpanel) -> None:
    """A request on which a fault acted leads to the rule, and is found by a search."""
    mock_mixpanel.faults({"match": {"nth": 2}, "action": {"status": 503}})
    for _ in range(2):
        send(mock_mixpanel, "/track", event(mock_mixpanel))
    query = {"token": mock_mixpanel.token, "summary": "1", "q": "fault:yes"}
    (found,) = http("GET", f"{mock_mixpanel.url}/_mock/requests", params=query).json()
    rules = http("GET", f"{mock_mixpanel.url}/_mock/faults").json()
    (rule,) = [each for each in rules if each["match"].get("token") == mock_mixpanel.token]
    assert (found["status"], found["fault"]) == (503, rule["id"])


@pytest.mark.parametrize("kind", ["requests", "records", "events"])
@pytest.mark.parametrize("number", [0, 10**17])
def test_unknown_id(mock_mixpanel: MockMixpanel, kind: str, number: int) -> None:
    """An id that does not exist is a 404 that says where to look."""
    answer = http("GET", f"{mock_mixpanel.url}/_mock/{kind}/{number}")
    noun = kind.removesuffix("s")
    error = f"there is no {noun} {number}; GET /_mock/{kind} lists what there is"
    assert (answer.status_code, answer.json()) == (404, {"error": error})
