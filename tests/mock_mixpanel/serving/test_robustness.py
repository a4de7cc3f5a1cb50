"""Hostile input: an answer, a verdict, never a crash."""

import gzip
import json
import socket
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.projects.config import IDENTITY_MODES, Config, Project
from tests.mock_mixpanel.wire import http, packed, update
from tests.thorough import times

KEYS = st.sampled_from(
    [
        *("event", "properties", "token", "time", "distinct_id", "alias", "ip", "a", "b"),
        *("$insert_id", "$device_id", "$user_id", "$ignore", "$ignore_time", "$ignore_alias"),
        *("$token", "$distinct_id", "$group_key", "$group_id", "$set", "$set_once", "$add"),
        *("$append", "$union", "$remove", "$unset", "$delete"),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([2**100, -(10**400), 1e308, 5e-324, 1e11, 253402300800]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["T", "a", "b", "", "$create_alias", "$identify", "$merge", "\ud800", "\0"]),
    st.text(st.characters(exclude_categories=[]), max_size=5),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)
EVENTS = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["E", "$create_alias"]),
        "properties": st.dictionaries(KEYS, JSON, max_size=5).map(lambda p: {"token": "T"} | p),
    }
)
UPDATES = st.dictionaries(KEYS, JSON, max_size=5).map(
    lambda more: {"$token": "T", "$distinct_id": "a"} | more
)
DAYS = f"from_date=1971-01-01&to_date={datetime.now(UTC):%Y-%m-%d}"
READERS = [f"/api/2.0/export?{DAYS}", "/api/query/engage", "/api/app/projects/T/data-groups/"]
LISTS = ["requests", "events", "profiles", "groups", "rejected", "identities"]


@settings(max_examples=times(25, 300), deadline=None)
@given(
    path=st.sampled_from(["/track", "/engage", "/groups", "/import", "/import?strict=1"]),
    identity=st.sampled_from(IDENTITY_MODES),
    records=st.lists(JSON | EVENTS | UPDATES, min_size=1, max_size=4),
)
def test_any_json(path: str, identity: str, records: list[Any]) -> None:
    """Whatever JSON arrives has one verdict for each record, and every list stays readable."""
    backend = Backend(Config(projects=(Project("T", identity=identity, geo=True),)))
    client = create_app(backend=backend).test_client()
    answer = client.post(path, data=json.dumps(records), content_type="application/json")
    assert answer.status_code in (200, 400, 401)
    shown = {name: client.get(f"/_mock/{name}") for name in LISTS}
    assert dict.fromkeys(LISTS, 200) == {name: each.status_code for name, each in shown.items()}
    (request,) = shown["requests"].json or []
    assert (len(records), records) == (len(request["verdicts"]), request["payload"])
    for reader in READERS:
        read = client.get(reader, headers={"Authorization": "Basic VDo="})
        assert (read.status_code, read.data is not None) == (200, True), reader


@settings(max_examples=times(25, 300), deadline=None)
@given(
    body=st.binary(max_size=60),
    kind=st.sampled_from(["application/json", "application/x-ndjson", "text/plain", "", "a/b"]),
    encoding=st.sampled_from(["", "gzip", "br"]),
    wrapped=st.booleans(),
)
def test_any_bytes(body: bytes, kind: str, encoding: str, wrapped: bool) -> None:
    """Whatever bytes arrive are answered with 200 and are in the journal."""
    client = create_app().test_client()
    data = gzip.compress(b"data=" + body) if wrapped else body
    headers = {"Content-Type": kind, "Content-Encoding": encoding}
    assert client.post("/track", data=data, headers=headers).status_code == 200
    assert len(client.get("/_mock/requests").json or []) == 1


@pytest.mark.parametrize("host", ["a b", "", "[::1", "x:y:z", "\xff", "-", "a/b"])
def test_any_host(mock_mixpanel: MockMixpanel, host: str) -> None:
    """A Host header that makes no sense is not a region, and no crash."""
    body = json.dumps(update(mock_mixpanel, set={"a": 1})).encode()
    head = (
        f"POST /engage HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    address = urlsplit(mock_mixpanel.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(head.encode("latin-1") + body)
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert received[:15] == b"HTTP/1.1 200 OK"
    assert mock_mixpanel.profiles() == {"u-1": {"a": 1}}


@pytest.mark.parametrize("path", ["/%ff", "/track%00", "/_mock/projects/%ff%00", "/%0d%0a"])
def test_any_path(mock_mixpanel: MockMixpanel, path: str) -> None:
    """A strange path is an answer in JSON, never a redirect."""
    answer = http("GET", mock_mixpanel.url + path)
    assert answer.status_code in (200, 400, 404, 501)
    assert dict is type(answer.json())


def test_double_slash(mock_mixpanel: MockMixpanel) -> None:
    """A base URL that ends in a slash still reaches the route, without a redirect."""
    answer = http("POST", f"{mock_mixpanel.url}//engage", json=update(mock_mixpanel, set={"a": 1}))
    assert (answer.status_code, answer.content) == (200, b"1")
    assert mock_mixpanel.profiles() == {"u-1": {"a": 1}}


def test_profile_updates_by_get(mock_mixpanel: MockMixpanel) -> None:
    """A GET changes state each time it is sent; no header invites a cache
    (docs/facts/real-clients.md#surprises, item 5)."""
    data = packed(update(mock_mixpanel, add={"n": 1}))
    for _ in range(2):
        answer = http("GET", f"{mock_mixpanel.url}/engage", params={"data": data, "ip": "0"})
        assert answer.content == b"1"
        assert {"Cache-Control", "Expires", "ETag", "Last-Modified"} & set(answer.headers) == set()
    assert mock_mixpanel.profiles() == {"u-1": {"n": 2}}


@pytest.mark.parametrize("query", ["verbose=1", "verbose=1&strict=1"])
def test_credentials_on_engage(mock_mixpanel: MockMixpanel, query: str) -> None:
    """Basic auth and `strict` on /engage do no harm (docs/facts/real-clients.md#surprises, item 2,
    docs/facts/real-clients.md#surprises, item 3)."""
    answer = http(
        "POST",
        f"{mock_mixpanel.url}/engage?{query}",
        data={"data": packed([update(mock_mixpanel, set={"a": 1})]), "project_id": "7"},
        auth=("robot", "secret"),
    )
    assert answer.content == b'{"error":null,"status":1}'
    assert mock_mixpanel.profiles() == {"u-1": {"a": 1}}
