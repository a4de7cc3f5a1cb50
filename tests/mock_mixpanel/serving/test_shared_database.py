"""Two mocks, each a process of its own, on one PostgreSQL database are one mock."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel import postgresql
from tests.mock_mixpanel.serving.test_serve_command import serving, urls
from tests.mock_mixpanel.wire import alias, event, http, names, send, update

LISTS = ("requests", "events", "profiles", "rejected", "identities", "overview", "projects/T")


class Shared(NamedTuple):
    """A database and two mocks on it."""

    database: postgresql.Server
    one: MockMixpanel
    other: MockMixpanel


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        database = stack.enter_context(postgresql.restartable(Path(folder)))
        arguments = ("--port", "0", "--store", database.url)
        processes = [stack.enter_context(serving(*arguments)) for _ in range(2)]
        mocks = [MockMixpanel(urls(process, 1)["us"], "T") for process in processes]
        for mock in mocks:
            stack.callback(mock.close)
        yield Shared(database, *mocks)


def position(mock: MockMixpanel) -> dict[str, Any]:
    found: dict[str, Any] = http("GET", f"{mock.url}/_mock/changes").json()
    return {"after": found["last"], "version": found["version"]}


def waited(mock: MockMixpanel, known: dict[str, Any]) -> Any:
    """The answer to a call that waits for a change."""
    return http("GET", f"{mock.url}/_mock/changes", params=known | {"wait": 25}).json()


def test_one_mock_shows_what_the_other_received(shared: Shared) -> None:
    """Requests, options and the clock of one are those of the other, in every list."""
    shared.one.freeze("2026-06-15T12:00:00Z")
    shared.other.project(alias_delay=60)
    send(shared.one, "/track", [event(shared.one, "A"), event(shared.one, "Old", time=1)])
    send(shared.other, "/track", alias(shared.other, "ann", "u-1"))
    send(shared.one, "/engage", update(shared.one, "ann", set={"plan": "pro"}))
    shared.other.advance(61)
    for name in LISTS:
        first, second = (http("GET", f"{mock.url}/_mock/{name}") for mock in shared[1:])
        assert (name, first.status_code, first.json()) == (name, 200, second.json())
    assert names(shared.other) == ["A", "$create_alias"]


def test_a_rule_acts_once(shared: Shared) -> None:
    """A rule for one request acts on one request of both mocks together."""
    shared.one.faults({"match": {"path": "/track", "times": 1}, "action": {"status": 503}})
    statuses = [
        send(mock, "/track", event(mock, "B")).status_code
        for mock in (shared.other, shared.one, shared.other)
    ]
    assert statuses == [503, 200, 200]


def test_one_mock_is_told_of_what_the_other_received(shared: Shared) -> None:
    """A call that waits at one mock is answered when the other one receives."""
    known = position(shared.one)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(waited, shared.one, known)
        send(shared.other, "/track", event(shared.other, "C"))
        answer = waiting.result(30)
    assert (answer["changed"], answer["last"]) == (True, known["after"] + 1)


def test_both_go_on_after_a_restart_of_the_database(shared: Shared) -> None:
    """While the database is down both answer 503; then both work, and tell of changes, again."""
    known = position(shared.one)
    shared.database.stop()
    down = [send(mock, "/track", event(mock, "Lost")).status_code for mock in shared[1:]]
    assert down == [503, 503]
    shared.database.start()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(waited, shared.one, known)
        assert send(shared.other, "/track", event(shared.other, "D")).content == b"1"
        assert waiting.result(30)["last"] == known["after"] + 1
    assert [names(mock)[-1] for mock in shared[1:]] == ["D", "D"]
