"""Everything of a message that is not sent has a reason."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import times
from tests.translator.messages import run
from translator import Result, Rules
from translator.core.message import CALLS
from translator.core.message_fields import CALL_FIELDS, ENVELOPE

SETTINGS: dict[str, Any] = {
    "people": True,
    "trackAllPages": True,
    "groupIdentifierTraits": ["company"],
}
NEEDED: dict[str, dict[str, Any]] = {
    "track": {"event": "E"},
    "group": {"traits": {"company": "c"}},
    "alias": {"previousId": "p"},
}
"""What a call of the type must have to be sent."""

DATA: dict[str, Any] = {
    "properties": {"datum": "DATUM"},
    "traits": {"company": "c", "datum": "DATUM"},
    "event": "DATUM",
    "name": "DATUM",
    "category": "DATUM",
    "groupId": "DATUM",
    "previousId": "DATUM",
    "from": "DATUM",
    "to": "DATUM",
    "plan": "DATUM",
    "revenue": 5,
    "userAgent": {"datum": "DATUM"},
}
"""Field -> a value in it: those of Segment's calls, and some that are in the wrong place."""


def call(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "userId": "u", "messageId": "m", **NEEDED.get(kind, {}), **fields}


def sent(result: Result) -> str:
    return json.dumps([operation.payload for operation in result.operations])


def reasons(result: Result) -> str:
    return " ".join(each.reason for each in result.skipped)


@pytest.mark.parametrize("rules", [Rules.documented(), Rules.observed()], ids=["doc", "observed"])
@pytest.mark.parametrize("field", DATA)
@pytest.mark.parametrize("kind", CALLS)
def test_a_field_is_sent_or_has_a_reason(kind: str, field: str, rules: Rules) -> None:
    """Each field of each call is in an operation, or a reason names it."""
    result = run(call(kind, **{field: DATA[field]}), rules, **SETTINGS)
    if result.error is not None:
        assert result.error.code == "unsupported_call"
        return
    known = field in ("groupId", "from", "to") and field in CALL_FIELDS[kind]
    assert known or "DATUM" in sent(result) or field in reasons(result)
    assert result.operations


@pytest.mark.parametrize("value", [None, "", {}, [], {"datum": None}])
@pytest.mark.parametrize("field", ["properties", "traits", "plan"])
@pytest.mark.parametrize("kind", ["track", "page", "screen", "identify", "alias"])
def test_a_field_without_data(kind: str, field: str, value: Any) -> None:
    """Nothing is reported of a field that holds no data."""
    if isinstance(value, str | list) and field != "plan":
        value = None
    if field == "plan" and value:
        value = {}
    assert run(call(kind, **{field: value}), **SETTINGS).skipped == ()


@pytest.mark.parametrize("kind", CALLS)
def test_the_envelope(kind: str) -> None:
    """The fields that transports add to any call are not reported."""
    times = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
    fields: dict[str, Any] = dict.fromkeys(ENVELOPE, "x") | dict.fromkeys(
        times, "2026-06-15T12:00:00Z"
    )
    fields |= {"type": kind, "context": {"ip": "1.2.3.4"}, "options": None, "integrations": {}}
    message = {**fields, **NEEDED.get(kind, {}), "_metadata": {"a": 1}, "_anything": 1}
    assert run(message, **SETTINGS).skipped == ()


def test_the_reasons_name_what_is_left_out() -> None:
    """One reason for the traits, one for the properties, one for all other fields."""
    fields = {"properties": {"a": 1, "b": None}, "plan": "pro", "event": "E"}
    result = run(call("identify", **fields), **SETTINGS)
    assert [tuple(each) for each in result.skipped] == [
        ("properties_not_used", "properties a are not sent: identify calls send no properties"),
        (
            "field_not_used",
            "plan, event not sent: identify calls do not use such a field",
        ),
    ]


def test_a_context_beside_options() -> None:
    """The context of a message with `options` is reported, unless both are the same."""
    both = run(call("track", options={"ip": "1.1.1.1"}, context={"ip": "2.2.2.2"}))
    assert [each.code for each in both.skipped] == ["field_not_used"]
    same = {"ip": "1.1.1.1"}
    assert run(call("track", options=same, context=same)).skipped == ()


def test_a_property_that_takes_the_name_of_another() -> None:
    """A property that Mixpanel names otherwise replaces one that the caller named so."""
    properties = {"username": "new", "$username": "old", "$referrer": "same", "referrer": "same"}
    result = run(call("track", properties=properties), **SETTINGS)
    assert [tuple(each) for each in result.skipped] == [
        ("name_taken", "properties $username are not sent: other values have these names")
    ]


def test_a_trait_that_gives_way_to_the_device() -> None:
    """By the observed rules the device replaces a trait of the context with the same name."""
    context = {"os": {"name": "iOS"}, "traits": {"plan": "pro", "$os": "other"}}
    result = run(call("track", context=context), Rules.observed(), **SETTINGS)
    assert [tuple(each) for each in result.skipped] == [
        ("name_taken", "context.traits $os are not sent: other values have these names")
    ]


NAMES = st.sampled_from(
    [
        *("plan", "email", "$email", "name", "firstName", "first_name", "created", "phone", "id"),
        *("token", "time", "ip", "distinct_id", "$os", "utm_source", "referrer", "username"),
        *("$username", "category", "$insert_id", "mp_lib", "title", "company"),
    ]
)


@st.composite
def messages(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, str]]:
    """A message, and each value of its data with the name of the member that holds it."""
    kind = draw(st.sampled_from(CALLS))
    names: dict[str, str] = {}

    def data() -> dict[str, str]:
        found = {}
        for name in draw(st.lists(NAMES, max_size=4, unique=True)):
            value = f"VALUE{len(names)}x"
            names[value] = name
            found[name] = value
        return found

    fields: dict[str, Any] = {"properties": data(), "traits": data()}
    fields["traits"] = {**NEEDED.get(kind, {}).get("traits", {}), **fields["traits"]}
    if draw(st.booleans()):
        fields["context"] = {
            "traits": data(),
            "campaign": {"source": "c"},
            "os": {"name": "o"},
            "ip": "1.2.3.4",
            "page": {"referrer": "r"},
        }
    for field in draw(st.lists(st.sampled_from(["name", "category", "plan"]), unique=True)):
        value = f"VALUE{len(names)}x"
        names[value] = field
        fields[field] = value
    return call(kind, **fields), names


@settings(max_examples=times(200, 20_000), deadline=None)
@given(
    messages(),
    st.sampled_from([Rules.documented(), Rules.observed()]),
    st.booleans(),
    st.sampled_from([[], ["plan", "email"]]),
)
def test_no_value_is_lost_in_silence(
    made: tuple[dict[str, Any], dict[str, str]], rules: Rules, every: bool, listed: list[str]
) -> None:
    """Each value of a message's data is in an operation, or a reason names its member."""
    message, names = made
    chosen = {"setAllTraitsByDefault": every, "superProperties": listed, "peopleProperties": listed}
    result = run(message, rules, **SETTINGS, **chosen)
    if result.error is not None:
        return
    text, told = sent(result), reasons(result)
    lost = [name for value, name in names.items() if value not in text and name not in told]
    assert lost == []
