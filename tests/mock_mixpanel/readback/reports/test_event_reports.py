"""Reports on events by name, and on their properties."""

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.readback.reading import get, happened, read, refused
from tests.mock_mixpanel.wire import NOW, event, send

DAYS = {"from_date": "2026-06-13", "to_date": "2026-06-15"}


@pytest.fixture(autouse=True)
def _events(mock_mixpanel: MockMixpanel) -> None:
    mock_mixpanel.freeze(NOW)
    happened(
        mock_mixpanel,
        ("Opened", "ann", "2026-06-13 10:00:00"),
        ("Opened", "ann", "2026-06-13 11:30:00"),
        ("Opened", "bob", "2026-06-13 12:00:00"),
        ("Opened", "ann", "2026-06-14 23:59:59"),
        ("Paid", "ann", "2026-06-14 00:00:00"),
        ("Opened", "bob", "2026-06-15 00:00:00"),
        ("Opened", "cay", "2026-06-15 01:00:00"),
        ("Opened", "cay", "2026-06-15 02:00:00"),
        ("Old", "ann", "2026-05-15 23:00:00"),
    )


@pytest.mark.parametrize(
    ("kind", "opened"),
    [("general", [3, 1, 3]), ("unique", [2, 1, 2]), ("average", [1.5, 1, 1.5])],
)
def test_counts(mock_mixpanel: MockMixpanel, kind: str, opened: list[float]) -> None:
    """Events, people, or events for each of the people, of the asked names by day."""
    asked = '["Opened", "Paid", "No"]'
    days = ["2026-06-13", "2026-06-14", "2026-06-15"]
    assert read(mock_mixpanel, "events", event=asked, type=kind, unit="day", **DAYS) == {
        "data": {
            "series": days,
            "values": {
                "Opened": dict(zip(days, opened, strict=True)),
                "Paid": dict(zip(days, [0, 1, 0], strict=True)),
                "No": dict(zip(days, [0, 0, 0], strict=True)),
            },
        },
        "legend_size": 3,
    }


@pytest.mark.parametrize(
    ("unit", "interval", "values"),
    [
        ("minute", 2, {"2026-06-15 11:59:00": 0, "2026-06-15 12:00:00": 0}),
        ("hour", 2, {"2026-06-15 11:00:00": 0, "2026-06-15 12:00:00": 0}),
        ("day", 2, {"2026-06-14": 1, "2026-06-15": 3}),
        ("week", 2, {"2026-06-08": 4, "2026-06-15": 3}),
        ("month", 1, {"2026-06-01": 7}),
        ("month", 2, {"2026-05-01": 0, "2026-06-01": 7}),
    ],
)
def test_interval(
    mock_mixpanel: MockMixpanel, unit: str, interval: int, values: dict[str, int]
) -> None:
    """An interval counts units back from now, the current one included."""
    found = read(mock_mixpanel, "events", event='["Opened"]', unit=unit, interval=interval)
    assert found == {
        "data": {"series": list(values), "values": {"Opened": values}},
        "legend_size": 1,
    }


def test_top_events(mock_mixpanel: MockMixpanel) -> None:
    """The events of today with their change from yesterday."""
    assert read(mock_mixpanel, "events/top", type="general") == {
        "events": [{"amount": 3, "event": "Opened", "percent_change": 2.0}],
        "type": "general",
    }
    assert read(mock_mixpanel, "events/top", type="unique")["events"] == [
        {"amount": 2, "event": "Opened", "percent_change": 1.0}
    ]


def test_names(mock_mixpanel: MockMixpanel) -> None:
    """The names of the last 31 days or of the days that are given, the most frequent first."""
    assert read(mock_mixpanel, "events/names", type="general") == ["Opened", "Paid"]
    assert read(mock_mixpanel, "events/names", type="general", limit=1) == ["Opened"]
    since = {"from_date": "2026-05-15", "to_date": "2026-05-15"}
    assert read(mock_mixpanel, "events/names", type="general", **since) == ["Old"]


def test_a_duplicate_counts_once(mock_mixpanel: MockMixpanel) -> None:
    """Reports count an event once that was sent twice."""
    happened(mock_mixpanel, ("Opened", "ann", "2026-06-13 10:00:00"))
    found = read(mock_mixpanel, "events", event='["Opened"]', **DAYS)
    assert list(found["data"]["values"]["Opened"].values()) == [3, 1, 3]


def test_top_properties(mock_mixpanel: MockMixpanel) -> None:
    """The properties of an event with the number of events that have them."""
    expected = {"$insert_id": 7, "$import": 7, "n": 7, "plan": 7}
    found = read(mock_mixpanel, "events/properties/top", event="Opened")
    assert {name: each["count"] for name, each in found.items() if name in expected} == expected
    assert not {"time", "distinct_id", "token"} & set(found)
    everything = read(mock_mixpanel, "events/properties/top")
    assert everything["plan"] == {"count": 9}
    assert len(read(mock_mixpanel, "events/properties/top", limit=1)) == 1


def test_values(mock_mixpanel: MockMixpanel) -> None:
    """The values of a property, the most frequent first."""
    asked = {"event": "Opened", "name": "plan"}
    assert read(mock_mixpanel, "events/properties/values", **asked) == ["free", "pro"]
    assert read(mock_mixpanel, "events/properties/values", **asked, limit=1) == ["free"]
    assert read(mock_mixpanel, "events/properties/values", event="Opened", name="no") == []
    numbers = read(mock_mixpanel, "events/properties/values", event="Paid", name="n")
    assert numbers == ["4"]


def test_property_counts(mock_mixpanel: MockMixpanel) -> None:
    """The events of a name by day and value of a property."""
    asked = {"event": "Opened", "name": "plan", **DAYS}
    free = {"2026-06-13": 1, "2026-06-14": 0, "2026-06-15": 3}
    pro = {"2026-06-13": 2, "2026-06-14": 1, "2026-06-15": 0}
    assert read(mock_mixpanel, "events/properties", **asked) == {
        "data": {"series": list(free), "values": {"free": free, "pro": pro}},
        "legend_size": 2,
    }
    only = read(mock_mixpanel, "events/properties", **asked, values='["pro"]')
    assert only["data"]["values"] == {"pro": pro}


@pytest.mark.parametrize(
    ("path", "params", "status", "error"),
    [
        ("events", {}, 400, "event is missing; it must be a JSON array of event names"),
        ("events", {"event": '["A"]'}, 400, "give from_date and to_date, or interval"),
        (
            "events",
            {"event": '["A"]', "interval": 1, "unit": "year"},
            400,
            "unit must be one of day, hour, minute, month, week",
        ),
        (
            "events",
            {"event": '["A"]', "interval": 1, "type": "sum"},
            400,
            "type must be one of general, unique, average",
        ),
        (
            "events",
            {"event": '["A"]', "interval": 1, "format": "csv"},
            501,
            "format is not available in this mock; leave it out for JSON",
        ),
        (
            "events",
            {
                "event": '["A"]',
                "from_date": "2025-06-15",
                "to_date": "2026-06-15",
                "unit": "minute",
            },
            400,
            "more than 10000 pieces of a minute; take fewer days",
        ),
        (
            "events",
            {"event": '["A"]', "from_date": "2026-06-15", "to_date": "2026-06-16"},
            400,
            "to_date cannot be later than today (2026-06-15)",
        ),
        ("events/top", {"limit": 0}, 400, "limit must be a whole number from 1 to 10000"),
        ("events/names", {"type": "x"}, 400, "type must be one of general, unique, average"),
        ("events/properties", {"event": "A"}, 400, "name is missing"),
        ("events/properties/values", {"event": "A"}, 400, "name is missing"),
    ],
)
def test_bad_parameters(
    mock_mixpanel: MockMixpanel, path: str, params: dict[str, str], status: int, error: str
) -> None:
    """A bad parameter is refused, and one that is not available is a 501."""
    assert refused(mock_mixpanel, path, **params) == (status, error)


@pytest.mark.parametrize("path", ["insights", "segmentation/numeric", "retention/addiction", "jql"])
def test_not_available(mock_mixpanel: MockMixpanel, path: str) -> None:
    """A report that is not there is a 501."""
    assert get(mock_mixpanel, f"/api/query/{path}").status_code == 501


@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_the_earliest_day(mock_mixpanel: MockMixpanel, unit: str) -> None:
    """The first day of the calendar is a day like others, and too many of them are refused."""
    days = {"from_date": "0001-01-01", "to_date": "0001-01-31", "unit": unit}
    found = read(mock_mixpanel, "events", event='["Opened"]', **days)
    assert found["data"]["series"][0] == "0001-01-01"
    status, error = refused(
        mock_mixpanel, "events", event='["Opened"]', **(days | {"to_date": "2026-06-15"})
    )
    assert (status, error) == (400, f"more than 10000 pieces of a {unit}; take fewer days")


def test_odd_values(mock_mixpanel: MockMixpanel) -> None:
    """A value that is not a text stands in the response as JSON."""
    values = ["x", "", None, True, 2.0, 2.5, [1, "a"], {"b": 1}]
    records = [
        event(mock_mixpanel, "Odd", value=value, **{"$insert_id": f"odd-{number}"})
        for number, value in enumerate(values)
    ]
    assert send(mock_mixpanel, "/track", records).text == "1"
    expected = ["", "2", "2.5", '[1,"a"]', "null", "true", "x", '{"b":1}']
    assert read(mock_mixpanel, "events/properties/values", name="value") == expected
    today = {"event": "Odd", "name": "value", "interval": 1}
    found = read(mock_mixpanel, "events/properties", **today)["data"]["values"]
    assert found == {value: {"2026-06-15": 1} for value in expected}
