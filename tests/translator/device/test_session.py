"""Sessions: what holds for every message of one."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import times
from translator import Rules, Session, Settings, translate, translate_session
from translator.device.sdk import Browser
from translator.device.session import SessionStep

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
MODES = ("web", "ios", "android")
RULE_SETS = [Rules.documented(), Rules.observed()]
SETTINGS = Settings(
    token="T",
    people=True,
    trackAllPages=True,
    eventIncrements=("a", "length"),
    propIncrements=("n", "length"),
    groupIdentifierTraits=("company",),
    groupSetOnce=("plan",),
    superProperties=("plan", "tags"),
    sourceName="s",
)

names = st.sampled_from(
    [
        *("token", "distinct_id", "time", "ip", "$insert_id", "mp_name_tag", "n", "company", "id"),
        *("name", "First Name", "email", "createdAt", "created", "phones", "revenue", "length"),
        *("tags", "plan", "link_query", "$device_id", "$user_id", "0", "1", "products"),
    ]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["2026-06-15", "2026-02-31T25:61", "null", "$12.50", "a@b.example", "a"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(names | st.text(), inner, max_size=4)
    ),
    max_leaves=10,
)
objects = st.dictionaries(names | st.text(), values, max_size=5)
messages = values | st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["track", "page", "screen", "identify", "group", "alias", "reset", "flush"]
        )
    },
    optional={
        "messageId": scalars,
        "userId": scalars | values,
        "previousId": scalars,
        "groupId": scalars,
        "event": values | st.just("a"),
        "name": values,
        "category": values,
        "properties": objects | values,
        "traits": objects | values,
        "integrations": values,
    },
)


def session(**more: Any) -> Session:
    """A session with every setting that does something."""
    return Session(**{"settings": SETTINGS, "now": NOW, **more})


@settings(max_examples=times(50, 600), deadline=None)
@given(st.lists(messages, max_size=4), st.sampled_from(MODES), st.sampled_from(RULE_SETS))
def test_no_message_breaks_a_session(given_: list[Any], mode: str, rules: Rules) -> None:
    """Any input gives results that are JSON, and stays as it was."""
    before = copy.deepcopy(given_)
    results = translate_session(given_, SETTINGS, mode=mode, rules=rules, now=NOW)
    assert repr(before) == repr(given_)
    assert len(given_) == len(results)
    for result in results:
        assert result.calls is not None
        json.dumps(result.as_json(), allow_nan=False)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rules", RULE_SETS, ids=["doc", "seen"])
def test_the_same_again(mode: str, rules: Rules) -> None:
    """Clock, browser and seed being the same, so is everything that comes of a session."""
    given_ = [
        {"type": "track", "event": "a", "properties": {"n": 1}},
        {"type": "identify", "userId": "u", "traits": {"plan": "pro"}},
        {"type": "alias", "userId": "v"},
    ]
    one, two = (
        translate_session(given_, SETTINGS, mode=mode, rules=rules, now=NOW) for _ in range(2)
    )
    assert one == two


def test_another_seed_is_another_browser() -> None:
    """The seed is where the random ids come from."""
    one, two = session(seed="a"), session(seed="b")
    one.start()
    two.start()
    message = {"type": "track", "event": "x"}
    first, second = (
        found.deliver(message).result.operations[0].payload["properties"] for found in (one, two)
    )
    assert [key for key in ("$device_id", "$insert_id") if first[key] == second[key]] == []


@pytest.mark.parametrize("mode", MODES)
def test_one_message_is_a_session_of_one(mode: str) -> None:
    """`translate` in a device mode gives the start-up calls with the message's own."""
    result = translate({"type": "track", "event": "x"}, Settings(token="T"), now=NOW, mode=mode)
    calls = [call.method for call in result.calls or ()]
    starts = {
        "web": ["init", "register"],
        "ios": ["sharedInstanceWithToken"],
        "android": ["getInstance"],
    }
    assert calls == [*starts[mode], "track"]


def test_cloud_mode_has_no_calls() -> None:
    """A result of cloud mode has no member `calls`."""
    result = translate({"type": "track", "event": "x", "userId": "u"}, Settings(token="T"), now=NOW)
    assert "calls" not in result.as_json()


def test_a_bad_message_stops_only_itself() -> None:
    """Start-up calls come with the first message, whatever it is; the next one is as ever."""
    first, second = translate_session(["no message", {"type": "track", "event": "x"}], SETTINGS)
    assert (first.error and first.error.code) == "not_an_object"
    assert [call.method for call in first.calls or ()] == ["init", "register"]
    assert [call.method for call in second.calls or ()] == ["track"]


def test_nothing_is_sent_before_it_is_called() -> None:
    """Messages that are given together go out when the page is idle; batches then as one."""
    found = session(sdk_config={"batch_requests": True}, settings=Settings(token="T"))
    found.start()
    steps = [
        found.deliver({"type": "track", "event": name}, settle=False) for name in ("x", "y", "z")
    ]
    assert [step.requests for step in steps] == [(), (), ()]
    [request] = found.settle()
    assert (
        request.batch,
        [record["event"] for record in request.records],
    ) == (True, ["x", "y", "z"])


def test_fifty_records_a_batch() -> None:
    """A batch has at most fifty records (docs/facts/device-mode.md#web-requests-of-mixpanel-js)."""
    found = session(sdk_config={"batch_requests": True}, settings=Settings(token="T"))
    found.start()
    for number in range(120):
        found.deliver({"type": "track", "event": f"e{number}"}, settle=False)
    assert [len(request.records) for request in found.settle()] == [50, 50, 20]


def properties(step: SessionStep) -> dict[str, Any]:
    """The properties of the one event of a step."""
    [operation] = step.result.operations
    found: dict[str, Any] = operation.payload["properties"]
    return found


def test_a_cookie_has_a_size() -> None:
    """Super properties that the cookie cannot hold are forgotten at once; localStorage has room."""
    message = {"type": "identify", "traits": {"text": "x" * 5000}}
    event = {"type": "track", "event": "a"}
    kept = []
    for persistence in ("cookie", "localStorage"):
        found = session(settings=Settings(token="T", persistence=persistence))
        found.start()
        found.deliver(message)
        kept.append("text" in properties(found.deliver(event)))
    assert kept == [False, True]


def test_a_secure_cookie_needs_https() -> None:
    """On a page without https a secure cookie is not kept: after a reload the visitor is new."""
    for url, same in (("https://www.example.com/", True), ("http://www.example.com/", False)):
        found = session(settings=Settings(token="T", secureCookie=True), browser=Browser(url=url))
        found.start()
        before = properties(found.deliver({"type": "track", "event": "a"}))["$device_id"]
        found.start()
        after = properties(found.deliver({"type": "track", "event": "a"}))["$device_id"]
        assert same == (before == after), url


def test_a_mode_that_does_not_exist() -> None:
    """An unknown mode is an error that names the modes."""
    with pytest.raises(ValueError, match="unknown device mode 'tv'; there are web, ios, android"):
        session(mode="tv")


@pytest.mark.parametrize("mode", ["web", "ios", "android"])
def test_fields_that_a_call_does_not_use(mode: str) -> None:
    """They are reported as in cloud mode, unless nothing of the message is sent."""
    message = {"type": "track", "event": "E", "traits": {"plan": "pro"}, "foo": 1}
    skipped_only = {"type": "page", "name": "Home", "integrations": {"All": False}, "foo": 1}
    settings = Settings(token="T")
    results = translate_session([message, skipped_only], settings, mode=mode, now=NOW)
    codes = [[each.code for each in result.skipped] for result in results]
    assert codes[0][-2:] == ["traits_not_used", "field_not_used"]
    assert "field_not_used" not in codes[1]
