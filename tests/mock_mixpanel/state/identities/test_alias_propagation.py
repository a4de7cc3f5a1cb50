"""Legacy aliases: the person of an id before and after an alias has propagated."""

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import NOW, alias, event, http, names, reasons, send, update

DELAY = 2.5


@pytest.fixture
def slow(mock_mixpanel: MockMixpanel) -> MockMixpanel:
    """A project whose aliases take 2.5 s, at a frozen time."""
    mock_mixpanel.project(alias_delay=DELAY)
    mock_mixpanel.freeze(NOW)
    return mock_mixpanel


def people(mock: MockMixpanel, name: str = "Signed Up") -> list[str]:
    return [item["distinct_id"] for item in mock.events() if item["event"] == name]


def request_records(mock: MockMixpanel, number: int) -> list[int]:
    """The ids of the records of a request."""
    found = http("GET", f"{mock.url}/_mock/requests/{number}").json()
    return [record["id"] for record in found["records"]]


def test_at_once(mock_mixpanel: MockMixpanel) -> None:
    """Without a delay, what follows the alias belongs to the original id."""
    mock_mixpanel.freeze(NOW)
    records = [alias(mock_mixpanel, "u-1", "anon-1"), event(mock_mixpanel)]
    send(mock_mixpanel, "/track", records)
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"plan": "pro"}))
    assert people(mock_mixpanel) == ["anon-1"]
    assert mock_mixpanel.profiles() == {"anon-1": {"plan": "pro"}}
    (request, _) = mock_mixpanel.requests()
    record = request_records(mock_mixpanel, request["id"])[0]
    cause = {
        "id": record,
        "request_id": request["id"],
        "received_at": "2026-06-15T12:00:00.000Z",
        "url": f"/_mock/records/{record}",
        "request_url": f"/_mock/requests/{request['id']}",
    }
    assert mock_mixpanel.identities() == {
        "clusters": [{"canonical": "anon-1", "ids": ["anon-1", "u-1"]}],
        "links": [
            {
                "alias": "u-1",
                "distinct_id": "anon-1",
                "status": "in_effect",
                "reason": None,
                "asked": cause,
                "due": "2026-06-15T12:00:00.000Z",
                "because": None,
                "token": mock_mixpanel.token,
                "region": "us",
            }
        ],
        "pending_aliases": [],
        "split_profiles": [],
        "duplicate_profiles": [],
        "queued": [],
    }


def test_too_early(slow: MockMixpanel) -> None:
    """What comes before the alias has propagated makes a split profile, for good."""
    send(slow, "/track", alias(slow, "u-1", "anon-1"))
    slow.advance(DELAY - 0.001)
    send(slow, "/track", event(slow))
    send(slow, "/engage", update(slow, set={"plan": "pro"}))
    causes = [request["id"] for request in slow.requests()][1:]
    records = [item["id"] for item in slow.events() if item["distinct_id"] == "u-1"]
    assert len(causes) == 2
    pending = {"alias": "u-1", "distinct_id": "anon-1", "due": "2026-06-15T12:00:02.500Z"}
    assert slow.identities()["pending_aliases"] == [pending]
    assert slow.identities()["clusters"] == []

    slow.advance(100)
    assert people(slow) == ["u-1"]
    assert slow.profiles() == {"u-1": {"plan": "pro"}}
    found = slow.identities()
    assert found["clusters"] == [{"canonical": "anon-1", "ids": ["anon-1", "u-1"]}]
    assert (found["pending_aliases"], found["duplicate_profiles"], found["queued"]) == ([], [], [])
    (split,) = found["split_profiles"]
    assert (split["alias"], split["distinct_id"], split["status"]) == ("u-1", "anon-1", "in_effect")
    assert [
        (each["id"], each["request_id"], each["kind"], each["name"]) for each in split["causes"]
    ] == [
        (records[0], causes[0], "event", "Signed Up"),
        (records[0] + 1, causes[1], "profile", "$set"),
    ]


def test_in_time(slow: MockMixpanel) -> None:
    """At the moment the alias is due, the new id leads to the original one."""
    send(slow, "/track", alias(slow, "u-1", "anon-1"))
    slow.advance(DELAY)
    send(slow, "/track", event(slow))
    assert people(slow) == ["anon-1"]
    assert slow.identities()["split_profiles"] == []


def test_not_retroactive(mock_mixpanel: MockMixpanel) -> None:
    """What the new id did before the alias stays with the new id."""
    send(mock_mixpanel, "/track", event(mock_mixpanel))
    send(mock_mixpanel, "/track", alias(mock_mixpanel, "u-1", "anon-1"))
    assert people(mock_mixpanel) == ["u-1"]
    (first, _) = mock_mixpanel.events()
    (split,) = mock_mixpanel.identities()["split_profiles"]
    assert (split["alias"], split["distinct_id"]) == ("u-1", "anon-1")
    assert [each["id"] for each in split["causes"]] == [first["id"]]


def test_original_id_is_not_split(slow: MockMixpanel) -> None:
    """Records for the original id are never a split, however early."""
    send(slow, "/track", alias(slow, "u-1", "anon-1"))
    send(slow, "/track", event(slow, distinct_id="anon-1"))
    assert slow.identities()["split_profiles"] == []


def test_daisy_chain(mock_mixpanel: MockMixpanel) -> None:
    """Aliases of aliases lead to the first id."""
    records = [alias(mock_mixpanel, "b", "a"), alias(mock_mixpanel, "c", "b")]
    send(mock_mixpanel, "/track", [*records, event(mock_mixpanel, distinct_id="c")])
    assert people(mock_mixpanel) == ["a"]
    assert mock_mixpanel.identities()["clusters"] == [{"canonical": "a", "ids": ["a", "b", "c"]}]


def test_many_aliases_of_one_id(mock_mixpanel: MockMixpanel) -> None:
    """One id may have many aliases."""
    send(mock_mixpanel, "/track", [alias(mock_mixpanel, "b", "a"), alias(mock_mixpanel, "c", "a")])
    assert mock_mixpanel.identities()["clusters"] == [{"canonical": "a", "ids": ["a", "b", "c"]}]
    assert mock_mixpanel.rejected() == []


REFUSED = {
    "a second original": (
        [("u-1", "anon-1"), ("u-1", "anon-2")],
        "alias: it points to another distinct_id already",
    ),
    "a circle": (
        [("b", "a"), ("c", "b"), ("a", "c")],
        "alias: distinct_id is an alias of it, so this would make a cycle",
    ),
    "itself": ([("u-1", "anon-1"), ("x", "x")], "alias: the same as distinct_id"),
    "no alias": ([("u-1", "anon-1"), ("", "x")], "alias, missing or empty"),
    "no original": ([("u-1", "anon-1"), ("x", "")], "distinct_id, missing or empty"),
}


@pytest.mark.parametrize("delay", [0, DELAY])
@pytest.mark.parametrize("name", REFUSED)
def test_refused_alias(mock_mixpanel: MockMixpanel, name: str, delay: float) -> None:
    """An alias that cannot be is answered with success, as Mixpanel does, refused and listed."""
    pairs, reason = REFUSED[name]
    mock_mixpanel.project(alias_delay=delay)
    records = [alias(mock_mixpanel, new, old) for new, old in pairs]
    assert send(mock_mixpanel, "/track", records).content == b"1"
    (item,) = mock_mixpanel.rejected()
    assert ([reason], len(pairs) - 1) == (item["reasons"], item["index"])
    (request,) = mock_mixpanel.requests()
    assert request["verdicts"][-1] == {
        "index": len(pairs) - 1,
        "accepted": False,
        "reasons": [reason],
    }
    assert names(mock_mixpanel) == ["$create_alias"] * (len(pairs) - 1)
    mock_mixpanel.advance(delay)
    send(mock_mixpanel, "/track", event(mock_mixpanel, distinct_id=pairs[0][0]))
    assert people(mock_mixpanel) == [pairs[0][1]]


def test_repeated_alias(mock_mixpanel: MockMixpanel) -> None:
    """The same alias again is accepted, and does not restart the delay."""
    mock_mixpanel.project(alias_delay=DELAY)
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/track", alias(mock_mixpanel, "u-1", "anon-1"))
    mock_mixpanel.advance(DELAY)
    send(mock_mixpanel, "/track", [alias(mock_mixpanel, "u-1", "anon-1"), event(mock_mixpanel)])
    assert people(mock_mixpanel) == ["anon-1"]
    assert mock_mixpanel.rejected() == []


@pytest.mark.parametrize(("ignore", "kept"), [(True, "anon-1"), ("true", "anon-1"), (0, "u-1")])
def test_ignore_alias(mock_mixpanel: MockMixpanel, ignore: object, kept: str) -> None:
    """`$ignore_alias` updates exactly the id given."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "u-1", set={"a": 1}))
    send(mock_mixpanel, "/engage", update(mock_mixpanel, "anon-1", set={"a": 1}))
    send(mock_mixpanel, "/track", alias(mock_mixpanel, "u-1", "anon-1"))
    gone = update(mock_mixpanel, "u-1", delete="", ignore_alias=ignore)
    send(mock_mixpanel, "/engage", gone)
    assert mock_mixpanel.profiles() == {kept: {"a": 1}}


@pytest.mark.parametrize("name", ["$identify", "$merge"])
def test_no_function_under_legacy(mock_mixpanel: MockMixpanel, name: str) -> None:
    """Only `$create_alias` links ids; the others are accepted and listed with the reason."""
    record = event(mock_mixpanel, name, **{"$identified_id": "u-1", "$anon_id": "a"})
    assert send(mock_mixpanel, "/import", record).content == b"1"
    assert reasons(mock_mixpanel) == [[f"event: {name} has no effect under legacy identity"]]
    assert mock_mixpanel.identities()["clusters"] == []


def test_merge_goes_to_import(mock_mixpanel: MockMixpanel) -> None:
    """`$merge` is not taken by /track."""
    assert send(mock_mixpanel, "/track", event(mock_mixpanel, "$merge")).content == b"0"
    assert reasons(mock_mixpanel) == [["event: $merge is taken by /import only"]]
