from typing import Any

import pytest

from tests.translator.messages import run, track


def charged(revenue: Any) -> list[Any]:
    """The amounts that a track call with this revenue charges."""
    result = run(track(properties={"revenue": revenue}), people=True)
    assert result.error is None
    return [
        operation.payload["$append"]["$transactions"]["$amount"]
        for operation in result.operations
        if "$append" in operation.payload
    ]


@pytest.mark.parametrize(
    ("revenue", "expected"),
    [
        ("12.50", 12.5),
        ("$1,234.50", 1234.5),
        ("15 EUR", 15),
        ("-3", -3),
        ("9007199254740991", 9007199254740991),
        ("99999999999999999999", 1e20),
        ("1e300", 1e300),
    ],
)
def test_text_is_read_as_the_number_it_is(revenue: str, expected: float) -> None:
    """Whole numbers stay whole as long as JSON readers can hold them."""
    assert charged(revenue) == [expected]
    assert isinstance(charged(revenue)[0], type(expected))


@pytest.mark.parametrize("revenue", ["1e999", "-1e999", "free", "2026-04-01", "1" * 5000, {"a": 1}])
def test_what_is_no_number_is_reported(revenue: Any) -> None:
    """An amount beyond JSON's numbers makes no charge, and the result has the reason."""
    message = track(properties={"revenue": revenue})
    assert charged(revenue) == []
    assert [skip.code for skip in run(message, people=True).skipped] == ["not_a_number"]
