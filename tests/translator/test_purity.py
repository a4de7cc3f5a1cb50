import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

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
        "device": st.fixed_dictionaries({}, optional={"type": values, "token": values}),
        "page": values,
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


@settings(max_examples=400, deadline=None)
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


def test_output_shares_nothing_with_the_input() -> None:
    """Changing what came out does not change what went in."""
    message = {"type": "identify", "userId": "u", "traits": {"tags": [["a"]]}}
    (_, union) = translate(message, SETTINGS, now=NOW).operations
    union.payload["$union"]["tags"][0].append("b")
    assert message["traits"] == {"tags": [["a"]]}
