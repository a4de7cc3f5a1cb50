"""The package `mixpanel` for Python with Mixpanel's own host names, over https."""

import socket
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.clients.mixpanel import Project, sent
from tests.clients.needs import python_client
from tests.clients.test_python import LIB, LONG_AGO, account

sdk = python_client("mixpanel")

NOW_MS = int(time.time()) * 1000 - 60_000
OPENED = {"time": NOW_MS / 1000, "$insert_id": "1"}


@pytest.fixture(autouse=True)
def home(secure_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mixpanel's hosts are the mock, as with an entry for each in /etc/hosts, and it is trusted."""
    assert secure_project.ca_file
    resolve, port = socket.getaddrinfo, secure_project.port

    def resolved(host: Any, asked: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host or ""
        if name == "mixpanel.com" or name.endswith(".mixpanel.com"):
            return resolve("127.0.0.1", port, *more, **named)
        return resolve(host, asked, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, secure_project.ca_file)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def hosts(project: Project) -> set[str]:
    return {request["headers"]["Host"] for request in project.journal()}


def test_own_host(secure_project: Project) -> None:
    """The client as its documentation has it, without a consumer of its own."""
    mixpanel = sdk.Mixpanel(secure_project.token, credentials=account(secure_project))
    mixpanel.track("ann", "Opened", OPENED)
    mixpanel.import_data(None, "ann", "Paid", LONG_AGO, {"$insert_id": "2"})
    mixpanel.people_set("ann", {"plan": "pro"})
    mixpanel.group_set("company", "acme", {"size": 3})

    ann = {"distinct_id": "ann"} | LIB
    assert secure_project.events() == [
        sent("Paid", LONG_AGO * 1000, **ann, **{"$insert_id": "2", "$import": True}),
        sent("Opened", NOW_MS, **ann, **{"$insert_id": "1"}),
    ]
    assert secure_project.people() == {"ann": {"plan": "pro"}}
    assert secure_project.groups("company") == {"acme": {"size": 3}}
    assert secure_project.undelivered() == []
    assert hosts(secure_project) == {"api.mixpanel.com"}


def test_alias(secure_project: Project) -> None:
    """After `alias()` the new id's events and profile updates are the person's."""
    mixpanel = sdk.Mixpanel(secure_project.token)
    mixpanel.track("anon-1", "Opened", OPENED)
    mixpanel.alias("ann", "anon-1")
    mixpanel.track("ann", "Bought", {"time": NOW_MS / 1000 + 1, "$insert_id": "2"})
    mixpanel.people_set("ann", {"plan": "pro"})

    opened, bought, alias = secure_project.events()
    whose = {"distinct_id": "anon-1"}
    assert sent("Opened", NOW_MS, **whose, **{"$insert_id": "1"}, **LIB) == opened
    assert sent("Bought", NOW_MS + 1000, **whose, **{"$insert_id": "2"}, **LIB) == bought
    assert (alias["event"], alias["properties"]["alias"]) == ("$create_alias", "ann")
    assert secure_project.people() == {"anon-1": {"plan": "pro"}}
    assert secure_project.undelivered() == []


@pytest.mark.parametrize(
    ("region", "api_host", "reader"),
    [
        ("eu", "api-eu.mixpanel.com", "eu.mixpanel.com"),
        ("in", "api-in.mixpanel.com", "in.mixpanel.com"),
    ],
)
def test_region(secure_project: Project, region: str, api_host: str, reader: str) -> None:
    """`api_host` chooses the region; only that region's hosts show the data."""
    secure_project.create(region=region)
    consumer = sdk.Consumer(api_host=api_host)
    sdk.Mixpanel(secure_project.token, consumer=consumer).track("ann", "Opened", OPENED)

    there = replace(secure_project, host=reader)
    opened = {"distinct_id": "ann", "$insert_id": "1"} | LIB
    assert there.events() == [sent("Opened", NOW_MS, **opened)]
    assert there.undelivered() == []


def test_wrong_region(secure_project: Project) -> None:
    """With the default host data of a project in the EU is lost without an error, and a leak."""
    secure_project.create(region="eu")
    sdk.Mixpanel(secure_project.token).track("ann", "Opened", OPENED)

    assert replace(secure_project, host="eu.mixpanel.com").events() == []
    [leak] = secure_project.leaks()
    assert (leak["home"], leak["region"], leak["record"]["event"]) == ("eu", "us", "Opened")


def test_flags(secure_project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """Feature flags, evaluated remotely and locally, are answered without a line in the log."""
    mixpanel = sdk.Mixpanel(
        secure_project.token,
        remote_flags_config=sdk.RemoteFlagsConfig(),
        local_flags_config=sdk.LocalFlagsConfig(enable_polling=False),
    )
    context = {"distinct_id": "ann"}
    with mixpanel.remote_flags as remote, mixpanel.local_flags as local:
        assert remote.get_variant_value("any", "fallback", context) == "fallback"
        assert remote.get_all_variants(context) == {}
        local.start_polling_for_definitions()
        assert (local.are_flags_ready(), local.get_all_variants(context)) == (True, {})
    assert caplog.messages == []
