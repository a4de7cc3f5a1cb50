"""Retention."""

from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.readback.reading import happened, read, refused
from tests.mock_mixpanel.wire import NOW

ASKED = {
    "from_date": "2026-06-12",
    "to_date": "2026-06-14",
    "born_event": "Signed Up",
    "event": "Opened",
    "interval_count": 2,
    "unit": "day",
}


@pytest.fixture(autouse=True)
def _events(mock_mixpanel: MockMixpanel) -> None:
    mock_mixpanel.freeze(NOW)
    happened(
        mock_mixpanel,
        ("Signed Up", "ann", "2026-06-12 10:00:00"),
        ("Opened", "ann", "2026-06-12 10:00:00"),
        ("Opened", "ann", "2026-06-13 10:00:00"),
        ("Signed Up", "bob", "2026-06-12 20:00:00"),
        ("Opened", "bob", "2026-06-12 19:00:00"),
        ("Opened", "bob", "2026-06-13 19:59:59"),
        ("Opened", "bob", "2026-06-14 20:00:00"),
        ("Signed Up", "bob", "2026-06-13 20:00:00"),
        ("Signed Up", "cay", "2026-06-14 00:00:00"),
        ("Opened", "cay", "2026-06-15 11:00:00"),
    )


def test_birth(mock_mixpanel: MockMixpanel) -> None:
    """Who came back how long after the first event; intervals that lie ahead are left out."""
    assert read(mock_mixpanel, "retention", **ASKED) == {
        "2026-06-12": {"counts": [2, 1, 1], "first": 2},
        "2026-06-13": {"counts": [0, 0, 0], "first": 0},
        "2026-06-14": {"counts": [0, 1], "first": 1},
    }


def test_compounded(mock_mixpanel: MockMixpanel) -> None:
    """Who did the event in a bucket, and did it again."""
    found = read(mock_mixpanel, "retention", **ASKED, retention_type="compounded")
    assert found == {
        "2026-06-12": {"counts": [0, 2, 1], "first": 2},
        "2026-06-13": {"counts": [0, 1, 0], "first": 2},
        "2026-06-14": {"counts": [0, 0], "first": 1},
    }


def test_any_event_and_unbounded(mock_mixpanel: MockMixpanel) -> None:
    """Without an event every other one counts; unbounded, a later interval counts for earlier."""
    found = read(mock_mixpanel, "retention", **(ASKED | {"event": ""}))
    assert found["2026-06-12"] == {"counts": [2, 2, 1], "first": 2}
    found = read(mock_mixpanel, "retention", **ASKED, unbounded_retention="true")
    assert found["2026-06-12"] == {"counts": [2, 2, 1], "first": 2}


def test_expressions_and_weeks(mock_mixpanel: MockMixpanel) -> None:
    """`born_where` selects first events, `where` those that count as coming back."""
    plan = 'properties["plan"] == "{}"'
    found = read(mock_mixpanel, "retention", **ASKED, born_where=plan.format("pro"))
    assert found["2026-06-12"] == {"counts": [1, 1, 0], "first": 1}
    found = read(mock_mixpanel, "retention", **ASKED, where=plan.format("pro"))
    assert found["2026-06-12"] == {"counts": [1, 1, 0], "first": 2}
    found = read(mock_mixpanel, "retention", **(ASKED | {"unit": "week"}))
    assert found == {"2026-06-08": {"counts": [3, 0], "first": 3}}


@pytest.mark.parametrize(
    ("params", "status", "error"),
    [
        ({"born_event": ""}, 400, "born_event is missing"),
        ({"retention_type": "x"}, 400, "retention_type must be one of birth, compounded"),
        ({"unit": "hour"}, 400, "unit must be one of day, month, week"),
        ({"on": 'properties["a"]'}, 501, "on is not available for retention in this mock"),
    ],
)
def test_bad_parameters(
    mock_mixpanel: MockMixpanel, params: dict[str, Any], status: int, error: str
) -> None:
    """A bad parameter is refused, and one that is not available is a 501."""
    assert refused(mock_mixpanel, "retention", **(ASKED | params)) == (status, error)
