from typing import Any

import pytest

from translator.engage.filters import OPERATORS, Filter, value_of

MISSING = object()

CASES: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("equals", "a", ["a"], ["A", "b", None, MISSING, 1, ["a"]]),
    ("equals", 1, [1, 1.0], ["1", True, 2, MISSING]),
    ("equals", True, [True], [1, "true", False, MISSING]),
    ("not_equals", "a", ["b", 1, None, MISSING], ["a"]),
    ("less_than", 5, [4, 4.9, -1], [5, 6, "4", True, None, MISSING]),
    ("greater_than", 5, [6, 5.1], [5, 4, "6", None, MISSING]),
    ("at_most", 5, [5, 4], [6, "5", MISSING]),
    ("at_least", 5, [5, 6], [4, "5", MISSING]),
    ("contains", "an", ["an", "banana", ["an"]], ["BAN", ["banana"], 1, MISSING]),
    ("contains", 1, [[1, 2]], [["1"], "1", 1, MISSING]),
    ("does_not_contain", "an", ["", "AN", 5, MISSING], ["banana", ["an"]]),
    ("starts_with", "a", ["a", "ab"], ["ba", 1, MISSING]),
    ("ends_with", "a", ["a", "ba"], ["ab", 1, MISSING]),
    ("exists", True, [0, "", False], [None, MISSING]),
    ("exists", False, [None, MISSING], [0, ""]),
    ("before_date", "2026-06-15", ["2026-06-14", 1781395200], ["2026-06-15", "x", True, MISSING]),
    ("after_date", "2026-06-15", ["2026-06-15T00:00:01Z"], ["2026-06-15", "", None, MISSING]),
]


@pytest.mark.parametrize(("key", "wanted", "holding", "failing"), CASES)
def test_operator(key: str, wanted: Any, holding: list[Any], failing: list[Any]) -> None:
    """Each operator holds for the values that it should, and for no others."""
    condition = Filter.from_json({"property": "p", key: wanted})
    for values, expected in ((holding, True), (failing, False)):
        for value in values:
            properties = {} if value is MISSING else {"p": value}
            assert (value, condition.holds(properties)) == (value, expected)


def test_every_operator_is_tested() -> None:
    """There is a case for each row of the table."""
    assert {row.key for row in OPERATORS} == {case[0] for case in CASES}


@pytest.mark.parametrize(
    ("properties", "name", "value"),
    [
        ({"a": {"b": 1}}, "a.b", 1),
        ({"a.b": 2, "a": {"b": 1}}, "a.b", 2),
        ({"a": 1}, "a.b", None),
        ({}, "a.b", None),
        ({"a": {"b": 1}}, "a", {"b": 1}),
    ],
)
def test_members_of_objects(properties: dict[str, Any], name: str, value: Any) -> None:
    """A name with a dot is also the path into an object, unless a property is called so."""
    assert value == value_of(properties, name)
