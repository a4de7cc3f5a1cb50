"""The search language `q`, and lists that are read backwards with it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.control.lists import MOST_EXAMINED
from mock_mixpanel.control.search import read_search
from mock_mixpanel.control.search_terms import FIELDS, SearchError
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


@pytest.fixture
def filled(mock_mixpanel: MockMixpanel) -> MockMixpanel:
    """A project with six requests; the records are named after what they are."""
    mock = mock_mixpanel
    mock.freeze(NOW)
    browser = {"User-Agent": "Firefox/99"}
    send(mock, "/track", event(mock, "Signed Up", plan="pro", price=20), headers=browser)
    mock.advance(3600)
    sent = [event(mock, "Signed Out", price=5, tags=["a", "b"]), event(mock, "Old", time=5)]
    send(mock, "/track", sent)
    send(mock, "/import", event(mock, 'Say "hi": now', distinct_id="ann", ok=True))
    send(mock, "/engage", update(mock, "ann", set={"plan": "free", "note": "no way back"}))
    send(mock, "/groups", group_update(mock, set={"plan": "pro"}))
    send(mock, "/track", alias(mock, "u-9", "ann"))
    return mock


SEARCHES = {
    "": ["Signed Up", "Signed Out", "Old", 'Say "hi": now', "$set", "$set", "$create_alias"],
    "endpoint:/engage": ["$set"],
    "event:Signed*": ["Signed Up", "Signed Out"],
    'event:"signed up"': ["Signed Up"],
    "event:*ed*o*": ["Signed Out"],
    "-event:Signed* kind:event": ["Old", 'Say "hi": now', "$create_alias"],
    "id:ann": ['Say "hi": now', "$set", "$create_alias"],
    "id:u-9": ["$create_alias"],
    "verdict:rejected": ["Old"],
    "-verdict:rejected kind:event endpoint:/track": ["Signed Up", "Signed Out", "$create_alias"],
    'reason:"older than"': ["Old"],
    "fate:rejected": ["Old"],
    "fate:applied": ["$set", "$set"],
    "prop.plan:pro": ["Signed Up", "$set"],
    "prop.plan:pro kind:group": ["$set"],
    "key:company": ["$set"],
    "prop.price>10": ["Signed Up"],
    "prop.price>=5 prop.price<=5": ["Signed Out"],
    "prop.price<10": ["Signed Out"],
    "prop.tags:b": ["Signed Out"],
    "prop.ok:true": ['Say "hi": now'],
    'event:"say \\"hi\\": now"': ['Say "hi": now'],
    '"hi"': ['Say "hi": now'],
    '"way back"': ["$set"],
    "way back": ["$set"],
    "since:10m": ["Signed Out", "Old", 'Say "hi": now', "$set", "$set", "$create_alias"],
    "until:30m": ["Signed Up"],
    "until:2026-06-15T12:30:00Z": ["Signed Up"],
    "sender:firefox": ["Signed Up"],
    "status:200 method:POST region:us kind:profile": ["$set"],
    "status:400": [],
    "status>=200 endpoint:/groups": ["$set"],
    "fault:yes": [],
    "region:eu": [],
}


@pytest.mark.parametrize("q", SEARCHES)
def test_records(filled: MockMixpanel, q: str) -> None:
    """A search finds the records for which all terms hold."""
    assert [each["name"] for each in get(filled, "records", q=q)] == SEARCHES[q]


def test_requests(filled: MockMixpanel) -> None:
    """A request is found if one of its records fits all terms."""
    both = get(filled, "requests", q='event:"Signed Out" -verdict:rejected', summary=1)
    assert [(each["path"], each["marks"]) for each in both] == [("/track", "ar")]
    assert get(filled, "requests", q='event:"Signed Out" verdict:rejected') == []
    (full,) = get(filled, "requests", q="verdict:rejected")
    assert [each["accepted"] for each in full["verdicts"]] == [True, False]


def test_stored_items(filled: MockMixpanel) -> None:
    """Events, profiles, groups and rejected records are found as well."""
    assert [each["event"] for each in get(filled, "events", q="prop.price>10")] == ["Signed Up"]
    assert [each["distinct_id"] for each in get(filled, "profiles", q="prop.plan:free")] == ["ann"]
    assert [each["group_id"] for each in get(filled, "groups", q="key:comp* id:acme")] == ["acme"]
    assert len(get(filled, "rejected", q="event:old")) == 1
    assert get(filled, "rejected", q="event:new") == []
    assert get(filled, "leaks", q="event:old") == []


ERRORS = {
    "evnt:x": "q: character 1: there is no field 'evnt' (to search for the text, put it in "
    "quotes); did you mean 'event'?",
    "a http://x": "q: character 3: there is no field 'http' (to search for the text, put it in "
    "quotes); known: endpoint,",
    "verdict:ok": "q: character 9: verdict is one of accepted, noted, rejected, not 'ok'",
    "status:ok": "q: character 8: status is a number, not 'ok'",
    "event>x": "q: character 6: event is a text; use event:x",
    "since:soon": "q: character 7: expected an age such as 90s, 10m, 2h or 1d, or a time such as",
    'x "open': "q: character 3: the quote is not closed",
    "event:": "q: at its end, after 'event:': a value is missing",
    "prop:x": "q: character 1: prop needs a name, as in prop.plan:pro",
    "x.y:z": "q: character 1: only prop has a name after a dot: prop.NAME",
    "x" * 1001: "q: 1001 characters; at most 1000",
    "x " * 51: "q: 51 terms; at most 50",
}


@pytest.mark.parametrize("q", ERRORS)
def test_errors(mock_mixpanel: MockMixpanel, q: str) -> None:
    """A search that cannot be read is an error that says where, and what was meant."""
    answer = http("GET", f"{mock_mixpanel.url}/_mock/records", params={"q": q})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(ERRORS[q])


def test_field_of_another_list(mock_mixpanel: MockMixpanel) -> None:
    """A field that does not apply to a list is an error that names those that do."""
    answer = http("GET", f"{mock_mixpanel.url}/_mock/profiles", params={"q": "status:200"})
    assert answer.json()["error"] == (
        "q: character 1: status does not apply to this list; "
        "use id, key, token, region, event, record, since, until or prop.NAME"
    )


def outcome(q: str) -> str:
    """How many terms a search has, or why it cannot be read."""
    try:
        return str(len(read_search(q, NOW_SECONDS).tests))
    except SearchError as error:
        return str(error)


@given(st.text(st.sampled_from('ab:"-><=.*\\ 1prop'), max_size=30) | st.text(max_size=30))
def test_any_text_is_read_or_explained(q: str) -> None:
    """Any text is a search, or an error that begins with the name of the parameter."""
    found = outcome(q)
    assert found.isdecimal() or found.startswith("q: ")


TEXTS = [name for name, field in FIELDS.items() if field.kind in ("text", "contains")]


@given(st.sampled_from([*TEXTS, "prop.x", 'prop."a b"']), st.text(min_size=1, max_size=20))
def test_every_value_can_be_quoted(field: str, value: str) -> None:
    """A quoted value is one value, whatever characters it has."""
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert outcome(f"{field}:{quoted}") == "1"


def test_stars_are_fast() -> None:
    """A value of many stars does not take exponential time."""
    search = read_search("event:" + "*a" * 400 + "*b", NOW_SECONDS)
    assert len(search.tests) == 1


def test_pages(mock_mixpanel: MockMixpanel) -> None:
    """A page is newest first, and `before` goes on where it ended, until all is listed."""
    for number in range(5):
        send(mock_mixpanel, "/track", event(mock_mixpanel, f"E{number}"))
    found, before = [], None
    for _ in range(3):
        more: dict[str, Any] = {} if before is None else {"before": before}
        page = get(mock_mixpanel, "records", page=1, limit=2, **more)
        found.append([each["name"] for each in page["items"]])
        before = page["before"]
    assert found == [["E4", "E3"], ["E2", "E1"], ["E0"]]
    assert (page["complete"], page["before"], page["total"]) == (True, None, 5)


@pytest.mark.parametrize("name", ["requests", "records", "events", "rejected"])
def test_backwards(mock_mixpanel: MockMixpanel, name: str) -> None:
    """`before` and `limit` give the last items before an id, oldest first, from one end or both."""
    sent = event(mock_mixpanel, "A", **{"$bucket": "x"})
    for _ in range(4):
        send(mock_mixpanel, "/track", sent)
    one, two, three, four = get(mock_mixpanel, name)
    assert get(mock_mixpanel, name, limit=1) == [four]
    assert get(mock_mixpanel, name, before=four["id"]) == [one, two, three]
    assert get(mock_mixpanel, name, before=four["id"], limit=2) == [two, three]
    bounds = {"before": four["id"], "since": one["id"]}
    assert get(mock_mixpanel, name, **bounds) == [two, three]
    assert get(mock_mixpanel, name, **bounds, page=1)["items"] == [three, two]
    answer = http("GET", f"{mock_mixpanel.url}/_mock/{name}", params={"before": "x"})
    error = "before: expected a whole number, got 'x'"
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_it_says_how_far_it_looked(mock_mixpanel: MockMixpanel) -> None:
    """A search looks at a bounded number of items, and says so."""
    records = [event(mock_mixpanel, "First"), *[event(mock_mixpanel, "Other")] * 1999]
    for _ in range(3):
        send(mock_mixpanel, "/track", records)
    page = get(mock_mixpanel, "records", page=1, q="event:First")
    assert (len(page["items"]), page["examined"], page["total"]) == (2, MOST_EXAMINED, 6000)
    assert page["complete"] is False
    rest = get(mock_mixpanel, "records", page=1, q="event:First", before=page["before"])
    assert (len(rest["items"]), rest["examined"], rest["complete"]) == (1, 1000, True)


def test_summary(mock_mixpanel: MockMixpanel) -> None:
    """A summary has counts and marks in place of payload, headers and answer."""
    mock_mixpanel.freeze(NOW)
    sent = [event(mock_mixpanel), event(mock_mixpanel, time="x"), event(mock_mixpanel, big="x")]
    sent[2]["properties"]["$bucket"] = 1
    send(mock_mixpanel, "/track", sent, headers={"User-Agent": "me/1"})
    (found,) = get(mock_mixpanel, "requests", summary=1)
    number = mock_mixpanel.requests()[0]["id"]
    assert found == {
        "id": number,
        "received_at": "2026-06-15T12:00:00.000Z",
        "region": "us",
        "method": "POST",
        "path": "/track",
        "status": 200,
        "tokens": [mock_mixpanel.token],
        "sender": "me/1",
        "fault": None,
        "records": 3,
        "accepted": 2,
        "noted": 1,
        "rejected": 1,
        "marks": "arn",
        "url": f"/_mock/requests/{number}",
    }
