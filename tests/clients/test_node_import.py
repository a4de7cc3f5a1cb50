"""The package `mixpanel-import` for Node, whose hosts are fixed: https and Mixpanel's own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.bulk_events import events, imported
from tests.clients.mixpanel import SERVER_ADDS, Project
from tests.clients.node_run import run_at_home

DAYS = {"start": "2017-07-01", "end": "2017-07-31", "skipWriteToDisk": True}

Jobs = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def jobs(secure_project: Project, tmp_path: Path) -> Jobs:
    """Runs jobs of the tool, each with a service account unless it says otherwise."""

    def done(*jobs: tuple[dict[str, str], Any, dict[str, Any]]) -> list[dict[str, Any]]:
        account = {
            "acct": secure_project.account,
            "pass": secure_project.account_secret,
            "project": secure_project.project_id,
        }
        given = [(own or account, data, options) for own, data, options in jobs]
        file = tmp_path / "answers.json"
        run_at_home("jobs.cjs", "mixpanel-import", given, secure_project, ANSWERS=str(file))
        answers: list[dict[str, Any]] = json.loads(file.read_text())
        return answers

    return done


def counts(answer: dict[str, Any]) -> tuple[int, int, int]:
    """What the tool says it did: records, successes, failures."""
    return answer["total"], answer["success"], answer["failed"]


@pytest.mark.parametrize("transport", ["undici", "got"])
@pytest.mark.parametrize("compress", [True, False])
def test_events(secure_project: Project, jobs: Jobs, transport: str, compress: bool) -> None:
    """Batches of 2000, many at once, arrive by both transports, compressed and not."""
    given = events(4500)
    [answer] = jobs(({}, given, {"transport": transport, "compress": compress}))

    assert (counts(answer), answer["errors"]) == ((4500, 4500, 0), {})
    assert [imported(event, 1000) for event in given] == secure_project.events()
    assert sorted((len(each["payload"]) for each in secure_project.journal()), reverse=True) == [
        2000,
        2000,
        500,
    ]


def test_secret(secure_project: Project, jobs: Jobs) -> None:
    """The project's secret authorizes as well as a service account."""
    given = events(3)
    [answer] = jobs(({"secret": secure_project.secret}, given, {}))
    assert counts(answer) == (3, 3, 0)
    assert [imported(event, 1000) for event in given] == secure_project.events()


def test_events_that_are_refused(secure_project: Project, jobs: Jobs) -> None:
    """Of a batch with a bad event the others are imported; the tool counts it and says why."""
    given = events(3)
    given[1]["properties"]["$insert_id"] = "not allowed!"
    [answer] = jobs(({}, given, {}))

    text = "'$insert_id' is invalid: must only contain alphanumeric or hyphen '-' characters"
    assert (counts(answer), answer["errors"][text]) == ((3, 2, 1), 1)
    assert [imported(given[number], 1000) for number in (0, 2)] == secure_project.events()


def test_people_and_groups(secure_project: Project, jobs: Jobs) -> None:
    """Profiles of people and of groups arrive, in batches of 2000.

    Of batches that are on their way together the tool counts the size of the last for each.
    """
    token, names = secure_project.token, [f"p-{number}" for number in range(2100)]
    people = [{"$token": token, "$distinct_id": name, "$set": {"city": "Łódź"}} for name in names]
    acme = {"$token": token, "$group_key": "company", "$group_id": "acme", "$set": {"size": 3}}
    told = jobs(
        ({}, people, {"recordType": "user"}),
        ({}, people[:7], {"recordType": "user"}),
        ({}, [acme], {"recordType": "group", "groupKey": "company"}),
    )

    assert [counts(answer) for answer in told[1:]] == [(7, 7, 0), (1, 1, 0)]
    assert (told[0]["total"], told[0]["failed"]) == (2100, 0)
    assert {name: {"city": "Łódź"} for name in names} == secure_project.people()
    assert secure_project.groups("company") == {"acme": {"size": 3}}
    assert secure_project.undelivered() == []


def test_readers(secure_project: Project, jobs: Jobs) -> None:
    """Its own exports read back events, and people over several pages."""
    given = events(40)
    token, names = secure_project.token, [f"p-{number}" for number in range(2500)]
    people = [{"$token": token, "$distinct_id": name, "$set": {"name": name}} for name in names]
    *_, exported, profiles = jobs(
        ({}, given, {}),
        ({}, people, {"recordType": "user"}),
        ({}, None, {"recordType": "export", **DAYS}),
        ({}, None, {"recordType": "profile-export", **DAYS}),
    )

    lines = exported["dryRun"]
    for line in lines:
        for name in SERVER_ADDS:
            del line["properties"][name]
    assert [imported(event) for event in given] == lines
    read = [(each["$distinct_id"], each["$properties"]["name"]) for each in profiles["dryRun"]]
    assert sorted((name, name) for name in names) == sorted(read)


def test_lookup_table(secure_project: Project, jobs: Jobs) -> None:
    """A lookup table is replaced."""
    secure_project.create(lookup_tables=[{"id": "t-1", "name": "Songs"}])
    owner = {
        "acct": secure_project.account,
        "pass": secure_project.account_secret,
        "project": secure_project.project_id,
        "lookupTableId": "t-1",
    }
    [answer] = jobs((owner, "id,name\n1,a\n2,b", {"recordType": "table"}))
    assert [each["status"] for each in answer["responses"]] == ["OK"]
    [request] = secure_project.journal()
    assert (request["method"], request["path"]) == ("PUT", "/lookup-tables/t-1")


def test_region(secure_project: Project, jobs: Jobs) -> None:
    """The tool's region is the host it sends to, and so where the data is."""
    given = events(3)
    [answer] = jobs(({}, given, {"region": "EU"}))
    assert counts(answer) == (3, 3, 0)
    assert secure_project.events() == []
    assert {each["headers"]["Host"] for each in secure_project.journal()} == {"api-eu.mixpanel.com"}
