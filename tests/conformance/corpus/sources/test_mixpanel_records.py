"""Records for Mixpanel become messages only if translating the message gives the record again."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.corpus.sources.mixpanel_records import EVENTS, GROUPS, PEOPLE, message_of
from conformance.corpus.sources.rows import RowError
from conformance.spec.scenarios.loading import Json
from translator import Settings, translate

NOW_MS = 1781524800_500
NOW = datetime(2026, 6, 15, 12, 0, 0, 500_000, tzinfo=UTC)
TIME = "2026-06-15T12:00:00.000Z"
ARRIVAL = "2026-06-15T12:00:00.500Z"
EVENT = {"token": "T", "distinct_id": "ann", "time": 1781524800, "$insert_id": "i-1"}


SAME = "not_the_same"


def event(name: str = "Bought", **properties: Any) -> Json:
    return {"event": name, "properties": {**EVENT, **properties}}


def problem(kind: str, record: Any) -> tuple[str, str]:
    with pytest.raises(RowError) as error:
        message_of(kind, record, "id", NOW_MS)
    return error.value.code, str(error.value)


def test_an_event_of_segment() -> None:
    """The library, the ip and the person go back to where the translator took them from."""
    record = event(mp_lib="Segment: ruby", id="ann", mp_name_tag="Ann", ip="192.0.2.1", price=3)
    assert message_of(EVENTS, record, "id", NOW_MS) == {
        "type": "track",
        "messageId": "i-1",
        "timestamp": TIME,
        "userId": "ann",
        "event": "Bought",
        "properties": {"price": 3},
        "context": {"ip": "192.0.2.1", "library": {"name": "ruby"}},
    }


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"mp_lib": "Segment: ruby", "id": "ann"}, "userId"),
        ({"mp_lib": "Segment: ruby"}, "anonymousId"),
        ({"mp_lib": "web"}, "userId"),
        ({}, "userId"),
        ({"mp_lib": "web", "distinct_id": "$device:7"}, "anonymousId"),
    ],
)
def test_whose_event_it_is(properties: Json, field: str) -> None:
    """An event of Segment names the user in `id`; one of another library by its distinct id."""
    message = message_of(EVENTS, event(**properties), "id", NOW_MS)
    expected = properties.get("distinct_id", "ann")
    assert {key: value for key, value in message.items() if key.endswith("Id")} == {
        "messageId": "i-1",
        field: expected,
    }


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (1781524800, TIME),
        (1781524800.25, "2026-06-15T12:00:00.250Z"),
        (1781524800250, "2026-06-15T12:00:00.250Z"),
        (None, ARRIVAL),
    ],
)
def test_times(time: Any, expected: str) -> None:
    """Seconds and milliseconds are told apart; an event without a time has that of its arrival."""
    assert message_of(EVENTS, event(time=time), "id", NOW_MS)["timestamp"] == expected


def test_an_alias() -> None:
    """`$create_alias` is the alias call with the two ids."""
    record = {"event": "$create_alias", "properties": {"distinct_id": "a", "alias": "b"}}
    assert message_of(EVENTS, record, "id", NOW_MS) == {
        "type": "alias",
        "messageId": "id",
        "timestamp": ARRIVAL,
        "userId": "b",
        "previousId": "a",
    }


def test_an_identify() -> None:
    """A `$set` for a person is the identify call with these traits."""
    traits = {"$email": "a@x.example", "plan": "pro", "id": "ann"}
    record = {"$token": "T", "$distinct_id": "ann", "$ip": "192.0.2.1", "$set": traits}
    assert message_of(PEOPLE, record, "id", NOW_MS) == {
        "type": "identify",
        "messageId": "id",
        "timestamp": ARRIVAL,
        "userId": "ann",
        "traits": {"$email": "a@x.example", "plan": "pro"},
        "context": {"ip": "192.0.2.1"},
    }


def test_a_group() -> None:
    """A `$set` for a group whose key is among the properties is the group call."""
    traits = {"company": "acme", "size": 3}
    record = {"$token": "T", "$group_key": "company", "$group_id": "acme", "$set": traits}
    assert message_of(GROUPS, record, "id", NOW_MS) == {
        "type": "group",
        "messageId": "id",
        "timestamp": ARRIVAL,
        "groupId": "acme",
        "traits": traits,
    }


@pytest.mark.parametrize("operation", ["$set_once", "$add", "$append", "$union", "$unset"])
def test_updates_without_a_call(operation: str) -> None:
    """Other updates have no single call as their origin, also together with `$set`."""
    text = f"no single call of Segment sends {operation!r}"
    record = {"$distinct_id": "ann", operation: {"n": 1}}
    assert problem(PEOPLE, record) == ("no_segment_call", text)
    assert problem(PEOPLE, {**record, "$set": {"a": 1}}) == ("no_segment_call", text)
    assert problem(GROUPS, {"$group_key": "k", "$group_id": "g", operation: {}})[0] == (
        "no_segment_call"
    )


@pytest.mark.parametrize(
    ("kind", "record", "code"),
    [
        (EVENTS, event("$identify"), "no_segment_call"),
        (EVENTS, event("$merge"), "no_segment_call"),
        (EVENTS, [event()], "not_a_record"),
        (EVENTS, {"event": "A"}, "not_a_record"),
        (EVENTS, {"event": 1, "properties": {}}, "not_a_record"),
        (EVENTS, {"event": "$create_alias", "properties": {"distinct_id": "a"}}, SAME),
        (EVENTS, event("$create_alias", alias="b", extra=1), SAME),
        (PEOPLE, {"$distinct_id": "ann"}, "not_a_record"),
        (PEOPLE, {"$distinct_id": "a", "$set": {"firstName": "Ann"}}, SAME),
        (PEOPLE, {"$distinct_id": "a", "$set": {"$first_name": "A", "$last_name": "B"}}, SAME),
        (GROUPS, {"$group_key": "k", "$group_id": "g", "$set": {"a": 1}}, SAME),
        (GROUPS, {"$group_key": "k", "$group_id": "g", "$set": {"k": ["g", "h"]}}, SAME),
    ],
)
def test_what_cannot_be_known(kind: str, record: Any, code: str) -> None:
    """A record for which no message is known is left out with the reason."""
    assert problem(kind, record)[0] == code


def test_the_reason_names_the_field_that_would_change() -> None:
    """It names the property, not its value."""
    record = {"$distinct_id": "a", "$set": {"firstName": "Ann"}}
    text = "translating the message would change '$first_name'"
    assert problem(PEOPLE, record) == ("not_the_same", text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        "plan",
        "firstName",
        "$email",
        "$name",
        "time",
        "ip",
        "id",
        "token",
        "company",
        "$os",
        "mp_lib",
    ]
)
PROPERTIES = st.dictionaries(NAMES | st.text(max_size=4), JSON, max_size=6)
SETTINGS = Settings(
    token="T",
    apiSecret="s",
    people=True,
    setAllTraitsByDefault=True,
    groupIdentifierTraits=("company",),
)
ENVELOPE = {"token", "$insert_id", "mp_lib", "mp_name_tag"}


def effect(record: Json) -> Json:
    """A record without the fields that every translation makes anew."""
    found = {key: value for key, value in record.items() if key not in ("$time", "mp_lib")}
    if "properties" in found:
        found["properties"] = {
            key: value
            for key, value in found["properties"].items()
            if key not in ENVELOPE and value is not None
        }
    return found


@given(
    st.sampled_from(["track", "identify", "group", "alias", "page"]),
    PROPERTIES,
    st.dictionaries(st.sampled_from(["ip", "library", "os", "userAgent"]), JSON),
)
def test_a_message_gives_its_record_again(kind: str, properties: Json, context: Json) -> None:
    """Whatever was sent, a message that is given back has the same effect as the record."""
    field = "traits" if kind in ("identify", "group") else "properties"
    sent: Json = {
        "type": kind,
        "messageId": "m",
        "userId": "ann",
        "previousId": "a",
        "event": "Bought",
    }
    sent |= {"timestamp": TIME, field: properties, "context": context, "groupId": "acme"}
    kinds = {"/track": EVENTS, "/import": EVENTS, "/engage": PEOPLE, "/groups": GROUPS}
    for operation in translate(sent, SETTINGS, now=NOW).operations:
        try:
            message = message_of(kinds[operation.endpoint], operation.payload, "m", NOW_MS)
        except RowError:
            continue
        again = translate(message, SETTINGS, now=NOW).operations
        assert effect(operation.payload) in [effect(each.payload) for each in again]


@pytest.mark.parametrize("kind", ["track", "identify", "group", "alias"])
def test_ordinary_calls_come_back(kind: str) -> None:
    """The ordinary calls of an application are known, so the check does not refuse everything."""
    sent: Json = {
        "type": kind,
        "messageId": "m",
        "userId": "ann",
        "previousId": "a",
        "event": "Bought",
    }
    traits = {"company": "acme", "plan": "pro", "email": "a@x.example", "size": 3}
    context = {"ip": "192.0.2.1", "library": {"name": "ruby"}, "os": {"name": "Linux"}}
    sent |= {"timestamp": TIME, "traits": traits, "properties": traits, "context": context}
    [operation] = translate(sent, SETTINGS, now=NOW).operations
    kinds = {"/track": EVENTS, "/engage": PEOPLE, "/groups": GROUPS}
    message = message_of(kinds[operation.endpoint], operation.payload, "m", NOW_MS)
    assert (message["type"], message["timestamp"][:19]) == (kind, TIME[:19])
