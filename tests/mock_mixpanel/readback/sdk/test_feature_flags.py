"""Feature flags: the project option `flags`, and what `/flags` makes of it
(docs/facts/mixpanel-http-api.md#endpoints-that-sdks-call)."""

import json
from typing import Any

import pytest

from mock_mixpanel.client import ControlCallError, MockMixpanel
from mock_mixpanel.readback.sdk.feature_flags import normalized_hash
from tests.mock_mixpanel.wire import http

BUTTON: dict[str, Any] = {
    "key": "button",
    "ruleset": {
        "variants": [
            {"key": "red", "value": "#f00", "split": 0.3},
            {"key": "blue", "value": "#00f", "split": 0.7},
        ]
    },
}


def flag(**rules: Any) -> dict[str, Any]:
    """The flag `button` with a changed ruleset."""
    return {**BUTTON, "ruleset": {**BUTTON["ruleset"], **rules}}


def asked(mock: MockMixpanel, context: Any, **params: str) -> Any:
    """What `/flags` answers for a context."""
    params = {"context": json.dumps(context), "token": mock.token, **params}
    answer = http("GET", f"{mock.url}/flags", params=params)
    assert answer.status_code == 200
    return answer.json()["flags"]


def variant(mock: MockMixpanel, **context: Any) -> str | None:
    """The key of the variant of the flag `button`."""
    found = asked(mock, context).get("button")
    return found["variant_key"] if found else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0xCBF29CE484222325), ("a", 0xAF63DC4C8601EC8C), ("foobar", 0x85944171F73967E8)],
)
def test_hash(text: str, expected: int) -> None:
    """The hash is FNV-1a of 64 bits (its published test vectors), in hundredths."""
    assert normalized_hash(text, "") == expected % 100 / 100
    assert normalized_hash(text[:1], text[1:]) == expected % 100 / 100


def test_variants_by_person(mock_mixpanel: MockMixpanel) -> None:
    """Each person gets one variant, always the same; variants share the people by key order."""
    mock_mixpanel.project(flags=[BUTTON])
    people = [f"user-{number}" for number in range(200)]
    first = [variant(mock_mixpanel, distinct_id=each) for each in people]
    assert [variant(mock_mixpanel, distinct_id=each) for each in people[:20]] == first[:20]
    hashes = [normalized_hash(each, "buttonvariant") for each in people]
    assert first == ["blue" if each < 0.7 else "red" for each in hashes]
    assert 35 < first.count("red") < 85


def test_response(mock_mixpanel: MockMixpanel) -> None:
    """A variant is shown with key, value and experiment; `flag_key` asks for one flag."""
    experiment = {"experiment_id": "e-1", "is_experiment_active": True}
    value = {"size": [1, 2.5], "on": True, "none": None}
    other = {"key": "other", "ruleset": {"variants": [{"key": "on", "value": value}]}}
    mock_mixpanel.project(flags=[BUTTON | experiment, other])
    context = {"distinct_id": "user-1"}
    assert normalized_hash("user-1", "buttonvariant") == 0.49
    shown = {
        "button": {"variant_key": "blue", "variant_value": "#00f", **experiment},
        "other": {"variant_key": "on", "variant_value": value},
    }
    assert asked(mock_mixpanel, context) == shown
    assert asked(mock_mixpanel, context, flag_key="other") == {"other": shown["other"]}
    assert asked(mock_mixpanel, context, flag_key="none") == {}
    posted = http(
        "POST",
        f"{mock_mixpanel.url}/flags/",
        json={"context": context},
        auth=(mock_mixpanel.token, ""),
    )
    assert posted.json() == {"code": 200, "flags": shown}


def test_rollout(mock_mixpanel: MockMixpanel) -> None:
    """A person outside of the percentage does not get the flag."""
    mock_mixpanel.project(flags=[flag(rollout=[{"rollout_percentage": 0.4}])])
    for number in range(60):
        person = f"user-{number}"
        inside = normalized_hash(person, "buttonrollout") < 0.4
        assert (variant(mock_mixpanel, distinct_id=person) is not None) == inside


def test_salt(mock_mixpanel: MockMixpanel) -> None:
    """With a `hash_salt` each rollout and the variants have hashes of their own."""
    rollout = [{"rollout_percentage": 0.5}, {"rollout_percentage": 0.5}]
    mock_mixpanel.project(flags=[{**flag(rollout=rollout), "hash_salt": "s"}])
    for number in range(60):
        person = f"user-{number}"
        inside = min(normalized_hash(person, f"buttons{place}") for place in (0, 1)) < 0.5
        found = "blue" if normalized_hash(person, "buttonsvariant") < 0.7 else "red"
        assert variant(mock_mixpanel, distinct_id=person) == (found if inside else None)


def test_rules(mock_mixpanel: MockMixpanel) -> None:
    """The first rollout whose custom properties match counts; a test user's variant comes first."""
    pro = {"runtime_evaluation_definition": {"Plan": "Pro"}, "rollout_percentage": 1}
    rollout = [
        {**pro, "variant_override": {"key": "RED"}},
        {"rollout_percentage": 1, "variant_splits": {"red": 0, "blue": 1}},
    ]
    users = {"users": {"tester": "red"}}
    mock_mixpanel.project(flags=[flag(rollout=rollout, test=users)])
    paying = {"custom_properties": {"plan": "PRO"}}
    red = {"variant_key": "red", "variant_value": "#f00", "is_qa_tester": True}
    assert asked(mock_mixpanel, {"distinct_id": "a", **paying}) == {"button": red}
    assert asked(mock_mixpanel, {"distinct_id": "tester"}) == {"button": red}
    others: list[Any] = [{}, {"plan": "free"}, {"plan": 1}, [], None]
    for custom in others:
        assert variant(mock_mixpanel, distinct_id="a", custom_properties=custom) == "blue"


def test_other_contexts(mock_mixpanel: MockMixpanel) -> None:
    """A flag for a group needs the group; every member gets the group's variant."""
    mock_mixpanel.project(flags=[BUTTON | {"context": "company"}])
    for person in range(20):
        assert variant(mock_mixpanel, distinct_id=f"u{person}", company="acme") == variant(
            mock_mixpanel, distinct_id="x", company="acme"
        )
    assert variant(mock_mixpanel, distinct_id="u") is None
    assert variant(mock_mixpanel, company=5) in ("red", "blue")


def test_definitions(mock_mixpanel: MockMixpanel) -> None:
    """Definitions have all members that SDKs read, variants by key, and no disabled flag."""
    off = {**BUTTON, "key": "off", "status": "disabled"}
    mock_mixpanel.project(flags=[BUTTON, off])
    answer = http("GET", f"{mock_mixpanel.url}/flags/definitions", auth=(mock_mixpanel.token, ""))
    variants = [{**each, "is_control": False} for each in BUTTON["ruleset"]["variants"][::-1]]
    assert answer.json()["flags"] == [
        {
            "id": "button",
            "name": "button",
            "key": "button",
            "status": "enabled",
            "context": "distinct_id",
            "project_id": 0,
            "hash_salt": None,
            "experiment_id": None,
            "is_experiment_active": None,
            "ruleset": {
                "variants": variants,
                "rollout": [{"rollout_percentage": 1}],
                "test": {"users": {}},
            },
        }
    ]
    assert set(asked(mock_mixpanel, {"distinct_id": "a"})) == {"button"}


def test_who_may_ask(mock_mixpanel: MockMixpanel) -> None:
    """The token of a project with a secret is enough; a service account must be the project's."""
    account = {"username": "robot", "secret": "hush"}
    mock_mixpanel.project(flags=[BUTTON], secret="s", project_id="7", service_accounts=[account])
    url, query = f"{mock_mixpanel.url}/flags/definitions", {"project_id": "7"}
    found = [
        http("GET", url, auth=(mock_mixpanel.token, "")),
        http("GET", url, params={"token": mock_mixpanel.token}),
        http("GET", url, params=query, auth=("robot", "hush")),
        http("GET", url, params=query, auth=("robot", "wrong")),
        http("GET", url, auth=("another", "")),
        http("GET", url),
    ]
    assert [(each.status_code, len(each.json().get("flags", ()))) for each in found] == [
        (200, 1),
        (200, 1),
        (200, 1),
        (401, 0),
        (200, 0),
        (401, 0),
    ]


def test_another_region(mock_mixpanel: MockMixpanel) -> None:
    """The flags of a project are those of its region."""
    mock_mixpanel.project(flags=[BUTTON], region="eu")
    assert asked(mock_mixpanel, {"distinct_id": "a"}) == {}


@pytest.mark.parametrize("context", ["x", "[]", "1", "{"])
def test_bad_context(mock_mixpanel: MockMixpanel, context: str) -> None:
    """A context that is not an object is refused in the envelope of the flags."""
    params = {"context": context, "token": mock_mixpanel.token}
    answer = http("GET", f"{mock_mixpanel.url}/flags", params=params)
    error = {"error": "context must be a JSON object with distinct_id", "status": "error"}
    assert (answer.status_code, answer.json()) == (400, error)


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        ({}, r"flags: expected a list of objects, got an object"),
        ([1], r"flags\[0\]: expected an object, got a int"),
        ([{"key": "f"}], r"flags\[0\].ruleset: missing"),
        ([BUTTON, BUTTON], r"flags\[1\].key: 'button' is defined twice"),
        ([{**BUTTON, "contxt": "a"}], r"flags\[0\].contxt: unknown option; did you mean 'context'"),
        ([flag(variants=[])], r"flags\[0\].ruleset.variants: expected variants"),
        ([flag(variants=[{"key": "a"}])], r"ruleset.variants\[0\].value: missing"),
        (
            [flag(rollout=[{"rollout_percentage": 40}])],
            r"rollout_percentage: expected a share, 0 to",
        ),
        (
            [flag(test={"users": {"a": "green"}})],
            r"there is no variant 'green'; known: blue, red",
        ),
        (
            [flag(rollout=[{"rollout_percentage": 1, "runtime_evaluation_rule": {}}])],
            "unknown option",
        ),
        ([{**BUTTON, "status": "on"}], r"flags\[0\].status: 'on' is not one of enabled, disabled"),
    ],
)
def test_bad_flags(mock_mixpanel: MockMixpanel, flags: Any, error: str) -> None:
    """A wrong definition is refused with its place."""
    with pytest.raises(ControlCallError, match=error):
        mock_mixpanel.project(flags=flags)
