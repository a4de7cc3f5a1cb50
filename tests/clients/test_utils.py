"""The package `mixpanel-utils`: imports, updates and exports in bulk."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.bulk_events import events, imported
from tests.clients.mixpanel import SERVER_ADDS, Project
from tests.clients.needs import python_client

utils = python_client("mixpanel_utils")

DAYS = {"from_date": "2017-07-01", "to_date": "2017-07-31"}


def with_secret(project: Project) -> Any:
    return pointed(utils.MixpanelUtils(project.secret, token=project.token), project)


def with_account(project: Project) -> Any:
    made = utils.MixpanelUtils(
        project.account_secret,
        token=project.token,
        service_account_username=project.account,
        project_id=project.project_id,
    )
    return pointed(made, project)


def pointed(made: Any, project: Project) -> Any:
    """The tool with another host; it has attributes for that, and no option."""
    made.import_api = project.url
    made.raw_api = made.formatted_api = f"{project.url}/api"
    return made


TOOLS = pytest.mark.parametrize("tool_of", [with_secret, with_account])


@pytest.fixture(autouse=True)
def complaints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> pytest.LogCaptureFixture:
    """The tool's log, which has its failures; its backup files go to a folder."""
    monkeypatch.chdir(tmp_path)
    return caplog


def less_added(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the tool read, without what Mixpanel adds, by time."""
    for line in lines:
        for name in SERVER_ADDS:
            del line["properties"][name]
    return sorted(lines, key=lambda line: int(line["properties"]["time"]))


@TOOLS
def test_events(project: Project, tool_of: Any, complaints: pytest.LogCaptureFixture) -> None:
    """Batches of 2000, several at once, are all imported; its own export reads them back."""
    tool, given = tool_of(project), events(4500)

    tool.import_events(given, timezone_offset=0)

    assert [imported(event, 1000) for event in given] == project.events()
    seconds = [imported(event) for event in given]
    assert seconds == less_added(tool.query_export(DAYS))
    assert seconds == less_added(tool.query_export(DAYS, add_gzip_header=True))
    assert complaints.messages == []


def test_streamed_export(project: Project, complaints: pytest.LogCaptureFixture) -> None:
    """An export that the tool writes as it comes is gzip if it asked for that."""
    tool, given = with_secret(project), events(100)
    tool.import_events(given, timezone_offset=0)

    tool.export_events("plain.jsonl", DAYS, raw_stream=True)
    tool.export_events("packed.jsonl", DAYS, raw_stream=True, add_gzip_header=True)

    expected = [imported(event) for event in given]
    packed = gzip.decompress(Path("packed.jsonl.gz").read_bytes()).decode()
    for text in (Path("plain.jsonl").read_text(), packed):
        assert less_added([json.loads(line) for line in text.splitlines()]) == expected
    assert complaints.messages == []


def test_selected_export(project: Project, complaints: pytest.LogCaptureFixture) -> None:
    """Event names, an expression and a limit select."""
    tool, given = with_secret(project), events(10)
    tool.import_events(given, timezone_offset=0)

    where = 'properties["number"] >= 3 and properties["distinct_id"] != "u-5"'
    found = tool.query_export(DAYS | {"event": ["Played"], "where": where, "limit": 4})

    assert [imported(given[number]) for number in (3, 4, 6, 7)] == less_added(found)
    assert complaints.messages == []


def test_empty_export(project: Project, complaints: pytest.LogCaptureFixture) -> None:
    """Without events the tool finds an empty answer, not a broken one."""
    assert with_secret(project).query_export(DAYS) == []
    assert complaints.messages == ["/export API response empty"]


def test_an_event_that_is_refused(project: Project, complaints: pytest.LogCaptureFixture) -> None:
    """Of a batch with a bad event the others are imported; the tool logs why that one is not."""
    tool, given = with_secret(project), events(3)
    given[1]["properties"]["$insert_id"] = "not allowed!"

    tool.import_events(given, timezone_offset=0)

    assert [imported(given[number], 1000) for number in (0, 2)] == project.events()
    [refused] = project.undelivered()
    assert refused["index"] == 1
    [said] = [text for text in complaints.messages if "some data points in the request" in text]
    assert "must only contain alphanumeric or hyphen '-' characters" in said


@TOOLS
def test_people(project: Project, tool_of: Any, complaints: pytest.LogCaptureFixture) -> None:
    """People come over several pages, in the tool's own query and for everybody else."""
    tool = tool_of(project)
    given = [
        {"$distinct_id": f"p-{number}", "$properties": {"number": number, "city": "Łódź"}}
        for number in range(2500)
    ]

    tool.import_people(given)

    expected = {person["$distinct_id"]: person["$properties"] for person in given}
    assert project.people() == expected
    read = tool.query_engage()
    assert {person["$distinct_id"]: person["$properties"] for person in read} == expected
    assert len(given) == len(read)
    selected = tool.query_engage({"where": 'properties["number"] == 7'})
    assert selected == [given[7]]
    assert complaints.messages == []


def test_people_operations(project: Project, complaints: pytest.LogCaptureFixture) -> None:
    """Every operation on people that the tool has."""
    tool = with_secret(project)
    people: list[dict[str, Any]] = [
        {"$distinct_id": who, "$properties": {}} for who in ("ann", "bob", "cid")
    ]
    ann = people[:1]
    tool.people_set({"plan": "free", "gone": 1, "old": "x"}, profiles=people)
    tool.people_set({"plan": "pro"}, profiles=ann)
    tool.people_set_once({"plan": "late", "first": "search"}, profiles=ann)
    tool.people_add({"visits": 2}, profiles=ann)
    tool.people_add({"visits": 3}, profiles=ann)
    tool.people_append({"seen": "a"}, profiles=ann)
    tool.people_append({"seen": "a"}, profiles=ann)
    tool.people_union({"tags": ["x", "y"]}, profiles=ann)
    tool.people_union({"tags": ["y", "z"]}, profiles=ann)
    tool.people_remove({"tags": "x"}, profiles=ann)
    tool.people_unset(["gone"], profiles=people)
    tool.people_change_property_name("old", "new", profiles=None)
    tool.people_delete(profiles=people[2:], backup=False)

    assert project.people() == {
        "ann": {
            "plan": "pro",
            "new": "x",
            "first": "search",
            "visits": 5,
            "seen": ["a", "a"],
            "tags": ["y", "z"],
        },
        "bob": {"plan": "free", "new": "x"},
    }
    assert complaints.messages == []
