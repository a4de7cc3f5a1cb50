import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import times
from tests.translator.messages import NOW
from translator import Rules, Settings, translate

SETTINGS = Settings(
    token="T",
    apiSecret="s",
    trackAllPages=True,
    trackNamedPages=True,
    eventIncrements=("a",),
    propIncrements=("n",),
    groupIdentifierTraits=("company",),
    groupSetOnce=("plan",),
    superProperties=("plan",),
)

names = st.sampled_from(
    [
        *("token", "distinct_id", "time", "ip", "$insert_id", "mp_name_tag", "n", "company"),
        *("name", "First Name", "email", "createdAt", "phones", "revenue", "referrer", "plan"),
    ]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["2026-06-15", "null", "$12.50", "a@b.example", "evil"])
    | st.sampled_from(["1e300", "1e999", "-9e99", "9999-12-31T23:59:59-05:00", "0001-01-01T00Z"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(names | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)
objects = st.dictionaries(names | st.text(), values, max_size=6)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "traits": objects | values,
        "ip": values,
        "active": values,
        "campaign": values,
        "library": values,
        "device": st.fixed_dictionaries(
            {}, optional={"type": st.just("iOS") | values, "token": values, "model": values}
        ),
        "app": st.fixed_dictionaries({}, optional={"version": values, "build": values}),
        "os": st.fixed_dictionaries({}, optional={"name": values, "version": values}),
        "referrer": st.fixed_dictionaries({}, optional={"url": values}),
        "page": st.fixed_dictionaries({}, optional={"url": values}) | values,
        "userAgent": values,
    },
)
messages = values | st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "page", "screen", "identify", "group", "alias"]) | values},
    optional={
        "messageId": scalars,
        "userId": values,
        "anonymousId": values,
        "previousId": values,
        "event": values,
        "name": values,
        "category": values,
        "timestamp": values | st.just("2026-06-15T11:00:00.000Z"),
        "properties": objects | values,
        "traits": objects | values,
        "context": contexts | values,
        "options": values,
        "integrations": values,
    },
)


def token_of(payload: dict[str, Any]) -> Any:
    return payload["$token"] if "$token" in payload else payload["properties"]["token"]


@settings(max_examples=times(60, 800), deadline=None)
@given(messages, st.sampled_from([Rules.documented(), Rules.observed()]))
def test_no_message_breaks_the_translator(message: Any, rules: Rules) -> None:
    """Any input gives a result that is JSON, under our own token, and stays as it was."""
    before = copy.deepcopy(message)
    result = translate(message, SETTINGS, now=NOW, rules=rules)
    assert repr(before) == repr(message)
    assert result == result._replace()
    text = json.dumps(result.as_json(), allow_nan=False)
    text.encode()
    for operation in result.operations:
        assert token_of(operation.payload) == "T"
    if result.error is not None:
        assert result.operations == ()


def containers(value: Any, where: str) -> Iterator[tuple[int, str]]:
    """The identity and place of every object and list in a value."""
    if isinstance(value, dict | list):
        yield id(value), where
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in inner:
            yield from containers(item, f"{where}.{key}")


def shared(message: Any, rules: Rules) -> list[list[str]]:
    """The places that hold one and the same object or list, among message and operations."""
    places: dict[int, list[str]] = {}
    result = translate(message, SETTINGS, now=NOW, rules=rules)
    for root in [message, *(operation.payload for operation in result.operations)]:
        for identity, where in containers(root, "message" if root is message else "operation"):
            places.setdefault(identity, []).append(where)
    return [found for found in places.values() if len(found) > 1]


@pytest.mark.parametrize("rules", [Rules.documented(), Rules.observed()], ids=["doc", "seen"])
@pytest.mark.parametrize("kind", ["track", "page", "screen", "identify", "group", "alias"])
def test_nothing_is_shared(kind: str, rules: Rules) -> None:
    """Changing an operation changes neither the message nor another operation."""

    def odd() -> dict[str, Any]:
        return {"a": [1, {"b": [2]}]}

    context: dict[str, Any] = {
        section: {key: odd() if key < "n" else [odd()] for key in keys}
        for section, keys in {
            "app": ("version", "build"),
            "device": ("name", "model", "manufacturer", "advertisingId", "token"),
            "os": ("name", "version"),
            "page": ("url", "referrer", "initial_referrer"),
            "network": ("carrier", "wifi"),
            "screen": ("height", "width"),
            "campaign": ("name", "source", "medium"),
            "library": ("name",),
            "traits": ("email", "plan", "tags"),
        }.items()
    }
    message = {
        "type": kind,
        "messageId": "m",
        "userId": "u",
        "previousId": "p",
        "event": "a",
        "name": "n",
        "category": "c",
        "context": {**context, "ip": [odd()]},
        "properties": {"list": [[odd()]], "object": odd(), "revenue": 5, "referrer": [odd()]},
        "traits": {"tags": [odd()], "email": [1], "company": ["x", "y"], "plan": [odd()]},
    }
    assert shared(message, rules) == []


def test_odd_traits_are_copied() -> None:
    """Traits of another type, which the observed rules pass on, are a copy."""
    message = {"type": "identify", "userId": "u", "traits": [["a"], {"b": []}]}
    assert shared(message, Rules.observed()) == []
