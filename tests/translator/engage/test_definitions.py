import json
from importlib.resources import files
from typing import Any

import pytest

from translator.engage import DefinitionsError, key_of, read_definitions
from translator.engage.filters import OPERATORS

TRAIT = "computed_traits: [{name: N, computation: event_counter, event: E"
AUDIENCE = "audiences: [{name: N, users_who: [{performed: E"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Order Completed Last 30days", "order_completed_last_30days"),
        ("num_of_courses_clicked", "num_of_courses_clicked"),
        ("A  B", "a__b"),
        ("ÉTÉ 2026", "été_2026"),
    ],
)
def test_key(name: str, key: str) -> None:
    """A name becomes its key in lower case, with an underscore for each space."""
    assert key == key_of(name)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("[]", "the definitions: [] is not of type 'object'"),
        ("{}", "the definitions: {} should be non-empty"),
        ("a: [", "line 1"),
        ("audience: []", "the definitions: unknown key 'audience'; did you mean 'audiences'?"),
        (TRAIT + ", property: p}]", "'event_counter' takes no 'property'"),
        (TRAIT.replace("event_counter", "sum") + "}]", "computation 'sum' needs a 'property'"),
        (TRAIT.replace("event_counter", "median") + "}]", "'median' is not one of"),
        (TRAIT + ", lookback_days: 0}]", "0 is less than the minimum of 1"),
        (TRAIT + ", created_at: soon}]", "created_at: 'soon' is not an ISO 8601 time"),
        (TRAIT + "}, {name: n, computation: event_counter, event: F}]", "its key 'n' is that of"),
        (TRAIT + ", where: [{property: p, above: 1}]}]", "unknown key 'above'"),
        (TRAIT + ", where: [{property: p}]}]", "computed_traits[0].where[0]:"),
        (TRAIT + ", where: [{property: p, before_date: x}]}]", "before_date: 'x' is not a date"),
        (AUDIENCE + ", did_not_perform: F}]}]", "needs either 'performed' or 'did_not_perform'"),
        (AUDIENCE + ", at_leest: 2}]}]", "unknown key 'at_leest'; did you mean 'at_least'?"),
        (AUDIENCE + "}], enter_event: In}]", "enter_event: only track sends events"),
        (AUDIENCE + "}], send: [email]}]", "'email' is not one of"),
        (AUDIENCE + ", then: {where: []}}]}]", ".then: needs either"),
        (
            "audiences: [{name: N, users_who: [{did_not_perform: E, then: {performed: F}}]}]",
            "users_who[0].then: only what was performed can be followed",
        ),
        (
            "audiences: [{name: N, users_who: [{any: [{at_least: 2}]}]}]",
            "audiences[0].users_who[0].any[0]: needs either",
        ),
        ('audiences: [{name: "\\ud800", users_who: [{performed: E}]}]', "lone surrogate"),
    ],
)
def test_mistakes_are_named(text: str, mistake: str) -> None:
    """Definitions that cannot be used are refused, with the place and the remedy."""
    with pytest.raises(DefinitionsError) as caught:
        read_definitions(text)
    assert mistake in str(caught.value)


def test_json_is_yaml() -> None:
    """A definitions file may be JSON."""
    data = {"computed_traits": [{"name": "N", "computation": "event_counter", "event": "E"}]}
    assert [each.key for each in read_definitions(json.dumps(data))] == ["n"]


def test_the_schema_has_every_operator() -> None:
    """The schema takes the operators of the table and no others."""
    text = files("translator.engage").joinpath("definitions.schema.json").read_text("utf-8")
    schema: Any = json.loads(text)
    known = schema["$defs"]["where"]["items"]["properties"].keys() - {"property"}
    assert {row.key for row in OPERATORS} == known
