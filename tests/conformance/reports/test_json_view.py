"""A JSON value as lines, with those marked that differ."""

from conformance.reports.json_view import Line, lines, ordered_like, sides
from conformance.runner.compare import Difference, Kind


def test_short_values_stay_on_a_line() -> None:
    """A value that fits stays in one line; a longer one is divided, with the right commas."""
    value = {"a": [1, {"b": None}], "long": ["x" * 40, "y" * 40], "empty": {}}
    assert [line.text for line in lines(value, "v", ())] == [
        "{",
        '  "a": [1,{"b":null}],',
        '  "long": [',
        f'    "{"x" * 40}",',
        f'    "{"y" * 40}"',
        "  ],",
        '  "empty": {}',
        "}",
    ]


def test_a_difference_is_marked_where_it_is() -> None:
    """The line of the value, whatever its length, and no line around it."""
    value = {"a": [1, {"b": 2, "$c d": 3}]}
    found = lines(value, "v", ("v.a[1].b", 'v.a[1]["$c d"]', "v.ab"))
    assert [line.text for line in found if line.differs] == ['      "b": 2,', '      "$c d": 3']


def test_what_differs_as_a_whole_is_marked_as_a_whole() -> None:
    """A record that is missing is missing with all its lines."""
    long = {"a": "x" * 50, "b": "y" * 50}
    found = lines([1, long], "v", ("v[1]",))
    assert [line.differs for line in found] == [False, False, True, True, True, True, False]


def test_a_value_that_is_no_json() -> None:
    """It is shown as Python writes it, and not left out."""
    assert lines("\ud800", "v", ("v",)) == [Line("'\\ud800'", True)]


def test_sides() -> None:
    """A missing value is marked on the expected side, an unexpected value on the actual side."""
    differences = [
        Difference("requests[0].a", Kind.CHANGED, 1, 2),
        Difference("requests[1]", Kind.MISSING, {}),
        Difference("requests[2]", Kind.UNEXPECTED, actual={}),
        Difference("requests_more", Kind.CHANGED, 1, 2),
        Difference("state.events", Kind.CHANGED, 1, 2),
    ]
    assert sides("requests", differences) == (
        ["requests[0].a", "requests[1]"],
        ["requests[0].a", "requests[2]"],
    )


def test_keys_come_in_the_expected_order() -> None:
    """At every depth; keys that were not expected come last, and nothing is lost."""
    actual = {"c": 1, "b": [{"y": 1, "x": 2}, 3], "a": {}}
    expected = {"a": 1, "b": [{"x": 0, "y": 0}]}
    found = ordered_like(actual, expected)
    assert actual == found
    assert list(found) == ["a", "b", "c"]
    assert list(found["b"][0]) == ["x", "y"]
