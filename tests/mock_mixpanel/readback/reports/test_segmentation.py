"""Segmentation of an event by time and property."""

from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.readback.reading import happened, read, refused
from tests.mock_mixpanel.wire import NOW

DAYS = {"event": "Opened", "from_date": "2026-06-14", "to_date": "2026-06-15"}
ON = 'properties["plan"]'


@pytest.fixture(autouse=True)
def _events(mock_mixpanel: MockMixpanel) -> None:
    mock_mixpanel.freeze(NOW)
    happened(
        mock_mixpanel,
        ("Opened", "ann", "2026-06-13 10:00:00"),
        ("Opened", "ann", "2026-06-14 10:00:00"),
        ("Opened", "ann", "2026-06-14 10:30:00"),
        ("Opened", "bob", "2026-06-14 11:00:00"),
        ("Paid", "ann", "2026-06-15 00:00:00"),
        ("Opened", "bob", "2026-06-15 00:00:00"),
        ("Opened", "cay", "2026-06-15 01:00:00"),
    )


def values(mock: MockMixpanel, **params: Any) -> Any:
    """The values of a segmentation by day."""
    return read(mock, "segmentation", **(DAYS | params))["data"]["values"]


def test_by_time(mock_mixpanel: MockMixpanel) -> None:
    """Without a property the event itself is the only line."""
    assert read(mock_mixpanel, "segmentation", **DAYS) == {
        "data": {
            "series": ["2026-06-14", "2026-06-15"],
            "values": {"Opened": {"2026-06-14": 3, "2026-06-15": 2}},
        },
        "legend_size": 1,
    }


@pytest.mark.parametrize(
    ("kind", "pro", "free"),
    [
        ("general", {"2026-06-14": 2, "2026-06-15": 0}, {"2026-06-14": 1, "2026-06-15": 2}),
        ("unique", {"2026-06-14": 1, "2026-06-15": 0}, {"2026-06-14": 1, "2026-06-15": 2}),
        ("average", {"2026-06-14": 2, "2026-06-15": 0}, {"2026-06-14": 1, "2026-06-15": 1}),
    ],
)
def test_by_property(mock_mixpanel: MockMixpanel, kind: str, pro: Any, free: Any) -> None:
    """A line for each value of a property."""
    assert values(mock_mixpanel, on=ON, type=kind) == {"free": free, "pro": pro}


def test_by_hour(mock_mixpanel: MockMixpanel) -> None:
    """An hour is a bucket that is named after its beginning."""
    found = values(mock_mixpanel, unit="hour", type="unique")["Opened"]
    assert len(found) == 48
    assert {hour: count for hour, count in found.items() if count} == {
        "2026-06-14 10:00:00": 1,
        "2026-06-14 11:00:00": 1,
        "2026-06-15 00:00:00": 1,
        "2026-06-15 01:00:00": 1,
    }


def test_only_the_days(mock_mixpanel: MockMixpanel) -> None:
    """A month as bucket has only the events of the days of the query."""
    assert values(mock_mixpanel, unit="month") == {"Opened": {"2026-06-01": 5}}
    assert values(mock_mixpanel, interval=2) == {"Opened": {"2026-06-14": 5}}


def test_expressions(mock_mixpanel: MockMixpanel) -> None:
    """`where` selects events, and the line of a value that is missing is `undefined`."""
    assert values(mock_mixpanel, where=f'{ON} == "pro"') == {
        "Opened": {"2026-06-14": 2, "2026-06-15": 0}
    }
    total = {"2026-06-14": 3, "2026-06-15": 2}
    assert values(mock_mixpanel, on='properties["no"]') == {"undefined": total}
    assert values(mock_mixpanel, on='properties["n"] > 0') == {"true": total}
    assert list(values(mock_mixpanel, on='properties["n"]', limit=2)) == ["1", "2"]


def test_sum_and_average(mock_mixpanel: MockMixpanel) -> None:
    """Numbers are added up and averaged by day."""
    params = DAYS | {"on": 'properties["n"]'}
    expected = {"status": "ok", "computed_at": "2026-06-15T12:00:00.000000+00:00"}
    assert read(mock_mixpanel, "segmentation/sum", **params) == expected | {
        "results": {"2026-06-14": 6, "2026-06-15": 11}
    }
    assert read(mock_mixpanel, "segmentation/average", **params) == expected | {
        "results": {"2026-06-14": 2.0, "2026-06-15": 5.5}
    }


@pytest.mark.parametrize(
    ("params", "status", "error"),
    [
        ({"event": ""}, 400, "event is missing"),
        ({"from_date": ""}, 400, "from_date is missing; it must be in the format yyyy-mm-dd"),
        ({"interval": 2, "unit": "day"}, 400, "give unit or interval, not both"),
        ({"on": "1 +"}, 400, "on: cannot be read at line 1, column 3: 1 +"),
        ({"where": "1 +"}, 400, "where: cannot be read at line 1, column 3: 1 +"),
        ({"format": "csv"}, 501, "format is not available in this mock; leave it out for JSON"),
    ],
)
def test_bad_parameters(
    mock_mixpanel: MockMixpanel, params: dict[str, Any], status: int, error: str
) -> None:
    """A bad parameter is refused, and one that is not available is a 501."""
    assert refused(mock_mixpanel, "segmentation", **(DAYS | params)) == (status, error)
