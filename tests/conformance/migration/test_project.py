"""One project of the mock: what `send` says about a request."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from conformance.migration import project
from conformance.migration.project import TOKEN, MockProject, SentRequest

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def empty_project() -> MockProject:
    """A project whose clock shows the time of the events."""
    made = MockProject({})
    made.advance_to(NOW)
    return made


def event(token: object, **properties: Any) -> dict[str, Any]:
    return {
        "event": "Seen",
        "properties": {
            "token": token,
            "distinct_id": "u",
            "time": NOW.timestamp(),
            "$insert_id": "id",
            **properties,
        },
    }


def update(token: object, **more: Any) -> dict[str, Any]:
    return {"$token": token, "$set": {"plan": "free"}, **more}


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


PERSON = {"$distinct_id": "u"}
GROUP = {"$group_key": "company", "$group_id": "7"}
REQUESTS: list[tuple[str, list[Any], Mapping[str, str] | None]] = [
    ("/track", [event(TOKEN)], None),
    ("/track", [event(TOKEN), event(TOKEN)], {"ip": "0"}),
    ("/track", [event(TOKEN), event("another project")], None),
    ("/track", [event("another project")], None),
    ("/track", [event("another project"), event(TOKEN)], None),
    ("/track", [event("another project")], {}),
    ("/track", [event(7)], None),
    ("/track", [event(TOKEN), {"event": "Seen", "$token": TOKEN}], None),
    ("/track", [{"event": "Seen", "$token": TOKEN}], None),
    ("/track", [event(TOKEN), event(TOKEN, deep=deep(60))], None),
    ("/track", [event(TOKEN, huge=10**30)], None),
    ("/track", [{"event": "Seen", "properties": [TOKEN]}], None),
    ("/track", [event(TOKEN)], {"img": "1"}),
    ("/track", [event(TOKEN)], {"callback": "f", "verbose": "1"}),
    ("/import", [event(TOKEN)], None),
    ("/import", [event("another project")], None),
    ("/import", [event(TOKEN), {"event": ""}], None),
    ("/import", [event(TOKEN, deep=deep(60))], {}),
    ("/engage", [update(TOKEN, **PERSON)], None),
    ("/engage", [update("another project", **PERSON)], None),
    ("/engage", [{**update("another project", **PERSON), "properties": {"token": TOKEN}}], None),
    ("/engage", [update(TOKEN, **PERSON), update(None, **PERSON)], None),
    ("/groups", [update(TOKEN, **GROUP)], None),
    ("/groups", [update("another project", **GROUP)], None),
    ("/tracks", [event(TOKEN)], None),
]


@pytest.mark.parametrize(("endpoint", "records", "query"), REQUESTS)
def test_a_request_is_described_as_the_journal_describes_it(
    endpoint: str,
    records: list[Any],
    query: Mapping[str, str] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The quick way, from the response alone, never says something else than the journal."""
    quick = empty_project().send(endpoint, records, query)
    monkeypatch.setattr(project, "_all_readable", lambda *_: False)
    assert quick == empty_project().send(endpoint, records, query)


@pytest.mark.parametrize("number", [0, 1, 2, 14, 18, 22])
def test_the_journal_is_not_read_after_a_success(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response to a usual request is enough."""
    endpoint, records, query = REQUESTS[number]
    target = empty_project()
    monkeypatch.setattr(target, "_call", None)
    assert target.send(endpoint, records, query) == SentRequest(len(records))
