"""The package `mixpanel` for Node over https, and with Mixpanel's own host names."""

import json
from typing import Any

import pytest

from tests.clients.mixpanel import Project, sent
from tests.clients.node_run import run, run_at_home
from tests.clients.test_node import LIB, LONG_AGO, NOW_MS, batch

CREDENTIALS = pytest.mark.parametrize("credential", ["secret", "account"])


def credentials(project: Project, kind: str) -> dict[str, Any]:
    """The options that authorize imports."""
    account = {"$account": [project.account, project.account_secret, project.project_id]}
    return {"secret": project.secret} if kind == "secret" else {"credentials": account}


def call(project: Project, *calls: list[Any], **options: Any) -> list[str]:
    """Make calls to a host and port of ours; the errors that the client told of."""
    assert project.ca_file
    address = {"host": "127.0.0.1", "port": project.port, "protocol": "https"}
    given = {"token": project.token, "options": address | options, "calls": calls}
    told = run("calls.cjs", "mixpanel", given, NODE_EXTRA_CA_CERTS=project.ca_file)
    errors: list[str] = json.loads(told)
    return errors


def call_at_home(project: Project, *calls: list[Any], **options: Any) -> list[str]:
    """Make calls to Mixpanel's own hosts; the errors that the client told of."""
    given = {"token": project.token, "options": options, "calls": calls}
    errors: list[str] = json.loads(run_at_home("calls.cjs", "mixpanel", given, project))
    return errors


@CREDENTIALS
def test_import(secure_project: Project, credential: str) -> None:
    """Old events are imported with the project's secret and with a service account."""
    properties = {"distinct_id": "ann", "$insert_id": "i-1", "text": "ÿ?>~ & + % ✓"}
    events = batch(120, LONG_AGO * 1000)

    told = call(
        secure_project,
        ["import", "Paid", {"$date": LONG_AGO * 1000 - 1}, properties],
        ["import_batch", events],
        **credentials(secure_project, credential),
    )

    assert told == []
    expected = [sent("Paid", LONG_AGO * 1000 - 1, **properties, **{"$import": True}, **LIB)]
    for number, event in enumerate(events):
        given = {name: value for name, value in event["properties"].items() if name != "time"}
        given["$import"] = True
        expected.append(sent("Clicked", LONG_AGO * 1000 + number, **given))
    assert secure_project.events() == expected
    assert secure_project.undelivered() == []


def test_import_with_a_wrong_secret(secure_project: Project) -> None:
    """A wrong secret is an error for the callback, and nothing arrives."""
    told = call(
        secure_project,
        ["import", "Paid", {"$date": LONG_AGO * 1000}, {"distinct_id": "ann", "$insert_id": "1"}],
        secret="wrong",
        verbose=True,
    )
    assert told == ["Mixpanel Server Error: Invalid credentials"]
    assert secure_project.events() == []


def test_own_host(secure_project: Project) -> None:
    """Without any option everything goes to Mixpanel's own host, and arrives."""
    told = call_at_home(
        secure_project,
        ["track", "Opened", {"distinct_id": "ann", "$insert_id": "1", "time": NOW_MS}],
        ["people.set", "ann", {"plan": "pro"}],
        ["groups.set", "company", "acme", {"size": 3}],
    )
    assert told == []
    opened = {"distinct_id": "ann", "$insert_id": "1"}
    assert secure_project.events() == [sent("Opened", NOW_MS, **opened, **LIB)]
    assert secure_project.people() == {"ann": {"plan": "pro"}}
    assert secure_project.groups("company") == {"acme": {"size": 3}}
    assert {each["headers"]["Host"] for each in secure_project.journal()} == {"api.mixpanel.com"}


def test_flags(secure_project: Project) -> None:
    """Feature flags, evaluated remotely and locally, are answered without an error in the log."""
    context = {"distinct_id": "ann"}
    told = call_at_home(
        secure_project,
        ["remote_flags.getVariantValue", "any", "fallback", context],
        ["remote_flags.getAllVariants", context],
        ["local_flags.startPollingForDefinitions"],
        remote_flags_config={},
        local_flags_config={"enable_polling": False},
    )
    assert told == []
