"""Saved funnels."""

from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.readback.reading import happened, read, refused
from tests.mock_mixpanel.wire import NOW

FUNNEL = {"id": 7, "name": "Buy", "steps": ["Opened", "Added", "Paid"], "days": 2}
ASKED = {"funnel_id": 7, "from_date": "2026-06-13", "to_date": "2026-06-14", "unit": "day"}


@pytest.fixture(autouse=True)
def _events(mock_mixpanel: MockMixpanel) -> None:
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(funnels=[FUNNEL, {"id": 8, "name": "Open", "steps": ["Opened"]}])
    happened(
        mock_mixpanel,
        ("Added", "ann", "2026-06-13 09:00:00"),
        ("Opened", "ann", "2026-06-13 10:00:00"),
        ("Added", "ann", "2026-06-13 10:00:10"),
        ("Paid", "ann", "2026-06-13 10:01:00"),
        ("Opened", "bob", "2026-06-13 10:00:00"),
        ("Opened", "bob", "2026-06-13 11:00:00"),
        ("Added", "bob", "2026-06-13 11:00:20"),
        ("Paid", "bob", "2026-06-15 11:00:01"),
        ("Paid", "cay", "2026-06-13 10:00:00"),
        ("Opened", "cay", "2026-06-13 10:00:01"),
        ("Opened", "ann", "2026-06-14 10:00:00"),
    )


def step(
    name: str, count: int, times: tuple[int | None, int | None], ratios: tuple[float, float]
) -> dict[str, Any]:
    return {
        "count": count,
        "avg_time": times[0],
        "avg_time_from_start": times[1],
        "step_conv_ratio": ratios[0],
        "overall_conv_ratio": ratios[1],
        "goal": name,
        "event": name,
        "step_label": name,
    }


def counts(mock: MockMixpanel, **params: Any) -> dict[str, list[int]]:
    """The people at each step, by date."""
    data = read(mock, "funnels", **(ASKED | params))["data"]
    return {day: [each["count"] for each in data[day]["steps"]] for day in data}


def test_list(mock_mixpanel: MockMixpanel) -> None:
    """The list has ids and names."""
    assert read(mock_mixpanel, "funnels/list") == [
        {"funnel_id": 7, "name": "Buy"},
        {"funnel_id": 8, "name": "Open"},
    ]


def test_steps(mock_mixpanel: MockMixpanel) -> None:
    """People count where their first step is, once, in order and within the time of the funnel."""
    assert read(mock_mixpanel, "funnels", **ASKED) == {
        "meta": {"dates": ["2026-06-13", "2026-06-14"]},
        "data": {
            "2026-06-13": {
                "steps": [
                    step("Opened", 3, (None, None), (1, 1)),
                    step("Added", 2, (1815, 1815), (2 / 3, 2 / 3)),
                    step("Paid", 1, (50, 60), (1 / 2, 1 / 3)),
                ],
                "analysis": {"completion": 1, "starting_amount": 3, "steps": 3, "worst": 2},
            },
            "2026-06-14": {
                "steps": [
                    step("Opened", 1, (None, None), (1, 1)),
                    step("Added", 0, (None, None), (0, 0)),
                    step("Paid", 0, (None, None), (0, 0)),
                ],
                "analysis": {"completion": 0, "starting_amount": 1, "steps": 3, "worst": 1},
            },
        },
    }


def test_length(mock_mixpanel: MockMixpanel) -> None:
    """The call may give another time for the funnel."""
    assert counts(mock_mixpanel, length=3)["2026-06-13"] == [3, 2, 2]
    minute = {"length": 1, "length_unit": "minute"}
    assert counts(mock_mixpanel, **minute)["2026-06-13"] == [3, 2, 1]
    assert counts(mock_mixpanel, length=59, length_unit="second")["2026-06-13"] == [3, 2, 0]


def test_buckets_and_where(mock_mixpanel: MockMixpanel) -> None:
    """A week is one bucket in which a person counts once; `where` selects events of all steps."""
    assert counts(mock_mixpanel, unit="week") == {"2026-06-08": [3, 2, 1]}
    where = 'properties["plan"] == "pro"'
    assert counts(mock_mixpanel, where=where) == {
        "2026-06-13": [1, 1, 1],
        "2026-06-14": [1, 0, 0],
    }


@pytest.mark.parametrize(
    ("params", "status", "error"),
    [
        ({"funnel_id": ""}, 400, "funnel_id is missing"),
        (
            {"funnel_id": 9},
            400,
            "funnel_id: the project has no such funnel; funnels/list shows them",
        ),
        ({"length": 91}, 400, "length must be a whole number from 1 to 90"),
        ({"length_unit": "week"}, 400, "length_unit must be one of day, hour, minute, second"),
        ({"on": 'properties["a"]'}, 501, "on is not available for funnels in this mock"),
    ],
)
def test_bad_parameters(
    mock_mixpanel: MockMixpanel, params: dict[str, Any], status: int, error: str
) -> None:
    """A bad parameter is refused, and one that is not available is a 501."""
    assert refused(mock_mixpanel, "funnels", **(ASKED | params)) == (status, error)
