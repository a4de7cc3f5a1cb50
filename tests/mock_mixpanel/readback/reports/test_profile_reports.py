"""Reports over profiles, and annotations."""

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.readback.reading import get, read
from tests.mock_mixpanel.wire import NOW, send, update

COMPUTED = {"computed_at": "2026-06-15T12:00:00.000000+00:00", "status": "ok"}
LAUNCH = {"id": 9, "date": "2026-06-14 23:59:59", "description": "Launch"}
START = {"id": 10, "date": "2026-06-01 00:00:00", "description": "Start"}


@pytest.fixture(autouse=True)
def _frozen(mock_mixpanel: MockMixpanel) -> None:
    mock_mixpanel.freeze(NOW)


def test_properties(mock_mixpanel: MockMixpanel) -> None:
    """Each property with its type and the number of profiles that have it."""
    ann = {"s": "x", "n": 1, "b": True, "t": "2026-06-15T12:00:00", "l": [1], "o": {"a": 1}}
    everybody = [update(mock_mixpanel, "ann", set=ann), update(mock_mixpanel, "bob", set={"s": 1})]
    send(mock_mixpanel, "/engage", [*everybody, update(mock_mixpanel, "cay", set={"s": 2})])
    results = {
        "s": {"count": 3, "type": "number"},
        "b": {"count": 1, "type": "boolean"},
        "l": {"count": 1, "type": "list"},
        "n": {"count": 1, "type": "number"},
        "o": {"count": 1, "type": "object"},
        "t": {"count": 1, "type": "datetime"},
    }
    assert read(mock_mixpanel, "engage/properties") == COMPUTED | {"results": results}
    assert read(mock_mixpanel, "engage/properties", limit=1)["results"] == {"s": results["s"]}
    where = 'properties["s"] == 1'
    found = read(mock_mixpanel, "engage/properties", where=where)["results"]
    assert found == {"s": {"count": 1, "type": "number"}}


def test_revenue(mock_mixpanel: MockMixpanel) -> None:
    """Charges by day, and of all days together."""
    charges = [("ann", 10, "2026-06-14T10:00:00"), ("ann", 2.5, "2026-06-15T10:00:00")]
    charges += [("bob", -1, "2026-06-15T11:00:00"), ("bob", 99, "2026-06-13T11:00:00")]
    sent = [
        update(mock_mixpanel, who, append={"$transactions": {"$amount": amount, "$time": time}})
        for who, amount, time in charges
    ]
    send(mock_mixpanel, "/engage", [*sent, update(mock_mixpanel, "cay", set={"n": 1})])
    days = {"from_date": "2026-06-14", "to_date": "2026-06-15"}
    assert read(mock_mixpanel, "engage/revenue", **days) == COMPUTED | {
        "results": {
            "$overall": {"amount": 11.5, "count": 3, "paid_count": 2},
            "2026-06-14": {"amount": 10, "count": 3, "paid_count": 1},
            "2026-06-15": {"amount": 1.5, "count": 3, "paid_count": 2},
        }
    }


def test_annotations(mock_mixpanel: MockMixpanel) -> None:
    """The annotations of a project by date, and one of them by its id."""
    mock_mixpanel.project(project_id="77", annotations=[LAUNCH, START])
    more = {"project_id": 77, "user": {"id": 1, "first_name": "", "last_name": ""}, "tags": []}
    path = "/api/app/projects/77/annotations"
    expected = {"status": "ok", "results": [START | more, LAUNCH | more]}
    assert get(mock_mixpanel, path).json() == expected
    assert get(mock_mixpanel, f"{path}/").json() == expected
    since = get(mock_mixpanel, path, fromDate="2026-06-02", toDate="2026-06-14").json()
    assert since["results"] == [LAUNCH | more]
    assert get(mock_mixpanel, f"{path}/10").json() == {"status": "ok", "results": START | more}
    absent = get(mock_mixpanel, f"{path}/11")
    assert (absent.status_code, absent.json()["error"]) == (
        404,
        "the project has no annotation 11",
    )


def test_old_annotations(mock_mixpanel: MockMixpanel) -> None:
    """The older route has another shape."""
    mock_mixpanel.project(project_id="77", annotations=[LAUNCH, START])
    days = {"from_date": "2026-06-02", "to_date": "2026-06-14"}
    expected = {"annotations": [LAUNCH | {"project_id": 77}], "error": False}
    assert read(mock_mixpanel, "annotations", **days) == expected
    assert get(mock_mixpanel, "/api/2.0/annotations", **days).json() == expected
