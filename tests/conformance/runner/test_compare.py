"""Exact comparison: the differences, and the form in which they are reported."""

from typing import Any

import pytest

from conformance.runner.compare import Difference, Kind, compare, compare_sequence
from conformance.spec.scenarios.placeholders import Placeholders, is_insert_id

UUID = "f9fee96b-e9d5-59ac-8676-2a4165bb59db"


def changed(path: str, expected: Any, actual: Any) -> Difference:
    return Difference(path, Kind.CHANGED, expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [changed("x.a", 1, True)]),
        ({"a": 0}, {"a": False}, [changed("x.a", 0, False)]),
        ({"a": 1}, {"a": "1"}, [changed("x.a", 1, "1")]),
        ({"a": 0.3}, {"a": 0.1 + 0.2}, [changed("x.a", 0.3, 0.1 + 0.2)]),
        ({"a": None}, {}, [Difference("x.a", Kind.MISSING, None)]),
        ({}, {"__a": 1}, [Difference("x.__a", Kind.UNEXPECTED, actual=1)]),
        ([1, 2], [2, 1], [changed("x[0]", 1, 2), changed("x[1]", 2, 1)]),
        ([1, 2], [1], [Difference("x[1]", Kind.MISSING, 2)]),
        ({"a": [{"$c d": 1}]}, {"a": [{"$c d": 2}]}, [changed('x.a[0]["$c d"]', 1, 2)]),
        ({"$set": {}}, {"$set": []}, [changed("x.$set", {}, [])]),
        (2**53 + 1, 2**53, [changed("x", 2**53 + 1, 2**53)]),
    ],
)
def test_differences(expected: Any, actual: Any, found: list[Difference]) -> None:
    """Types, order, presence and every digit count; only 1 and 1.0 are the same."""
    assert found == compare("x", expected, actual)


def test_nothing_is_cut() -> None:
    """The text of a difference holds both values whole."""
    long = "x" * 20_000
    text = str(compare("a", {"b": long}, {"b": "y" + long})[0])
    assert text == f'a.b\n    expected  "{long}"\n    actual    "y{long}"'


def test_differences_have_a_path_and_say_which_side_is_empty() -> None:
    """Missing and unexpected values are reported as such."""
    found = [str(difference) for difference in compare("requests[0]", {"a": 1}, {"b": 2})]
    assert found == [
        "requests[0].a: missing\n    expected  1",
        "requests[0].b: unexpected\n    actual    2",
    ]


def test_as_many_as_expected_are_compared_in_order() -> None:
    """Two records in the wrong order are two differences each, not a match."""
    found = compare_sequence("requests", [{"a": 1}, {"a": 2}], [{"a": 2}, {"a": 1}])
    assert [(difference.path, difference.note) for difference in found] == [
        ("requests[0].a", "the whole of requests[0] is what was expected as requests[1]"),
        ("requests[1].a", "the whole of requests[1] is what was expected as requests[0]"),
    ]


def test_a_missing_record_is_shown_whole() -> None:
    """The records that came are paired with those expected; the rest is missing."""
    found = compare_sequence("requests", [{"a": 1}, {"a": 2}, {"a": 3}], [{"a": 1}, {"a": 3}])
    assert found == [Difference("requests[1]", Kind.MISSING, {"a": 2})]


def test_an_unexpected_record_comes_with_the_nearest() -> None:
    """The expected record with the fewest differences is shown beside it."""
    expected = [{"event": "A", "time": 1, "x": {"y": 1}}, {"event": "B", "time": 1}]
    found = compare_sequence("requests", expected, [{"event": "A", "time": 2, "x": {"y": 1}}])
    assert found == [
        Difference(
            "requests[0]",
            Kind.UNEXPECTED,
            actual={"event": "A", "time": 2, "x": {"y": 1}},
            note="nearest is the expected item 0, which differs in\n"
            "time\n    expected  1\n    actual    2",
        ),
        Difference("requests[0]", Kind.MISSING, expected[0]),
        Difference("requests[1]", Kind.MISSING, expected[1]),
    ]


def test_a_record_that_came_twice() -> None:
    """A duplicate is named as such."""
    found = compare_sequence("requests", [{"a": 1}], [{"a": 1}, {"a": 1}])
    note = "the same as the expected item 0, once too often"
    assert found == [Difference("requests[1]", Kind.UNEXPECTED, actual={"a": 1}, note=note)]


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        (UUID, True),
        ("a", True),
        ("", False),
        ("a" * 36, True),
        ("a" * 37, False),
        ("a_b", False),
        ("é", False),
        ("a\n", False),
        (5, False),
        (None, False),
    ],
)
def test_insert_ids(value: Any, valid: bool) -> None:
    """An insert id is text of 1 to 36 letters, digits and dashes."""
    assert valid == is_insert_id(value)


def test_the_plain_placeholder_takes_any_insert_id() -> None:
    """`<insert_id>` matches any valid insert id, but not a missing one."""
    expected = {"$insert_id": "<insert_id>"}
    assert compare("x", expected, {"$insert_id": UUID}) == []
    assert compare("x", expected, {}) == [Difference("x.$insert_id", Kind.MISSING, "<insert_id>")]
    invalid = changed("x.$insert_id", "<insert_id>", "a b")
    assert compare("x", expected, {"$insert_id": "a b"}) == [invalid]


def test_a_label_is_one_value() -> None:
    """A label matches the same value everywhere, in state too."""
    placeholders = Placeholders()
    assert compare("x", ["<insert_id:a>", "<insert_id:b>"], ["1", "2"], placeholders) == []
    assert compare("x", "<insert_id:a>", "1", placeholders) == []
    assert compare("x", "<insert_id:a>", "3", placeholders) == [changed("x", "1", "3")]


def test_another_label_is_another_value() -> None:
    """Two labels never stand for the same value."""
    expected = "<insert_id:b>, another one than <insert_id:a>"
    assert compare("x", ["<insert_id:a>", "<insert_id:b>"], ["1", "1"]) == [
        changed("x[1]", expected, "1")
    ]
