"""The mock as the engine controls and reads it."""

import pytest
import requests

from conformance.runner.mock import Mock, MockRefused
from translator.core.residency import HOSTS

TOKEN = "T"
RECORDS = {
    "/track": [
        {"event": "Bought", "properties": {"token": TOKEN, "distinct_id": "a", "n": 0.5}},
        {"event": "Bought", "properties": {"token": TOKEN, "distinct_id": "a", "time": "soon"}},
        {
            "event": "$create_alias",
            "properties": {"token": TOKEN, "distinct_id": "a", "alias": "\ud800"},
        },
    ],
    "/engage": [{"$token": TOKEN, "$distinct_id": "a", "$set": {"plan": "pro"}}],
    "/groups": [
        {"$token": TOKEN, "$group_key": "company", "$group_id": "x", "$set": {"seats": [1, None]}}
    ],
}


def test_it_reads_what_the_control_api_answers(mock: Mock) -> None:
    """Each list in this process equals the response of the control API over HTTP."""
    url = mock.base_urls[HOSTS["us"]]
    mock.reset()
    mock.freeze("2026-06-15T12:00:00.123Z")
    mock.set_project(TOKEN, {"identity": "legacy", "group_keys": ["company"]})
    mock.advance(0.5)
    for endpoint, records in RECORDS.items():
        requests.post(url + endpoint, json=records, timeout=10)
    lists = {"requests": mock.requests(), "rejected": mock.rejected()}
    for section in ("events", "profiles", "groups", "identities"):
        lists[section] = mock.state(section, TOKEN)

    answers = {name: requests.get(f"{url}/_mock/{name}", timeout=10).json() for name in lists}
    clock = requests.get(mock.clock_url, timeout=10).json()

    assert lists == answers
    assert all(lists.values())
    assert clock == {"now": "2026-06-15T12:00:00.623Z", "frozen": True}
    assert mock.now().isoformat() == "2026-06-15T12:00:00.623000+00:00"


def test_a_refused_change_has_the_reason(mock: Mock) -> None:
    """An option, a fault or a time that the mock does not take is told with its reason."""
    with pytest.raises(MockRefused, match=r"project\.identity"):
        mock.set_project(TOKEN, {"identity": "guess"})
    with pytest.raises(MockRefused, match=r"action\.status"):
        mock.add_faults([{"action": {"status": "bad"}}])
    with pytest.raises(MockRefused, match="advance"):
        mock.advance(-1)
    with pytest.raises(MockRefused, match="soon"):
        mock.freeze("soon")
