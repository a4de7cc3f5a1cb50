import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translator.messages import run, track
from translator.core.errors import TranslationError
from translator.core.values.json_values import MAX_NESTING, check, format_value, json_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-04-01", "2026-04-01T00:00:00.000Z"),
        ("2026-04-01T10:11:12+02:00", "2026-04-01T08:11:12.000Z"),
        ("2026-04-01 10:11:12", "2026-04-01T10:11:12.000Z"),
        ("2026-02-31", "2026-02-31"),
        ("2014-01-01 or so", "2014-01-01 or so"),
        ("2026-04", "2026-04"),
        ("20260401", "20260401"),
        (["2026-04-01"], ["2026-04-01T00:00:00.000Z"]),
        ({"a": ["2026-04-01"]}, '{"a":["2026-04-01T00:00:00.000Z"]}'),
        ([{"a": 1.5}], [{"a": 1.5}]),
        (1e400, math.inf),
    ],
)
def test_values_are_formatted(value: Any, expected: Any) -> None:
    """Whole ISO dates are written in UTC, objects become JSON text, all else stays."""
    assert format_value(value) == expected


def test_json_text_has_no_needless_fractions() -> None:
    """A float that is whole is written as JavaScript writes it."""
    assert json_text({"a": 1.0, "b": 0.5, "c": "ü"}) == '{"a":1,"b":0.5,"c":"ü"}'


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (math.nan, "invalid_value", "properties.x is nan"),
        (math.inf, "invalid_value", "properties.x is inf"),
        ("\ud800", "invalid_value", "properties.x has a lone surrogate"),
        ({"\udfff": 1}, "invalid_value", "properties.x.\\udfff has a lone surrogate"),
        ([0, {"y": math.nan}], "invalid_value", "properties.x[1].y is nan"),
        (2**64, "invalid_value", "properties.x is a whole number of more than 64 bits"),
        ({1: 2}, "invalid_value", "properties.x[1] has a key that is not text"),
        (b"bytes", "invalid_value", "properties.x is a bytes"),
        ({1, 2}, "invalid_value", "properties.x is a set"),
        (nested(MAX_NESTING), "nesting_too_deep", "properties.x.a.a"),
        (nested(5000), "nesting_too_deep", "properties.x.a.a"),
    ],
)
def test_what_json_cannot_carry_is_an_error_that_names_the_field(
    value: Any, code: str, text: str
) -> None:
    """A value that would break the payload is refused with its path."""
    result = run(track(properties={"x": value}))
    assert result.error is not None
    assert result.error.code == code
    assert result.error.message.startswith(text)
    assert result.operations == ()
    assert result.message_id == "m1"


def test_the_deepest_allowed_nesting_goes_through() -> None:
    """One level below the limit is translated."""
    assert run(track(properties={"x": nested(MAX_NESTING - 2)})).error is None


def test_long_text_is_not_cut() -> None:
    """Cutting is the server's business."""
    (operation,) = run(track(properties={"x": "a" * 2_000_000})).operations
    assert operation.payload["properties"]["x"] == "a" * 2_000_000


good = st.sampled_from(["", "a", "\u00e9", None, True, 0, -(2**63), 2**64 - 1, 1.5, -0.0])
bad = st.sampled_from(
    ["\ud800", math.nan, math.inf, 2**64, -(2**63) - 1, (1,), b"a", {1: "a"}, {"\ud800": 1}]
)


def json_values(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of JSON with these leaves."""
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["a", "\u00e9", ""]), inner, max_size=3)
        ),
        max_leaves=6,
    )


@given(json_values(good), st.lists(st.sampled_from(["a", "\u00e9", None]), max_size=5), bad, good)
def test_a_value_is_refused_exactly_if_a_part_of_it_is(
    beside: Any, way: list[str | None], wrong: Any, right: Any
) -> None:
    """One part that JSON cannot represent is found at any place, beside any other values."""
    values = [right, wrong]
    for step in way:  # None is a step into a list, a text a step into an object
        values = [[beside, one] if step is None else {"": beside, step: one} for one in values]
    check(values[0])
    with pytest.raises(TranslationError) as raised:
        check(values[1])
    assert raised.value.failure.code == "invalid_value"
