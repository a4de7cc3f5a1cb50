"""Requests to a mock, in few words."""

import base64
import json
from typing import Any

import requests

from mock_mixpanel.client import MockMixpanel

NOW = "2026-06-15T12:00:00Z"
NOW_SECONDS = 1781524800
"""The same moment, in seconds since 1970."""


DEFAULT_OPTIONS: dict[str, Any] = {
    "secret": None,
    "project_id": None,
    "identity": "legacy",
    "region": "us",
    "alias_delay": 1.0,
    "group_keys": [],
    "service_accounts": [],
    "lookup_tables": [],
    "drop_filters": [],
    "cohorts": [],
    "funnels": [],
    "annotations": [],
    "flags": [],
    "gdpr_delay": 60,
    "limits": {},
    "geo": False,
}
"""The options of a project, as the control API shows them, without its token."""


def event(mock: MockMixpanel, name: str = "Signed Up", /, **properties: Any) -> dict[str, Any]:
    """An event of this test's project, by the person u-1 unless it says otherwise."""
    return {"event": name, "properties": {"token": mock.token, "distinct_id": "u-1"} | properties}


def good_import(mock: MockMixpanel, **properties: Any) -> dict[str, Any]:
    """An event that a strict import takes."""
    return event(mock, "Paid", **({"time": NOW_SECONDS, "$insert_id": "id-1"} | properties))


def alias(mock: MockMixpanel, new: str, old: str) -> dict[str, Any]:
    return event(mock, "$create_alias", distinct_id=old, alias=new)


def update(mock: MockMixpanel, who: str = "u-1", /, **operations: Any) -> dict[str, Any]:
    """A profile update; `set={...}` is `$set` and so on."""
    named = {f"${name}": value for name, value in operations.items()}
    return {"$token": mock.token, "$distinct_id": who, "$ignore_time": True} | named


def group_update(mock: MockMixpanel, who: str = "acme", /, **operations: Any) -> dict[str, Any]:
    named = {f"${name}": value for name, value in operations.items()}
    return {"$token": mock.token, "$group_key": "company", "$group_id": who} | named


def http(method: str, url: str, **more: Any) -> requests.Response:
    """One request without proxies or redirects."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, allow_redirects=False, timeout=30, **more)


def get(mock: MockMixpanel, name: str, **query: Any) -> Any:
    """The JSON of a call `/_mock/NAME` for this test's project, which must succeed."""
    answer = http("GET", f"{mock.url}/_mock/{name}", params={"token": mock.token} | query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def send(mock: MockMixpanel, path: str, records: Any, **more: Any) -> requests.Response:
    """POST as JSON to the US port."""
    return http("POST", mock.url + path, json=records, **more)


def packed(records: Any) -> str:
    """Standard base64 of JSON."""
    return base64.b64encode(json.dumps(records).encode()).decode()


def basic(text: str) -> dict[str, str]:
    """The header of a Basic credential."""
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def reasons(mock: MockMixpanel) -> list[list[str]]:
    """Why each record that was refused or dropped was."""
    return [item["reasons"] for item in mock.rejected()]


def names(mock: MockMixpanel) -> list[str]:
    """The names of the stored events."""
    return [item["event"] for item in mock.events()]
