"""Original id merge: who is merged with whom, in which order it is decided, and why not."""

from typing import Any
from uuid import UUID

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import NOW, alias, event, reasons, send, update

A, B, C = (str(UUID(int=number, version=4)) for number in (1, 2, 3))
"""Anonymous ids."""


@pytest.fixture
def original(mock_mixpanel: MockMixpanel) -> MockMixpanel:
    """A project under original id merge, at a frozen time."""
    mock_mixpanel.project(identity="original")
    mock_mixpanel.freeze(NOW)
    return mock_mixpanel


def identify(mock: MockMixpanel, identified: Any, anonymous: Any) -> dict[str, Any]:
    ids = {"$identified_id": identified, "$anon_id": anonymous}
    return event(mock, "$identify", distinct_id=identified, **ids)


def merge(mock: MockMixpanel, *ids: Any) -> dict[str, Any]:
    return {"event": "$merge", "properties": {"token": mock.token, "$distinct_ids": list(ids)}}


def people(mock: MockMixpanel) -> list[set[str]]:
    return [set(cluster["ids"]) for cluster in mock.identities()["clusters"]]


def failures(mock: MockMixpanel) -> list[str | None]:
    """The `$failure_reason` of each stored event."""
    return [item["properties"].get("$failure_reason") for item in mock.events()]


@pytest.mark.parametrize("endpoint", ["/track", "/import"])
def test_identify(original: MockMixpanel, endpoint: str) -> None:
    """`$identify` makes one person of two ids, earlier and later events included."""
    before, after = event(original, distinct_id=A), event(original, distinct_id="u")
    records = [before, identify(original, "u", A), after, before]
    assert send(original, endpoint, records).content == b"1"
    assert people(original) == [{"u", A}]
    assert len({item["distinct_id"] for item in original.events()}) == 1
    assert failures(original) == [None] * 4
    assert original.rejected() == []


def test_identify_as_sdks_send_it(original: MockMixpanel) -> None:
    """SDKs name the pair `distinct_id` and `$anon_distinct_id`."""
    sent = {"$anon_distinct_id": f"$device:{A}", "$device_id": A, "$user_id": "u"}
    send(original, "/track", event(original, "$identify", distinct_id="u", **sent))
    assert people(original) == [{"u", f"$device:{A}"}]


@pytest.mark.parametrize(
    ("anonymous", "failure"),
    [
        ("1f0e3dad-9990-4345-b743-9f8ffabdffc4", None),
        ("1F0E3DAD-9990-4345-B743-9F8FFABDFFC4", None),
        ("$device:1f0e3dad-9990-4345-b743-9f8ffabdffc4", None),
        ("17b1c0a7d3e1c5-0a2b3c4d5e6f78-3c3b3a2f-1fa400-17b1c0a7d3f9b2", None),
        ("$device:17b1c0a7d3e1c5-0a2b3c4d5e6f78-3c3b3a2f-1fa400-17b1c0a7d3f9b2", None),
        ("anon-1", "errAnonDistinctIdNonGUIDForm"),
        ("ann@example.com", "errAnonDistinctIdNonGUIDForm"),
        ("$device:17", "errAnonDistinctIdNonGUIDForm"),
        ("1f0e3dad99904345b7439f8ffabdffc4", "errAnonDistinctIdNonGUIDForm"),
        ("1f0e3dad-9990-4345-b743-9f8ffabdffc4-1", "errAnonDistinctIdNonGUIDForm"),
        ("x1f0e3dad-9990-4345-b743-9f8ffabdffc4", "errAnonDistinctIdNonGUIDForm"),
        ("1f0e3dad-9990-4345-b743-9f8ffabdffc4\n", "errAnonDistinctIdNonGUIDForm"),
    ],
)
def test_form_of_anonymous_ids(original: MockMixpanel, anonymous: str, failure: str | None) -> None:
    """An anonymous id looks like a UUID, with or without the prefix of SDKs."""
    send(original, "/track", identify(original, "u", anonymous))
    assert failures(original) == [failure]
    assert ([] if failure else [{"u", anonymous}]) == people(original)


IDENTIFY_FAILURES = {
    "same": ([("u", "u")], "errSameIDs"),
    "the same UUID": ([(A, A)], "errSameIDs"),
    "no UUID": ([("u", "anon-1")], "errAnonDistinctIdNonGUIDForm"),
    "another user": ([("u", A), ("v", A)], "errAnonDistinctIdAssignedAlready"),
    "the same user again": ([("u", A), ("u", A)], "errAnonDistinctIdAssignedAlready"),
    "identified itself": ([(A, B), ("u", A)], "errAnonDistinctIdAssignedAlready"),
    "by way of another": ([("u", A), (B, C), ("v", C)], "errAnonDistinctIdAssignedAlready"),
}


@pytest.mark.parametrize("name", IDENTIFY_FAILURES)
def test_failed_identify(original: MockMixpanel, name: str) -> None:
    """A failed `$identify` is answered with success, stored with its reason, and merges nothing."""
    pairs, failure = IDENTIFY_FAILURES[name]
    *before, last = [identify(original, *pair) for pair in pairs]
    send(original, "/track", before)
    merged = people(original)
    assert send(original, "/track", last).content == b"1"
    assert failures(original) == [None] * len(before) + [failure]
    assert merged == people(original)
    ((reason,),) = reasons(original)
    description = original.events()[-1]["properties"]["$failure_description"]
    assert reason == f"{failure}: {description}"
    assert [verdict["accepted"] for verdict in original.requests()[-1]["verdicts"]] == [True]


@pytest.mark.parametrize(
    ("pair", "failure"),
    [
        (("u", "u"), "errSameIDs"),
        (("v", "anon-1"), "errAnonDistinctIdNonGUIDForm"),
        (("v", A), "errAnonDistinctIdAssignedAlready"),
        (("u", B), "errManyIDs"),
        (("v", B), None),
    ],
)
def test_order_of_checks(
    original: MockMixpanel, pair: tuple[str, str], failure: str | None
) -> None:
    """The first check that fails gives the reason: same, form, assigned, many."""
    original.project(limits={"cluster_ids": 3})
    merges = [alias(original, "u", "anon-1"), identify(original, "u", A)]
    send(original, "/track", merges)
    send(original, "/track", identify(original, *pair))
    assert failures(original) == [None, None, failure]


def test_users_with_several_devices(original: MockMixpanel) -> None:
    """A user may be identified on many devices."""
    send(original, "/track", [identify(original, "u", A), identify(original, "u", B)])
    assert people(original) == [{"u", A, B}]


def test_alias(original: MockMixpanel) -> None:
    """`$create_alias` merges ids of any form, and daisy chains are one person."""
    records = [alias(original, "b", "a"), alias(original, "c", "b"), alias(original, "d", "a")]
    send(original, "/track", records)
    assert people(original) == [{"a", "b", "c", "d"}]
    assert failures(original) == [None] * 3


def test_alias_already_exists(original: MockMixpanel) -> None:
    """An alias is used once; the second time links nothing, whatever it points to."""
    records = [alias(original, "b", "a"), alias(original, "b", "c"), alias(original, "b", "a")]
    assert send(original, "/track", records).content == b"1"
    assert failures(original) == [None, "errAliasAlreadyExists", "errAliasAlreadyExists"]
    assert people(original) == [{"a", "b"}]


def test_a_failed_alias_is_not_used(original: MockMixpanel) -> None:
    """An alias that could not be made can be made later."""
    original.project(limits={"cluster_ids": 2})
    records = [alias(original, "b", "a"), alias(original, "c", "a"), alias(original, "c", "d")]
    send(original, "/track", records)
    assert failures(original) == [None, "errManyIDs", None]


def test_merge(original: MockMixpanel) -> None:
    """`$merge` joins two people of any form, two users too."""
    send(original, "/track", [identify(original, "u", A), identify(original, "v", B)])
    assert send(original, "/import", merge(original, "u", "v")).content == b"1"
    assert people(original) == [{"u", "v", A, B}]
    assert original.rejected() == []


def test_merge_by_strict_import(original: MockMixpanel) -> None:
    """A strict import accepts a `$merge` without a time and an insert id."""
    answer = send(original, "/import?strict=1", [merge(original, "u", "v")])
    assert answer.json() == {"code": 200, "num_records_imported": 1, "status": "OK"}
    assert people(original) == [{"u", "v"}]


def test_merge_is_not_taken_by_track(original: MockMixpanel) -> None:
    """`$merge` is for /import only."""
    assert send(original, "/track", merge(original, "u", "v")).content == b"0"
    assert reasons(original) == [["event: $merge is taken by /import only"]]
    assert people(original) == []


@pytest.mark.parametrize("kind", ["$identify", "$create_alias", "$merge"])
@pytest.mark.parametrize(("size", "failure"), [(499, None), (500, "errManyIDs")])
def test_many_ids(original: MockMixpanel, kind: str, size: int, failure: str | None) -> None:
    """A person can have 500 ids; what would make more merges nothing."""
    records = [alias(original, f"alias-{number}", "u") for number in range(size - 1)]
    send(original, "/track", records)
    make = {
        "$identify": identify(original, "u", A),
        "$create_alias": alias(original, A, "u"),
        "$merge": merge(original, A, "u"),
    }
    assert send(original, "/import", make[kind]).content == b"1"
    assert failure == failures(original)[-1]
    ((first,),) = [[each for each in people(original) if "u" in each]]
    assert (len(first), A in first) == (500, failure is None)


def test_many_ids_of_both(original: MockMixpanel) -> None:
    """What counts is how many ids both have together."""
    original.project(limits={"cluster_ids": 4})
    records = [alias(original, "b", "a"), alias(original, "y", "x"), alias(original, "z", "y")]
    send(original, "/track", records)
    send(original, "/import", merge(original, "a", "z"))
    assert failures(original)[-1] == "errManyIDs"
    assert people(original) == [{"a", "b"}, {"x", "y", "z"}]


def test_a_full_person_can_be_merged_with_itself(original: MockMixpanel) -> None:
    """A merge of ids that are one person already adds none."""
    original.project(limits={"cluster_ids": 2})
    send(original, "/track", alias(original, "b", "a"))
    send(original, "/import", merge(original, "a", "b"))
    assert failures(original) == [None, None]


MISSING = {
    "no identified id": (("", A), "$identified_id, missing or empty"),
    "no anonymous id": (("u", None), "$anon_id, missing or empty"),
}


@pytest.mark.parametrize("name", MISSING)
def test_identify_without_ids(original: MockMixpanel, name: str) -> None:
    """A `$identify` without one of its ids is stored, and listed."""
    ids, reason = MISSING[name]
    assert send(original, "/track", identify(original, *ids)).content == b"1"
    assert reasons(original) == [[reason]]
    assert failures(original) == [None]


@pytest.mark.parametrize("ids", [[], ["u"], ["u", "v", "w"], ["u", ""], [None, "u"]])
def test_merge_without_two_ids(original: MockMixpanel, ids: list[Any]) -> None:
    """A `$merge` of other than two ids merges nothing, and is listed."""
    assert send(original, "/import", merge(original, *ids)).content == b"1"
    ((reason,),) = reasons(original)
    assert reason.startswith("$distinct_ids")
    assert people(original) == []


def test_alias_without_ids(original: MockMixpanel) -> None:
    """A `$create_alias` without one of its ids merges nothing, and is listed."""
    send(original, "/track", [alias(original, "", "a"), alias(original, "b", "")])
    assert reasons(original) == [["alias, missing or empty"], ["distinct_id, missing or empty"]]
    assert people(original) == []


def test_numbers_are_their_digits(original: MockMixpanel) -> None:
    """An id that is a number is the same as its digits."""
    send(original, "/import", [merge(original, 17, "u"), event(original, distinct_id="17")])
    assert people(original) == [{"17", "u"}]


def test_profiles_become_one(original: MockMixpanel) -> None:
    """The profiles of merged ids become one, as if all updates had been made to it."""
    send(original, "/engage", update(original, A, set={"plan": "free", "seen": 1}, add={"n": 1}))
    send(
        original, "/engage", update(original, "u", set={"plan": "pro", "name": "Ann"}, add={"n": 2})
    )
    send(original, "/track", identify(original, "u", A))
    ((canonical, properties),) = original.profiles().items()
    assert properties == {"plan": "pro", "seen": 1, "name": "Ann", "n": 3}
    assert canonical == original.identities()["clusters"][0]["canonical"]
    assert original.rejected() == []
    send(original, "/engage", [update(original, who, add={"n": 1}) for who in (A, "u")])
    assert [each["n"] for each in original.profiles().values()] == [5]


@pytest.mark.parametrize(("first", "second"), [("u", A), (A, "u")])
def test_last_seen_of_merged_profiles(original: MockMixpanel, first: str, second: str) -> None:
    """The merged profile was last seen when either was."""
    seen = update(original, first, set={"a": 1}) | {"$ignore_time": False}
    send(original, "/engage", seen)
    original.advance(60)
    send(original, "/engage", update(original, second, set={"b": 1}))
    send(original, "/track", identify(original, "u", A))
    (properties,) = original.profiles().values()
    assert properties == {"a": 1, "b": 1, "$last_seen": "2026-06-15T12:00:00"}


def test_ignore_alias(original: MockMixpanel) -> None:
    """`$ignore_alias` updates exactly the given id, even an alias."""
    send(original, "/track", identify(original, "u", A))
    records = [update(original, who, set={"who": who}, ignore_alias=True) for who in ("u", A)]
    send(original, "/engage", records)
    assert original.profiles() == {"u": {"who": "u"}, A: {"who": A}}
    (duplicate,) = original.identities()["duplicate_profiles"]
    assert duplicate["distinct_ids"] == sorted(["u", A])


def test_the_order_of_merges_does_not_choose_the_canonical_id(original: MockMixpanel) -> None:
    """The canonical id is any of the ids, and the same one in whatever order they are merged."""
    canonical = set()
    for pairs in ((("a", "b"), ("c", "b")), (("b", "c"), ("c", "a")), (("c", "a"), ("b", "a"))):
        original.reset()
        original.project(identity="original")
        send(original, "/import", [merge(original, *pair) for pair in pairs])
        canonical |= {cluster["canonical"] for cluster in original.identities()["clusters"]}
    assert len(canonical & {"a", "b", "c"}) == 1


def test_ids_are_case_sensitive(original: MockMixpanel) -> None:
    """`U` and `u` are two people."""
    send(original, "/import", merge(original, "u", "v"))
    send(original, "/track", event(original, distinct_id="U"))
    assert original.events()[-1]["distinct_id"] == "U"


def test_device_and_user_link_nothing(original: MockMixpanel) -> None:
    """An event with `$device_id` and `$user_id` does not merge under original."""
    send(original, "/track", event(original, **{"$device_id": A, "$user_id": "u"}))
    assert people(original) == []


def test_duplicates_of_merged_ids(original: MockMixpanel) -> None:
    """Once two ids are one person, their equal events are duplicates."""
    key = {"time": 1781524790, "$insert_id": "i"}
    send(original, "/track", [event(original, distinct_id=who, **key) for who in ("u", A)])
    assert len(original.events()) == 2
    send(original, "/track", identify(original, "u", A))
    assert [item["event"] for item in original.events()] == ["Signed Up", "$identify"]


def test_whose_identify_it_is(original: MockMixpanel) -> None:
    """The documented `$identify` has no distinct id; it is listed under the identified person."""
    ids = {"$identified_id": "u", "$anon_id": "anon-1"}
    send(original, "/track", event(original, "$identify", distinct_id=None, **ids))
    assert [item["distinct_id"] for item in original.events()] == ["u"]
