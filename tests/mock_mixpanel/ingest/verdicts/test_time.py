"""The time of an event."""

from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import NOW, NOW_SECONDS, event, reasons, send

FIVE_DAYS = 432000


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (NOW_SECONDS, NOW_SECONDS),
        (NOW_SECONDS * 1000, NOW_SECONDS),
        (NOW_SECONDS * 1000 - 500, NOW_SECONDS - 0.5),
        (NOW_SECONDS - 0.25, NOW_SECONDS - 0.25),
        (float(NOW_SECONDS), NOW_SECONDS),
        (None, NOW_SECONDS),
        (NOW_SECONDS + 60, NOW_SECONDS),
        (NOW_SECONDS - FIVE_DAYS, NOW_SECONDS - FIVE_DAYS),
        (10**400, NOW_SECONDS),
    ],
)
def test_time(mock_mixpanel: MockMixpanel, sent: Any, stored: float) -> None:
    """Seconds or milliseconds become seconds; none, or one in the future, is the arrival."""
    mock_mixpanel.freeze(NOW)
    assert send(mock_mixpanel, "/track", event(mock_mixpanel, time=sent)).content == b"1"
    assert [item["time"] for item in mock_mixpanel.events()] == [stored]
    assert [type(item["time"]) for item in mock_mixpanel.events()] == [type(stored)]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (NOW_SECONDS - FIVE_DAYS - 1, "time: older than 5 days"),
        ((NOW_SECONDS - FIVE_DAYS) * 1000 - 1, "time: older than 5 days"),
        (123, "time: older than 5 days"),
        (-(10**400), "time: older than 5 days"),
        ("yesterday", "time: not a number"),
        (True, "time: not a number"),
        ([], "time: not a number"),
    ],
)
def test_bad_time(mock_mixpanel: MockMixpanel, sent: Any, reason: str) -> None:
    """An event that is too old or has an invalid time is not stored; the list of rejected records
    has the reason."""
    mock_mixpanel.freeze(NOW)
    assert send(mock_mixpanel, "/track", event(mock_mixpanel, time=sent)).content == b"0"
    assert mock_mixpanel.events() == []
    assert reasons(mock_mixpanel) == [[reason]]
