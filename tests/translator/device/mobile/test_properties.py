"""Made-up sessions of apps: nothing crashes, and every message is answered."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import times
from translator import Rules, Session
from translator.core.rules import RULES
from translator.device.mobile.library_settings import library_settings

NAMES = (
    *("email", "$email", "firstName", "$first_name", "lastName", "name", "$name", "createdAt"),
    *("created", "lastSeen", "userId", "anonymousId", "plan", "company", "house", "category"),
    *("revenue", "Revenue", "REVENUE", "total", "watts", "WATTS", "hours", "length", "token"),
)
TEXTS = (
    *("", " ", "  ", "a", "E", "e", "Home", "12.75", "1,249.90", "12d", "0x1p3", "NaN", "1e400"),
    *("$5", "true", "TRUE", "false", "no", "null", "u-1", "2026-06-15", "\u00a0", "Last E"),
)

names = st.sampled_from(NAMES)
texts = st.sampled_from(TEXTS) | st.text(max_size=5)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.sampled_from([0, 1, -0.0, 1e21])
) | (st.floats(allow_nan=False, allow_infinity=False) | texts)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.none() | st.dictionaries(names | texts, values, max_size=5)
integrations = st.dictionaries(
    st.sampled_from(["Mixpanel", "mixpanel", "All", "all", "Amplitude"]), values, max_size=3
)
messages = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["track", "screen", "identify", "group", "alias", "page", "reset", "flush"]
        )
    },
    optional={
        "userId": scalars,
        "anonymousId": texts,
        "previousId": scalars,
        "groupId": scalars,
        "event": scalars,
        "name": scalars,
        "category": scalars,
        "properties": objects,
        "traits": objects,
        "integrations": integrations | values,
    },
)
flags = st.booleans() | st.sampled_from(["true", "no", 0, 1, None])
lists = st.lists(names | texts, max_size=6)
source_settings = st.fixed_dictionaries(
    {"token": st.just("T")},
    optional={
        **dict.fromkeys(["people", "setAllTraitsByDefault", "consolidatedPageCalls"], flags),
        **dict.fromkeys(["trackAllPages", "trackCategorizedPages", "trackNamedPages"], flags),
        **dict.fromkeys(["legacySuperProperties", "enableEuropeanUnionEndpoint"], flags),
        **dict.fromkeys(["superProperties", "peopleProperties", "groupIdentifierTraits"], lists),
        **dict.fromkeys(["propIncrements", "eventIncrements", "increments", "groupSetOnce"], lists),
    },
)
rule_sets = st.sets(st.sampled_from([rule.name for rule in RULES])).map(
    lambda names: Rules(frozenset(names))
) | st.sampled_from([Rules.observed(), Rules.documented()])
modes = st.sampled_from(["ios", "android"])


@settings(max_examples=times(40, 800), deadline=None)
@given(source_settings, st.lists(messages | values, max_size=5), modes, rule_sets)
def test_every_message_is_answered(
    source: dict[str, Any], session_messages: list[Any], mode: str, rules: Rules
) -> None:
    """Any message makes calls, or says why it makes none; the input stays as it was."""
    before = copy.deepcopy(session_messages)
    read = library_settings(mode, source)
    assert read is not None
    session = Session(settings=read, mode=mode, rules=rules, clock=lambda: 0)
    assert session.start().result.calls
    for message in session_messages:
        result = session.deliver(message).result
        json.dumps(result.as_json(), allow_nan=False)
        assert result.calls is not None
        # An identify call that sets nothing asks for nothing.
        asks_for_nothing = isinstance(message, dict) and message.get("type") == "identify"
        assert result.calls or result.error or result.skipped or asks_for_nothing
    assert repr(session_messages) == repr(before)


@settings(max_examples=times(30, 400), deadline=None)
@given(source_settings, st.lists(messages, max_size=4), modes, rule_sets)
def test_calls_have_the_form_of_captures(
    source: dict[str, Any], session_messages: list[Any], mode: str, rules: Rules
) -> None:
    """A call is a method of the recorded SDKs, and equal sessions give equal results."""
    known = {
        *("track", "identify", "registerSuperProperties", "flush", "reset", "alias", "createAlias"),
        *("people.identify", "people.set", "people.union", "people.increment"),
        *("people.trackCharge", "getGroup", "getGroup().set", "getGroup().setOnce", "setGroup"),
    }
    read = library_settings(mode, source)
    assert read is not None
    runs = []
    for _ in range(2):
        session = Session(settings=read, mode=mode, rules=rules, clock=lambda: 0)
        session.start()
        runs.append([session.deliver(message).result.as_json() for message in session_messages])
    assert {call[0] for result in runs[0] for call in result["calls"]} <= known
    assert runs[0] == runs[1]
