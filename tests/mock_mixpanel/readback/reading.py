"""Reading from a mock over HTTP, in few words."""

import json
from datetime import datetime
from typing import Any

import requests

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import http

DAY = "2026-06-15"


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


def read(mock: MockMixpanel, path: str, /, **params: Any) -> Any:
    """The JSON of a successful query, such as `events/names`."""
    answer = get(mock, f"/api/query/{path}", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(mock: MockMixpanel, path: str, /, **params: Any) -> tuple[int, str]:
    """The status and the error of a query."""
    answer = get(mock, f"/api/query/{path}", **params)
    return answer.status_code, answer.json()["error"]


def happened(mock: MockMixpanel, *events: tuple[str, str, str]) -> None:
    """Send events: name, person and time such as `2026-06-14 10:00:00`; the number `n` counts them
    and `plan` is `pro` for those of ann, `free` for others."""
    records = []
    for number, (name, who, time) in enumerate(events):
        properties = {
            "token": mock.token,
            "distinct_id": who,
            "time": int(datetime.fromisoformat(f"{time}+00:00").timestamp()),
            "$insert_id": f"id-{number}",
            "n": number,
            "plan": "pro" if who == "ann" else "free",
        }
        records.append({"event": name, "properties": properties})
    answer = http("POST", f"{mock.url}/import", json=records, auth=(mock.token, ""))
    assert answer.status_code == 200, answer.text
