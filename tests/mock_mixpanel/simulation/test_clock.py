"""Times as the mock shows them."""

import pytest

from mock_mixpanel.simulation.clock import iso


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1_781_524_800.0, "2026-06-15T12:00:00.000Z"),
        (1_781_524_800.9974, "2026-06-15T12:00:00.997Z"),
        (1_781_524_800.9976, "2026-06-15T12:00:00.998Z"),
        (1_781_524_800.9996, "2026-06-15T12:00:01.000Z"),
    ],
)
def test_a_time_is_rounded_to_the_millisecond(seconds: float, text: str) -> None:
    """A request shows its arrival to the same millisecond as an event that gets this time."""
    assert iso(seconds) == text
