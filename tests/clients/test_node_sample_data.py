"""The sample data of `make-mp-data`, sent by its importer, `mixpanel-import`, to Mixpanel's hosts.

The package asks for a release of the importer that needs a native database; it gets the one of
`test_node_import.py` here.
"""

import json
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from tests.clients.mixpanel import Project
from tests.clients.node_run import run_at_home

FUTURE_MS = 3_600_000
"""Events later than this are refused; the package makes some in the future."""

SIZE = {"numUsers": 20, "numEvents": 300, "region": "US"}


@pytest.mark.parametrize(
    ("model", "groups"), [("simple", {}), ("complex", {"company_id": 350}), ("deepNest", {})]
)
def test_model(secure_project: Project, tmp_path: Path, model: str, groups: dict[str, int]) -> None:
    """All events, people and groups of the package's models arrive as they were sent."""
    # The package knows no credential but the token; reading needs the secret.
    secure_project.create(secret=None, service_accounts=[], group_keys=["company_id"])
    file = tmp_path / "answers.json"
    given = {"model": model, "token": secure_project.token, **SIZE}
    run_at_home("sample.cjs", "make-mp-data", given, secure_project, ANSWERS=str(file))
    secure_project.create(group_keys=["company_id"])
    said = json.loads(file.read_text())

    sent = sent_events(secure_project)
    good = [(event, at) for event, at in sent if event["properties"]["time"] <= at + FUTURE_MS]
    assert len(good) > 200
    assert said["events"]["total"] == len(sent)
    assert by_id(secure_project.events()) == by_id([imported(*each) for each in good])
    refused = [each["reasons"] for each in secure_project.undelivered()]
    assert refused == [["time: more than 1 hour in the future"]] * (len(sent) - len(good))

    people = {
        each["$distinct_id"]: each["$set"] for each in sent_records(secure_project, "/engage")
    }
    assert secure_project.people() == people
    assert said["users"] == {"total": 20, "success": 20, "failed": 0}
    for key, count in groups.items():
        found = sent_records(secure_project, "/groups")
        companies = {str(each["$group_id"]): each["$set"] for each in found}
        assert secure_project.groups(key) == companies
        assert said["groups"] == [{"total": count, "success": count, "failed": 0}]


def sent_records(project: Project, path: str) -> list[dict[str, Any]]:
    """The records that a path of the mock received; times in milliseconds."""
    return [
        record
        for request in project.journal()
        if request["path"].rstrip("/") == path
        for record in request["payload"]
    ]


def sent_events(project: Project) -> list[tuple[dict[str, Any], int]]:
    """The events that the mock received, each with its time of arrival in milliseconds."""
    return [
        (record, round(datetime.fromisoformat(request["received_at"]).timestamp() * 1000))
        for request in project.journal()
        if request["path"].rstrip("/") == "/import"
        for record in request["payload"]
    ]


def imported(event: dict[str, Any], arrived: int) -> dict[str, Any]:
    """An imported event as the export shows it; a time in the future becomes that of arrival.

    See docs/facts/mixpanel-http-api.md#strict-validation.
    """
    properties = {name: each for name, each in event["properties"].items() if name != "token"}
    time = min(properties["time"], arrived)
    return {"event": event["event"], "properties": properties | {"time": time, "$import": True}}


def by_id(events: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Events with their names, by insert id, without the id that Mixpanel chose for the person."""
    for each in events:
        each["properties"].pop("distinct_id", None)
    found = sorted(events, key=lambda each: str(each["properties"]["$insert_id"]))
    return list(map(itemgetter("event", "properties"), found))
