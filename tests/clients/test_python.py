"""The package `mixpanel` for Python."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.clients.mixpanel import Project, sent
from tests.clients.needs import python_client

sdk = python_client("mixpanel")

NOW_MS = int(time.time()) * 1000 - 60_000
"""A time that /track takes: a minute ago."""
LONG_AGO = 1_500_000_000
LIB = {"mp_lib": "python", "$lib_version": sdk.__version__}


def urls(project: Project) -> dict[str, str]:
    """The four addresses that both consumers take."""
    return {
        "events_url": f"{project.url}/track",
        "people_url": f"{project.url}/engage",
        "groups_url": f"{project.url}/groups",
        "import_url": f"{project.url}/import",
    }


def client(project: Project, **options: Any) -> Any:
    """The client as its documentation has it, with another host."""
    return sdk.Mixpanel(project.token, consumer=sdk.Consumer(**urls(project), **options))


def account(project: Project) -> Any:
    return sdk.ServiceAccountCredentials(
        username=project.account, secret=project.account_secret, project_id=project.project_id
    )


def test_track(project: Project) -> None:
    """Every kind of value arrives as it was sent; what the client adds arrives too."""
    properties = {
        "plan": "prö ✓",
        "price": 12.5,
        "count": 3,
        "trial": False,
        "nothing": None,
        "tags": ["a", 1, True],
        "address": {"city": "Graz", "lines": ["1", "2"]},
        "a&b=c+d%": "x&y=z +%20",
        "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    fixed = {"time": NOW_MS / 1000, "$insert_id": "track-1"}

    client(project).track("ann", "Signed Up", properties | fixed)

    expected = properties | {"distinct_id": "ann", "$insert_id": "track-1"} | LIB
    expected["at"] = "2026-01-02T03:04:05"
    assert project.events() == [sent("Signed Up", NOW_MS, **expected)]
    assert project.undelivered() == []


def test_generated(project: Project) -> None:
    """The insert id and the time that the client makes are those that are exported."""
    before = time.time()
    client(project).track("ann", "Opened")
    after = time.time()

    [event] = project.events()
    insert_id, at = (event["properties"].pop(name) for name in ("$insert_id", "time"))
    assert re.fullmatch("[0-9a-f]{32}", insert_id)
    assert int(before * 1000) <= at <= int(after * 1000) + 1
    assert event == {"event": "Opened", "properties": {"distinct_id": "ann"} | LIB}


def test_buffered(project: Project) -> None:
    """Events of a buffer arrive in requests of 50, all of them."""
    consumer = sdk.BufferedConsumer(**urls(project))
    mixpanel = sdk.Mixpanel(project.token, consumer=consumer)
    expected = []
    for number in range(120):
        fixed = {"time": NOW_MS / 1000 + number / 10, "$insert_id": f"b-{number}"}
        mixpanel.track(f"user-{number % 7}", "Clicked", {"number": number} | fixed)
        expected.append(
            sent(
                "Clicked",
                NOW_MS + number * 100,
                number=number,
                distinct_id=f"user-{number % 7}",
                **{"$insert_id": f"b-{number}"},
                **LIB,
            )
        )
    assert expected[:100] == project.events()
    mixpanel.people_set("user-0", {"plan": "pro"})
    mixpanel.group_set("company", "acme", {"size": 3})
    consumer.flush()

    assert project.events() == expected
    assert project.people() == {"user-0": {"plan": "pro"}}
    assert project.groups("company") == {"acme": {"size": 3}}
    assert project.undelivered() == []


def with_secret(project: Project) -> tuple[Any, dict[str, Any]]:
    return client(project), {"api_key": None, "api_secret": project.secret}


def with_account(project: Project) -> tuple[Any, dict[str, Any]]:
    return client(project, credentials=account(project)), {"api_key": None}


def with_buffer(project: Project) -> tuple[Any, dict[str, Any]]:
    consumer = sdk.BufferedConsumer(max_size=1, credentials=account(project), **urls(project))
    return sdk.Mixpanel(project.token, consumer=consumer), {"api_key": None}


CREDENTIALS = pytest.mark.parametrize("authorized", [with_secret, with_account, with_buffer])


@CREDENTIALS
def test_import(project: Project, authorized: Callable[..., tuple[Any, dict[str, Any]]]) -> None:
    """An old event is imported with the project's secret and with a service account."""
    mixpanel, credential = authorized(project)

    mixpanel.import_data(
        distinct_id="ann",
        event_name="Paid",
        timestamp=LONG_AGO,
        properties={"amount": 12, "$insert_id": "import-1"},
        **credential,
    )

    expected = {"amount": 12, "distinct_id": "ann", "$insert_id": "import-1", "$import": True}
    assert project.events() == [sent("Paid", LONG_AGO * 1000, **expected, **LIB)]


def test_import_with_a_wrong_secret(project: Project) -> None:
    """A wrong secret is an exception that says so, and nothing arrives."""
    with pytest.raises(sdk.MixpanelException, match="Invalid credentials"):
        client(project).import_data(None, "ann", "Paid", LONG_AGO, api_secret="wrong")
    assert project.events() == []


def test_a_record_that_is_refused(project: Project) -> None:
    """The caller gets Mixpanel's error for a bad record."""
    with pytest.raises(sdk.MixpanelException, match=re.escape("$distinct_id, missing or empty")):
        client(project).people_set("", {"plan": "pro"})
    assert project.people() == {}


def test_people(project: Project) -> None:
    """Every operation on people has its documented effect."""
    mixpanel = client(project)
    mixpanel.people_set("ann", {"$name": "Ann", "plan": "free", "gone": 1})
    mixpanel.people_set("ann", {"plan": "pro"})
    mixpanel.people_set_once("ann", {"plan": "late", "first": "search"})
    mixpanel.people_increment("ann", {"visits": 2, "credit": -1.5})
    mixpanel.people_increment("ann", {"visits": 3})
    mixpanel.people_append("ann", {"seen": "a"})
    mixpanel.people_append("ann", {"seen": "a"})
    mixpanel.people_append("ann", {"seen": "b"})
    mixpanel.people_union("ann", {"tags": ["x", "y"]})
    mixpanel.people_union("ann", {"tags": ["y", "z"]})
    mixpanel.people_remove("ann", {"tags": "x"})
    mixpanel.people_unset("ann", ["gone"])
    mixpanel.people_track_charge("ann", 10, {"$time": "2026-01-02T03:04:05"})
    mixpanel.people_set("bob", {"plan": "free"})
    mixpanel.people_delete("bob")
    mixpanel.people_track_charge("cid", 5)
    mixpanel.people_set("cid", {"plan": "free"})
    mixpanel.people_clear_charges("cid")

    assert project.people() == {
        "ann": {
            "$name": "Ann",
            "plan": "pro",
            "first": "search",
            "visits": 5,
            "credit": -1.5,
            "seen": ["a", "a", "b"],
            "tags": ["y", "z"],
            "$transactions": [{"$amount": 10, "$time": "2026-01-02T03:04:05"}],
        },
        "cid": {"plan": "free"},
    }
    assert project.undelivered() == []


def test_meta(project: Project) -> None:
    """What goes beside an operation has its documented effect."""
    client(project).people_set("ann", {"plan": "pro"}, meta={"$ignore_time": True, "$ip": "0"})
    assert project.people() == {"ann": {"plan": "pro"}}
    assert project.undelivered() == []


def test_groups(project: Project) -> None:
    """Every operation on groups has its documented effect."""
    mixpanel = client(project)
    mixpanel.group_set("company", "acme", {"$name": "Acme", "size": 3, "gone": 1})
    mixpanel.group_set_once("company", "acme", {"size": 4, "since": 2020})
    mixpanel.group_union("company", "acme", {"tags": ["x", "y"]})
    mixpanel.group_union("company", "acme", {"tags": ["y", "z"]})
    mixpanel.group_remove("company", "acme", {"tags": "x"})
    mixpanel.group_unset("company", "acme", ["gone"])
    mixpanel.group_set("company", "bolt", {"size": 1})
    mixpanel.group_delete("company", "bolt")

    assert project.groups("company") == {
        "acme": {"$name": "Acme", "size": 3, "since": 2020, "tags": ["y", "z"]}
    }
    assert project.undelivered() == []


def test_alias_by_track(project: Project) -> None:
    """An alias sent as an event, through the consumer given, makes both ids one person."""
    mixpanel = client(project)
    opened, bought = {"time": NOW_MS / 1000, "$insert_id": "1"}, {"time": NOW_MS / 1000 + 2}
    mixpanel.track("anon-1", "Opened", opened)
    mixpanel.track("anon-1", "$create_alias", {"alias": "ann", "time": NOW_MS / 1000 + 1})
    mixpanel.track("ann", "Bought", bought | {"$insert_id": "2"})
    mixpanel.people_set("ann", {"plan": "pro"})

    first, alias, last = project.events()
    whose = {"distinct_id": "anon-1"}
    assert sent("Opened", NOW_MS, **whose, **{"$insert_id": "1"}, **LIB) == first
    assert alias["event"] == "$create_alias"
    assert sent("Bought", NOW_MS + 2000, **whose, **{"$insert_id": "2"}, **LIB) == last
    assert project.people() == {"anon-1": {"plan": "pro"}}
    assert project.undelivered() == []


@CREDENTIALS
def test_merge(project: Project, authorized: Callable[..., tuple[Any, dict[str, Any]]]) -> None:
    """A merge joins two people, for earlier and for later records."""
    project.create(identity="original")
    mixpanel, credential = authorized(project)
    mixpanel.track("ann", "Opened", {"time": NOW_MS / 1000, "$insert_id": "1"})
    mixpanel.people_set("ann", {"plan": "pro"})
    mixpanel.track("bob", "Bought", {"time": NOW_MS / 1000 + 1, "$insert_id": "2"})
    mixpanel.people_set("bob", {"city": "Graz"})

    mixpanel.merge(distinct_id1="ann", distinct_id2="bob", **credential)
    mixpanel.track("bob", "Left", {"time": NOW_MS / 1000 + 2, "$insert_id": "3"})

    # Which of the two ids stays is Mixpanel's choice.
    [one] = project.people()
    assert one in ("ann", "bob")
    assert project.people()[one] == {"plan": "pro", "city": "Graz"}
    found = [event for event in project.events() if event["event"] != "$merge"]
    assert [(event["event"], event["properties"]["distinct_id"]) for event in found] == [
        ("Opened", one),
        ("Bought", one),
        ("Left", one),
    ]
    assert project.undelivered() == []
