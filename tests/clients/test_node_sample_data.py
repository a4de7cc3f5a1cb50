"""The sample data of `make-mp-data`, sent by its importer, `mixpanel-import`, to Mixpanel's hosts.

The package asks for a release of the importer that needs a native database; it gets the one of
`test_node_import.py` here.
"""

import json
import time
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from tests.clients.mixpanel import Project
from tests.clients.node_run import run_at_home

FUTURE_SECONDS = 3600
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

    records = sent_records(secure_project, "/import")
    latest = (time.time() + FUTURE_SECONDS) * 1000
    good = [each for each in records if each["properties"]["time"] <= latest]
    assert len(good) > 200
    assert said["events"]["total"] == len(records)
    assert by_id(secure_project.events()) == by_id([imported(each) for each in good])
    refused = [each["reasons"] for each in secure_project.undelivered()]
    assert refused == [["time: more than 1 hour in the future"]] * (len(records) - len(good))

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


def imported(event: dict[str, Any]) -> dict[str, Any]:
    """An imported event as the export shows it."""
    properties = {name: each for name, each in event["properties"].items() if name != "token"}
    return {"event": event["event"], "properties": properties | {"$import": True}}


def by_id(events: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Events with their names, by insert id, without the id that Mixpanel chose for the person."""
    for each in events:
        each["properties"].pop("distinct_id", None)
    found = sorted(events, key=lambda each: str(each["properties"]["$insert_id"]))
    return list(map(itemgetter("event", "properties"), found))
