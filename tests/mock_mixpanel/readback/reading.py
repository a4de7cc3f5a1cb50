"""Reading from a mock over HTTP, in few words."""

import json
from typing import Any

import requests

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import http

DAY = "2026-06-15"
SERVER_ADDED = ("$mp_api_endpoint", "$mp_api_timestamp_ms", "mp_processing_time_ms")


def get(mock: MockMixpanel, path: str, /, **params: Any) -> requests.Response:
    """A GET with the token as Basic user, as clients with a project secret send it."""
    return http("GET", mock.url + path, params=params, auth=(mock.token, ""))


def export(mock: MockMixpanel, /, **params: Any) -> requests.Response:
    """The raw export of one day, unless told otherwise."""
    days = {"from_date": DAY, "to_date": DAY}
    return get(mock, "/api/2.0/export", **(days | params))


def rows(answer: requests.Response) -> list[Any]:
    """The lines of an export, each read as JSON."""
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def names(answer: requests.Response) -> list[str]:
    """The names of the exported events."""
    return [row["event"] for row in rows(answer)]


def engage(mock: MockMixpanel, /, **params: Any) -> Any:
    """The answer of an engage query."""
    answer = get(mock, "/api/2.0/engage", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def found(mock: MockMixpanel, /, **params: Any) -> dict[str, Any]:
    """The profiles an engage query finds, by id."""
    results = engage(mock, **params)["results"]
    return {each["$distinct_id"]: each["$properties"] for each in results}
