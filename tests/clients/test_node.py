"""The package `mixpanel` for Node, over plain HTTP."""

import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.clients.mixpanel import Project, sent
from tests.clients.needs import node_package
from tests.clients.node_run import run

VERSION = json.loads((node_package("mixpanel") / "package.json").read_text())["version"]
LIB = {"mp_lib": "node", "$lib_version": VERSION}
NOW_MS = int(time.time()) * 1000 - 60_000
LONG_AGO = 1_500_000_000


def call(project: Project, *calls: list[Any], **options: Any) -> list[str]:
    """Make calls one after another; the errors that the client told of."""
    address = urlsplit(project.url)
    own = {"host": address.hostname, "port": address.port, "protocol": "http", "key": project.token}
    given = {"token": project.token, "options": own | options, "calls": calls}
    told: list[str] = json.loads(run("calls.cjs", "mixpanel", given))
    return told


@pytest.mark.parametrize("verbose", [False, True])
def test_track(project: Project, verbose: bool) -> None:
    """Every kind of value arrives as it was sent, whichever answer the client asks for."""
    properties = {
        "distinct_id": "ann",
        "$insert_id": "track-1",
        "plan": "prö ✓ ÿÿÿ>>>???",
        "price": 12.5,
        "count": 3,
        "trial": False,
        "nothing": None,
        "tags": ["a", 1, True],
        "address": {"city": "Graz", "lines": ["1", "2"]},
        "a&b=c+d%": "x&y=z +%20",
    }
    at = {"time": {"$date": NOW_MS}}

    assert call(project, ["track", "Signed Up", properties | at], verbose=verbose) == []
    assert project.events() == [sent("Signed Up", NOW_MS, **properties, **LIB)]
    assert project.undelivered() == []


def test_seconds_and_no_time(project: Project) -> None:
    """A time in seconds means the same as one in milliseconds; none is the time of arrival."""
    seconds = {"distinct_id": "ann", "$insert_id": "a", "time": NOW_MS // 1000}
    none = {"distinct_id": "ann", "$insert_id": "b"}
    before = int(time.time() * 1000)

    assert call(project, ["track", "Old", seconds], ["track", "New", none]) == []

    old, new = project.events()
    assert sent("Old", NOW_MS, **{"distinct_id": "ann", "$insert_id": "a"}, **LIB) == old
    assert before <= new["properties"]["time"] <= int(time.time() * 1000)
    assert sent("New", new["properties"]["time"], **none, **LIB) == new


def batch(count: int, start_ms: int) -> list[dict[str, Any]]:
    """Events as the client's batches take them; their base64 has every character."""
    return [
        {
            "event": "Clicked",
            "properties": {
                "distinct_id": f"user-{number % 7}",
                "$insert_id": f"b-{number}",
                "time": start_ms + number,
                "text": "ÿ?>~" * (number % 20),
            },
        }
        for number in range(count)
    ]


def test_track_batch(project: Project) -> None:
    """Requests with 50 events each, all at once, arrive whole."""
    events = batch(220, NOW_MS)
    assert call(project, ["track_batch", events]) == []
    expected = [sent("Clicked", NOW_MS + n, **_less_time(each)) for n, each in enumerate(events)]
    assert project.events() == expected
    assert project.undelivered() == []


def _less_time(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event["properties"].items() if name != "time"}


def test_people(project: Project) -> None:
    """Every operation on people has its documented effect."""
    told = call(
        project,
        ["people.set", "ann", {"$name": "Ann", "plan": "free", "gone": 1}],
        ["people.set", "ann", "plan", "pro"],
        ["people.set_once", "ann", {"plan": "late", "first": "search"}],
        ["people.increment", "ann", "visits"],
        ["people.increment", "ann", {"visits": 4, "credit": -1.5}],
        ["people.append", "ann", "seen", "a"],
        ["people.append", "ann", {"seen": "a"}],
        ["people.union", "ann", {"tags": ["x", "y"]}],
        ["people.union", "ann", {"tags": "z"}],
        ["people.remove", "ann", {"tags": "x"}],
        ["people.unset", "ann", ["gone"]],
        ["people.track_charge", "ann", 10, {"$time": "2026-01-02T03:04:05"}],
        ["people.set", "bob", {"plan": "free"}],
        ["people.delete_user", "bob"],
        ["people.track_charge", "cid", 5],
        ["people.clear_charges", "cid"],
        ["people.set", "dora", {"plan": "free"}, {"$ignore_time": True, "$ip": "0"}],
    )

    assert told == []
    assert project.people() == {
        "ann": {
            "$name": "Ann",
            "plan": "pro",
            "first": "search",
            "visits": 5,
            "credit": -1.5,
            "seen": ["a", "a"],
            "tags": ["y", "z"],
            "$transactions": [{"$amount": 10, "$time": "2026-01-02T03:04:05"}],
        },
        "cid": {"$transactions": []},
        "dora": {"plan": "free"},
    }
    assert project.undelivered() == []


def test_groups(project: Project) -> None:
    """Every operation on groups has its documented effect."""
    told = call(
        project,
        ["groups.set", "company", "acme", {"$name": "Acme", "size": 3, "gone": 1}],
        ["groups.set_once", "company", "acme", {"size": 4, "since": 2020}],
        ["groups.union", "company", "acme", {"tags": ["x", "y"]}],
        ["groups.remove", "company", "acme", {"tags": "x"}],
        ["groups.unset", "company", "acme", "gone"],
        ["groups.set", "company", "bolt", {"size": 1}],
        ["groups.delete_group", "company", "bolt"],
    )

    assert told == []
    expected = {"acme": {"$name": "Acme", "size": 3, "since": 2020, "tags": ["y"]}}
    assert project.groups("company") == expected
    assert project.undelivered() == []


def test_alias(project: Project) -> None:
    """After an alias the new id's events and profile updates are the person's."""
    told = call(
        project,
        ["track", "Opened", {"distinct_id": "anon-1", "$insert_id": "1", "time": NOW_MS}],
        ["alias", "anon-1", "ann"],
        ["track", "Bought", {"distinct_id": "ann", "$insert_id": "2", "time": NOW_MS + 1}],
        ["people.set", "ann", {"plan": "pro"}],
    )

    assert told == []
    opened, bought, alias = project.events()
    assert sent("Opened", NOW_MS, **{"distinct_id": "anon-1", "$insert_id": "1"}, **LIB) == opened
    assert (
        sent("Bought", NOW_MS + 1, **{"distinct_id": "anon-1", "$insert_id": "2"}, **LIB) == bought
    )
    assert alias["event"] == "$create_alias"
    assert tuple(alias["properties"][n] for n in ("distinct_id", "alias")) == ("anon-1", "ann")
    assert project.people() == {"anon-1": {"plan": "pro"}}


@pytest.mark.parametrize(
    ("verbose", "text"), [(False, "0"), (True, "$distinct_id, missing or empty")]
)
def test_a_record_that_is_refused(project: Project, verbose: bool, text: str) -> None:
    """The callback gets Mixpanel's error for a bad record."""
    told = call(project, ["people.set", "", {"plan": "pro"}], verbose=verbose)
    assert told == [f"Mixpanel Server Error: {text}"]
    assert project.people() == {}
