"""The language of `where` is that of Mixpanel's page on segmentation expressions."""

import pytest

from mock_mixpanel.readback.expression_values import ExpressionError
from mock_mixpanel.readback.expressions import WhereRow, compile_where

PROPERTIES = {
    "plan": "pro",
    "visits": 7,
    "balance": -2.5,
    "trial": False,
    "nothing": None,
    "tags": ["a", "b"],
    "signed up": "true",
    "age": "42",
    "$last_seen": "2026-06-15T12:00:00",
    "$time": 1781524800,
    'the "best"': 1,
    "huge": 10**5000,
}
ROW = WhereRow(PROPERTIES, {"$email": "ann@example.com"})


def selects(text: str) -> bool:
    return compile_where(text)(ROW)


@pytest.mark.parametrize(
    "text",
    [
        'properties["plan"] == "pro"',
        "properties['plan'] == 'pro'",
        'properties["the \\"best\\""] == 1',
        'user["$email"] == "ann@example.com"',
        'event["visits"] == 7',
        'properties["visits"] != "7"',
        'properties["missing"] != "x"',
        'properties["visits"] in [1, 7]',
        'not (properties["visits"] in [])',
        '"ro" in properties["plan"]',
        '"b" in properties["tags"]',
        'defined(properties["plan"])',
        'not defined(properties["missing"])',
        'not defined(properties["nothing"])',
        'properties["visits"] + 1 == 8',
        '"pro" + "fi" == "profi"',
        'properties["visits"] % 4 == 3',
        "-7 % 4 == -3",
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9",
        "10 - 2 - 3 == 5",
        'floor(properties["balance"]) == -3',
        'ceil(properties["balance"]) == -2',
        "round(2.5) == 3",
        'boolean(properties["signed up"])',
        'number(properties["age"]) > 41',
        'string(properties["visits"]) == "7"',
        'properties["$last_seen"] >= "2026-01-01T00:00:00"',
        'properties["$time"] >= datetime(1781524800)',
        'properties["$time"] < datetime("2026-06-15T12:00:01")',
        'datetime(properties["$last_seen"]) == datetime(1781524800000)',
        'properties["plan"] == "x" or properties["visits"] > 5 and not properties["trial"]',
        'properties["missing"] or properties["plan"] == "pro"',
        "true",
    ],
)
def test_true(text: str) -> None:
    """Each of these selects the row."""
    assert selects(text)


@pytest.mark.parametrize(
    "text",
    [
        'properties["plan"] == "Pro"',
        'properties["visits"] == "7"',
        'properties["trial"] == 0',
        'properties["visits"] > "5"',
        'properties["missing"] > 5',
        'properties["missing"]',
        'properties["visits"]',
        'properties["visits"] / 0 == 0',
        'properties["plan"] - 1 == 0',
        '7 in properties["plan"]',
        'not properties["plan"]',
        'number(properties["plan"]) == 0',
        'boolean(properties["missing"])',
        'properties["plan"] < datetime("2026-06-15")',
        "false or false",
        'string(properties["huge"]) == "1"',
        'number(properties["huge"]) == 1',
        'round(properties["huge"] * 1.5) == 1',
        "1e308 * 10 > 0",
        'number("1e999") > 0',
    ],
)
def test_false(text: str) -> None:
    """What is false, undefined or no boolean does not select the row."""
    assert not selects(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "properties[plan]",
        'properties["plan"] = "pro"',
        'properties["plan"] like "p"',
        'exists(properties["plan"])',
        'properties["plan"] == "pro" &&',
        '__import__("os")',
        '"unclosed',
        "(" * 50,
        "1" * 30_000,
        "1" * 5_000,
    ],
)
def test_unreadable(text: str) -> None:
    """What is not in the language is an error that says where."""
    with pytest.raises(
        ExpressionError, match=r"cannot be read at line 1|longer than|out of range|\$END"
    ):
        compile_where(text)


def test_logic_of_other_types() -> None:
    """`and` and `or` take booleans and undefined; anything else is an error."""
    with pytest.raises(ExpressionError, match="and: takes booleans, got a str"):
        selects('properties["plan"] and true')


def test_deep_nesting() -> None:
    """An expression nested beyond all reason is an error, not a crash."""
    with pytest.raises(ExpressionError, match="nested too deeply"):
        selects("not " * 4_900 + "true")
