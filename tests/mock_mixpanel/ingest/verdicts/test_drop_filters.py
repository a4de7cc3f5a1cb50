"""Drop filters: what a project drops in silence
(docs/facts/mixpanel-http-api.md#dropped-or-altered-events)."""

from typing import Any

import pytest

from mock_mixpanel.client import ControlCallError, MockMixpanel
from tests.mock_mixpanel.wire import NOW, event, good_import, names, reasons, send

FILTERS: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "a name": ({"event": "A"}, ["B", "C"], "event A"),
    "a property": ({"property": "bot"}, ["A", "C"], "property bot"),
    "a value": ({"property": "plan", "value": "free"}, ["A", "B"], 'property plan, value "free"'),
    "name and property": ({"event": "B", "property": "bot"}, ["A", "C"], "event B, property bot"),
    "no match": ({"event": "A", "property": "bot"}, ["A", "B", "C"], ""),
    "another type": ({"property": "bot", "value": 1}, ["A", "B", "C"], ""),
}


@pytest.mark.parametrize("endpoint", ["/track", "/import"])
@pytest.mark.parametrize("name", FILTERS)
def test_filter(mock_mixpanel: MockMixpanel, name: str, endpoint: str) -> None:
    """An event that matches a filter is answered with success, dropped, and listed with the
    filter."""
    drop, kept, shown = FILTERS[name]
    mock_mixpanel.project(drop_filters=[drop])
    records = [
        event(mock_mixpanel, "A"),
        event(mock_mixpanel, "B", bot=True),
        event(mock_mixpanel, "C", plan="free"),
    ]
    assert send(mock_mixpanel, endpoint, records).content == b"1"
    assert kept == names(mock_mixpanel)
    assert ([[f"drop filter: {shown}"]] if shown else []) == reasons(mock_mixpanel)


def test_a_strict_import_counts_what_is_dropped(mock_mixpanel: MockMixpanel) -> None:
    """A strict import does not report a dropped event."""
    mock_mixpanel.project(drop_filters=[{"event": "Paid"}])
    answer = send(mock_mixpanel, "/import?strict=1", [good_import(mock_mixpanel)])
    assert answer.json() == {"code": 200, "num_records_imported": 1, "status": "OK"}
    assert names(mock_mixpanel) == []


def test_the_first_filter_counts(mock_mixpanel: MockMixpanel) -> None:
    """Of several filters the first that matches is named."""
    mock_mixpanel.project(drop_filters=[{"event": "X"}, {"property": "n"}, {"event": "A"}])
    send(mock_mixpanel, "/track", event(mock_mixpanel, "A", n=1))
    assert reasons(mock_mixpanel) == [["drop filter: property n"]]


def test_profiles_are_not_filtered(mock_mixpanel: MockMixpanel) -> None:
    """Filters are for events."""
    mock_mixpanel.project(drop_filters=[{"property": "$set"}])
    update = {"$token": mock_mixpanel.token, "$distinct_id": "u", "$set": {"a": 1}}
    send(mock_mixpanel, "/engage", update)
    assert list(mock_mixpanel.profiles()) == ["u"]


@pytest.mark.parametrize(
    ("filters", "error"),
    [
        ({}, r"drop_filters: expected a list of objects, got an object"),
        ([{}], r"drop_filters\[0\]: expected an object with event, property or both"),
        ([{"value": 1}], r"drop_filters\[0\]: expected an object with event, property or both"),
        ([{"event": ""}], r"drop_filters\[0\].event: expected a text that is not empty"),
        ([{"event": "A", "value": 1}], r"drop_filters\[0\].value: give `property` as well"),
        ([{"property": "a", "value": []}], r"drop_filters\[0\].value: expected a text, a number"),
        ([{"event": "A", "evnt": 1}], r"drop_filters\[0\].evnt: unknown option; did you mean"),
    ],
)
def test_wrong_filters(mock_mixpanel: MockMixpanel, filters: Any, error: str) -> None:
    """A filter that cannot be meant is refused, and says where."""
    with pytest.raises(ControlCallError, match=error):
        mock_mixpanel.project(drop_filters=filters)


@pytest.mark.parametrize(("name", "noted"), [("$bucket", True), ("bucket", False)])
def test_bucket(mock_mixpanel: MockMixpanel, name: str, noted: bool) -> None:
    """An event with `$bucket` is stored, with a note that Mixpanel's reports hide it."""
    assert send(mock_mixpanel, "/track", event(mock_mixpanel, **{name: 1})).content == b"1"
    assert names(mock_mixpanel) == ["Signed Up"]
    note = "properties.$bucket: it hides events from Mixpanel's reports"
    assert reasons(mock_mixpanel) == [[note]] * noted


@pytest.mark.parametrize("path", ["/track", "/import", "/import?strict=1"])
def test_event_of_mixpanels_own_use(mock_mixpanel: MockMixpanel, path: str) -> None:
    """`mp_page_view` is answered with success, not stored, and listed with a reason.

    Source: https://github.com/mixpanel/mixpanel-js/issues/64
    """
    mock_mixpanel.freeze(NOW)
    record = good_import(mock_mixpanel) | {"event": "mp_page_view"}
    assert send(mock_mixpanel, path, [record]).status_code == 200
    assert mock_mixpanel.events() == []
    assert reasons(mock_mixpanel) == [["event: Mixpanel drops mp_page_view"]]
