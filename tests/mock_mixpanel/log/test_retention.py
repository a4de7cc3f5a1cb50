"""Requests are kept for a time by the virtual clock; what is older goes with its effects."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from flask.testing import FlaskClient

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.log.stores import Store, StoreUnavailableError, open_store
from tests.mock_mixpanel import postgresql
from tests.mock_mixpanel.serving.test_serve_command import serving, urls
from tests.mock_mixpanel.wire import NOW, event, names
from tests.mock_mixpanel.wire import send as post

DAY, HOUR = 86400, 3600


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with TemporaryDirectory() as folder, postgresql.running(Path(folder)) as running:
        yield running


@pytest.fixture(params=["memory:", "folder:{}/store", "sqlite:///{}/store.db", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = request.param.format(tmp_path)
    if url == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    with closing(open_store(url)) as opened:
        yield opened


def mock(store: Store) -> FlaskClient:
    """A mock that keeps requests for a day; its clock stands still."""
    client = create_app(backend=Backend(store=store, keep_for=DAY)).test_client()
    client.post("/_mock/clock", json={"now": NOW, "freeze": True})
    return client


def send(client: FlaskClient, name: str) -> None:
    event = {"event": name, "properties": {"token": "T", "distinct_id": "ann"}}
    assert client.post("/track", json=[event, event]).data == b"1"


def kept(client: FlaskClient) -> list[str]:
    """The event of each request that is kept."""
    return [each["payload"][0]["event"] for each in client.get("/_mock/requests").json or []]


def test_old_requests_go(store: Store) -> None:
    """A request stays for a day and up to a tenth more; then all that are older than a day go."""
    client = mock(store)
    for name in ("first", "second", "third"):
        send(client, name)
        client.post("/_mock/clock", json={"advance": HOUR})
    client.post("/_mock/clock", json={"advance": 22 * HOUR})
    send(client, "after 25 hours")
    assert kept(client) == ["first", "second", "third", "after 25 hours"]
    client.post("/_mock/clock", json={"advance": 1.5 * HOUR})
    send(client, "after 26.5 hours")
    assert kept(client) == ["after 25 hours", "after 26.5 hours"]
    events = client.get("/_mock/events").json or []
    assert [each["event"] for each in events] == ["after 25 hours"] * 2 + ["after 26.5 hours"] * 2


def test_the_newest_request_stays(store: Store) -> None:
    """After a long pause the request that has just been stored is the only one left."""
    client = mock(store)
    send(client, "first")
    client.post("/_mock/clock", json={"advance": 30 * DAY})
    send(client, "second")
    assert kept(client)[-1:] == ["second"]
    assert "first" not in kept(client)


def test_a_request_counts_though_old_ones_cannot_be_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A store that does not answer when old requests are due does not fail the new request."""
    store = open_store("memory:")
    client = mock(store)
    send(client, "first")
    client.post("/_mock/clock", json={"advance": 30 * DAY})

    def fail(entry: int) -> None:
        raise StoreUnavailableError("the database is gone")

    monkeypatch.setattr(store, "drop", fail)
    send(client, "second")
    assert kept(client) == ["first", "second"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("3", "'3' is not a duration; write 12h or 30d (s, m, h, d)"),
        ("1w", "'1w' is not a duration; write 12h or 30d (s, m, h, d)"),
        ("-1d", "'-1d' is not a duration; write 12h or 30d (s, m, h, d)"),
        ("59s", "'59s' is shorter than 60s"),
    ],
)
def test_wrong_duration(text: str, error: str) -> None:
    """A duration without a unit, of an unknown unit, or too short is an error that says so."""
    with serving("--port", "0", "--keep-for", text) as process:
        _, said = process.communicate(timeout=30)
    assert error in said
    assert process.returncode == 2


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_keeps_for_a_time(tmp_path: Path, workers: str) -> None:
    """The command drops old requests, with one worker and with several."""
    store = ("--store", f"folder:{tmp_path}/store", "--workers", workers)
    with serving("--port", "0", "--keep-for", "1h", *store) as process:
        client = MockMixpanel(urls(process, 1)["us"], "T")
        client.freeze(NOW)
        post(client, "/track", event(client, "Old"))
        client.advance(2 * HOUR)
        post(client, "/track", event(client, "New"))
        assert names(client) == ["New"]
        client.close()
