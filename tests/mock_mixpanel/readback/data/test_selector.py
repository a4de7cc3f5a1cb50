"""`selector`, the name under which mixpanel-utils asks for people by an expression."""

from typing import Any

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import http, send

OLD = '(defined (properties["old"]))'


def test_selector(mock_mixpanel: MockMixpanel) -> None:
    """It selects as `where` does, and says under which name an expression is wrong."""
    token = mock_mixpanel.token
    people = [
        {"$token": token, "$distinct_id": who, "$ignore_time": True, "$set": properties}
        for who, properties in {"ann": {"old": 1}, "bob": {"new": 1}, "cid": {"old": 2}}.items()
    ]
    send(mock_mixpanel, "/engage", people)

    def engage(**query: str) -> Any:
        url = f"{mock_mixpanel.url}/api/2.0/engage"
        answer = http("GET", url, params=query, auth=(token, "")).json()
        return [person["$distinct_id"] for person in answer.get("results", [])] or answer["error"]

    assert engage(selector=OLD) == ["ann", "cid"]
    assert engage(selector=OLD, where='properties["old"] > 1') == ["cid"]
    assert engage(selector="a b") == "selector: cannot be read at line 1, column 1: a b"
