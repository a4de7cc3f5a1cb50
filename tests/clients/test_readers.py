"""Readers of Mixpanel with an environment of their own: Airbyte's connector, Singer's tap and
`mixpanel-headless`. Each gives back what was sent."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.clients.mixpanel import Project, http
from tests.clients.needs import reader

REDIRECTED = Path(__file__).with_name("redirected.py")
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAY = TODAY - timedelta(days=2)
"""The day of the events; the next one is the last day that is read."""
OPENED, PAID = (int(DAY.timestamp()) + seconds for seconds in (36_000, 36_060))
SINCE = f"{DAY - timedelta(days=1):%Y-%m-%d}"
UNTIL = f"{DAY + timedelta(days=1):%Y-%m-%d}"
DATES = [f"{DAY + timedelta(days=days):%Y-%m-%d}" for days in (-1, 0, 1)]
COHORT = {
    "id": 5,
    "name": "Pro",
    "where": 'properties["plan"] == "pro"',
    "description": "Those who pay",
    "created": f"{DAY:%Y-%m-%d} 08:00:00",
}
LAUNCH = {"id": 9, "date": f"{DAY:%Y-%m-%d} 12:00:00", "description": "Launch"}
SAVED = {
    "cohorts": [COHORT],
    "funnels": [{"id": 7, "name": "Buy", "steps": ["Opened", "Paid"]}],
    "annotations": [LAUNCH],
}


def fill(project: Project) -> None:
    """Send two events of ann, and the profiles of ann and bob."""
    project.create(**SAVED)
    events = [
        {
            "event": name,
            "properties": {
                "distinct_id": "ann",
                "time": at,
                "$insert_id": f"id-{name}",
                "amount": amount,
                "currency": "EUR",
            },
        }
        for name, at, amount in (("Opened", OPENED, 0), ("Paid", PAID, 12.5))
    ]
    people = [
        {"$token": project.token, "$distinct_id": who, "$set": {"plan": plan, "$name": name}}
        for who, plan, name in (("ann", "pro", "Ann"), ("bob", "free", "Bob"))
    ]
    with http() as session:
        session.verify = project.ca_file or True
        sent = session.post(f"{project.url}/import", json=events, auth=(project.secret, ""))
        assert sent.text == "1"
        assert session.post(f"{project.url}/engage", json=people).text == "1"


def run(project: Project, python: Path, program: str, *arguments: str) -> list[Any]:
    """The JSON lines that a program prints whose hosts are redirected to the mock."""
    assert project.ca_file
    command = [str(python), str(REDIRECTED), str(project.port), project.ca_file, program]
    environment = {**os.environ, "REQUESTS_CA_BUNDLE": project.ca_file}
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    if done.stdout.startswith("{\n"):
        return [json.loads(done.stdout)]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def step(name: str, count: int, after: int | None) -> dict[str, Any]:
    """A step of the funnel in which one or no person came."""
    return {
        "count": count,
        "avg_time": after,
        "avg_time_from_start": after,
        "step_conv_ratio": count,
        "overall_conv_ratio": count,
        "goal": name,
        "event": name,
        "step_label": name,
    }


def funnel(day: str) -> dict[str, Any]:
    """What the funnel has for a day."""
    count = 1 if day == DATES[1] else 0
    analysis = {"completion": count, "starting_amount": count, "steps": 2, "worst": 0}
    steps = [step("Opened", count, None), step("Paid", count, 60 if count else None)]
    return {"date": day, "steps": steps, "analysis": analysis, "funnel_id": 7, "name": "Buy"}


@pytest.mark.parametrize("kind", ["Service Account", "Project Secret"])
def test_airbyte(secure_project: Project, kind: str, tmp_path: Path) -> None:
    """`check`, `discover` and `read` of all streams succeed and give back what was sent."""
    python = reader("airbyte", "source-mixpanel")
    fill(secure_project)
    number = int(secure_project.project_id)
    account = {"username": secure_project.account, "secret": secure_project.account_secret}
    credentials: dict[str, Any] = {"api_secret": secure_project.secret}
    if kind == "Service Account":
        credentials = account | {"project_id": number}
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    options = {
        "credentials": credentials | {"option_title": kind},
        "region": "US",
        "project_timezone": "UTC",
        "attribution_window": 0,
        "start_date": f"{SINCE}T00:00:00Z",
        "end_date": f"{UNTIL}T00:00:00Z",
    }
    config.write_text(json.dumps(options))

    def connector(verb: str, *more: str) -> list[Any]:
        arguments = (verb, "--config", str(config), *more)
        return run(secure_project, python, "source-mixpanel", *arguments)

    checked = [each for each in connector("check") if each["type"] == "CONNECTION_STATUS"]
    assert [each["connectionStatus"]["status"] for each in checked] == ["SUCCEEDED"]

    found = [each for each in connector("discover") if each["type"] == "CATALOG"]
    streams = found[0]["catalog"]["streams"]
    names = ["annotations", "cohort_members", "cohorts", "engage", "export", "funnels"]
    assert sorted(each["name"] for each in streams) == names
    schemas = {each["name"]: each["json_schema"]["properties"] for each in streams}
    assert schemas["engage"]["plan"] == {"type": ["null", "string"]}
    assert schemas["export"]["currency"] == {"type": ["null", "string"]}

    modes = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    catalog.write_text(json.dumps({"streams": [{"stream": each} | modes for each in streams]}))
    read: dict[str, list[Any]] = {name: [] for name in names}
    for each in connector("read", "--catalog", str(catalog)):
        if each["type"] == "RECORD":
            read[each["record"]["stream"]].append(each["record"]["data"])

    seen = {who: each.pop("last_seen") for each in read["engage"] for who in [each["distinct_id"]]}
    member_seen = [each.pop("last_seen") for each in read["cohort_members"]]
    for event in read["export"]:
        for added in ("mp_api_endpoint", "mp_api_timestamp_ms", "mp_processing_time_ms"):
            del event[added]
    more = {"user": {"id": 1, "first_name": "", "last_name": ""}, "tags": []}
    ann = {"distinct_id": "ann", "plan": "pro", "name": "Ann", "browser_version": ""}
    bob = {"distinct_id": "bob", "plan": "free", "name": "Bob", "browser_version": ""}
    cohort = {name: COHORT[name] for name in ("id", "name", "description", "created")}
    sent = {"distinct_id": "ann", "currency": "EUR", "import": "True"}
    assert read == {
        "annotations": [
            LAUNCH | {"project_id": number} | (more if kind == "Service Account" else {})
        ],
        "cohorts": [cohort | {"count": 1, "is_visible": 1, "project_id": number}],
        "engage": [ann, bob],
        "cohort_members": [ann | {"cohort_id": 5}],
        "funnels": [funnel(day) for day in DATES],
        "export": [
            sent | {"event": name, "insert_id": f"id-{name}", "amount": amount, "time": iso(at)}
            for name, at, amount in (("Opened", OPENED, "0"), ("Paid", PAID, "12.5"))
        ],
    }
    assert member_seen == [seen["ann"]]


def iso(at: float) -> str:
    """A time as connectors show it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_tap(secure_project: Project, tmp_path: Path) -> None:
    """Discovery and sync of all streams of the tap give back what was sent."""
    python = reader("tap", "tap-mixpanel")
    fill(secure_project)
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    options = {
        "api_secret": secure_project.secret,
        "project_timezone": "UTC",
        "attribution_window": 1,
        "start_date": f"{SINCE}T00:00:00Z",
        "end_date": f"{UNTIL}T00:00:00Z",
        "user_agent": "tests",
        "select_properties_by_default": "true",
    }
    config.write_text(json.dumps(options))
    arguments = ("tap-mixpanel", "--config", str(config))
    (found,) = run(secure_project, python, *arguments, "--discover")
    names = ["annotations", "cohort_members", "cohorts", "engage", "export", "funnels"]
    assert sorted(each["stream"] for each in found["streams"]) == names
    for stream in found["streams"]:
        for each in stream["metadata"]:
            if each["breadcrumb"] == []:
                each["metadata"]["selected"] = True
    catalog.write_text(json.dumps(found))
    read: dict[str, list[Any]] = {name: [] for name in names}
    for each in run(secure_project, python, *arguments, "--catalog", str(catalog)):
        if each["type"] == "RECORD":
            read[each["stream"]].append(each["record"])

    for profile in read["engage"]:
        assert profile.pop("mp_reserved_last_seen") >= f"{DAY:%Y-%m-%d}"
    for event in read["export"]:
        for added in ("mp_reserved_mp_api_endpoint", "mp_reserved_mp_api_timestamp_ms"):
            del event[added]
        del event["mp_processing_time_ms"]
    number = int(secure_project.project_id)
    cohort = {name: COHORT[name] for name in ("id", "name", "description")}
    sent = {"distinct_id": "ann", "currency": "EUR", "mp_reserved_import": "True"}
    assert [(each["date"], each["analysis"]) for each in read.pop("funnels")] == [
        (day, funnel(day)["analysis"]) for day in DATES
    ]
    assert read == {
        "annotations": [LAUNCH | {"project_id": number, "date": micro(f"{DAY:%Y-%m-%d}T12:00:00")}],
        "cohorts": [
            cohort
            | {"count": 1, "is_visible": 1, "project_id": number}
            | {"created": micro(f"{DAY:%Y-%m-%d}T08:00:00")}
        ],
        "engage": [
            {"distinct_id": "ann", "plan": "pro", "mp_reserved_name": "Ann"},
            {"distinct_id": "bob", "plan": "free", "mp_reserved_name": "Bob"},
        ],
        "cohort_members": [{"distinct_id": "ann", "cohort_id": 5}],
        "export": [
            sent
            | {"event": name, "mp_reserved_insert_id": f"id-{name}", "amount": amount}
            | {"time": micro(iso(at)[:-1])}
            for name, at, amount in (("Opened", OPENED, "0"), ("Paid", PAID, "12.5"))
        ],
    }


def micro(text: str) -> str:
    """A time as the tap shows it."""
    return f"{text}.000000Z"


CALLS = """
import json, sys
import mixpanel_headless
workspace = mixpanel_headless.Workspace()
since, until = sys.argv[1:]
days = {"from_date": since, "to_date": until}
born = {"born_event": "Opened", "return_event": "Paid", "interval_count": 1}
funnel = workspace.funnel(7, **days)
print(json.dumps({
    "events": workspace.events(),
    "values": workspace.property_values("amount", event="Paid"),
    "properties": [n for n in workspace.properties("Paid") if n in ("amount", "currency")],
    "funnels": [[each.funnel_id, each.name] for each in workspace.funnels()],
    "cohorts": [[each.id, each.name, each.count] for each in workspace.cohorts()],
    "top": len(workspace.top_events()),
    "stream": [each["event"] for each in workspace.stream_events(**days, raw=True)],
    "people": [each["$distinct_id"] for each in workspace.stream_profiles(raw=True)],
    "members": [e["$distinct_id"] for e in workspace.stream_profiles(cohort_id="5", raw=True)],
    "segmentation": workspace.segmentation("Paid", **days, on="currency").series,
    "funnel": [[each.event, each.count] for each in funnel.steps],
    "retention": [[e.size, e.retention] for e in workspace.retention(**born, **days).cohorts],
    "counts": workspace.event_counts(["Opened"], **days).series,
    "by_value": workspace.property_counts("Paid", "amount", **days).series,
    "sum": workspace.segmentation_sum("Paid", **days, on='properties["amount"]').results,
    "average": workspace.segmentation_average("Paid", **days, on='properties["amount"]').results,
    "annotations": [[each.id, each.description] for each in workspace.list_annotations()],
}))
"""


def test_headless(project: Project, tmp_path: Path) -> None:
    """Each query of the library gives back what was sent."""
    python = reader("headless", "mp")
    fill(project)
    environment = {
        **os.environ,
        "MP_API_BASE_URL": project.url,
        "MP_APP_BASE_URL": project.url,
        "MP_USERNAME": project.account,
        "MP_SECRET": project.account_secret,
        "MP_PROJECT_ID": project.project_id,
        "MP_REGION": "us",
        "MP_CONFIG_PATH": str(tmp_path / "config.toml"),
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [str(python), "-c", CALLS, SINCE, UNTIL],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]

    def by_day(value: Any) -> dict[str, Any]:
        return dict(zip(DATES, [0, value, 0], strict=True))

    assert json.loads(done.stdout) == {
        "events": ["Opened", "Paid"],
        "values": ["12.5"],
        "properties": ["amount", "currency"],
        "funnels": [[7, "Buy"]],
        "cohorts": [[5, "Pro", 1]],
        "top": 0,
        "stream": ["Opened", "Paid"],
        "people": ["ann", "bob"],
        "members": ["ann"],
        "segmentation": {"EUR": by_day(1)},
        "funnel": [["Opened", 1], ["Paid", 1]],
        "retention": [[0, [0, 0]], [1, [1, 0]], [0, [0, 0]]],
        "counts": {"Opened": by_day(1)},
        "by_value": {"12.5": by_day(1)},
        "sum": by_day(12.5),
        "average": by_day(12.5),
        "annotations": [[9, "Launch"]],
    }
