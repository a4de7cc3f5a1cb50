"""The long poll for changes, and the client's `wait_for`."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mock_mixpanel import Server
from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.log.change_watch import MOST_WAITING, ChangeWatch, KnownPosition, Position
from mock_mixpanel.log.stores import open_store
from tests.mock_mixpanel.wire import event, http, send, update


def changes(mock: MockMixpanel, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = http("GET", f"{mock.url}/_mock/changes", params=query).json()
    return found


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(MOST_WAITING + 2) as pool:
        yield pool


def test_position(mock_mixpanel: MockMixpanel) -> None:
    """Without a known position the answer comes at once and says where things are."""
    send(mock_mixpanel, "/track", event(mock_mixpanel))
    (request,) = mock_mixpanel.requests()
    found = changes(mock_mixpanel, wait=20)
    assert (found["last"], found["changed"], found["waited"]) == (request["id"], False, True)


def test_new_request_ends_the_wait(mock_mixpanel: MockMixpanel, pool: ThreadPoolExecutor) -> None:
    """A call that waits is answered when a request arrives."""
    known = changes(mock_mixpanel)
    position = {"after": known["last"], "version": known["version"]}
    waiting = pool.submit(changes, mock_mixpanel, **position, wait=20)
    send(mock_mixpanel, "/track", event(mock_mixpanel))
    found = waiting.result(15)
    assert (found["changed"], found["last"]) == (True, known["last"] + 1)
    assert changes(mock_mixpanel, **position, wait=20)["changed"]


CHANGES: dict[str, Callable[[MockMixpanel], object]] = {
    "clock": lambda mock: mock.advance(1),
    "project": lambda mock: mock.project(alias_delay=3),
    "faults": lambda mock: mock.faults({"action": {"status": 503}}),
    "reset": lambda mock: mock.reset(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_changes_end_the_wait(mock_mixpanel: MockMixpanel, name: str) -> None:
    """Changes of clock, projects and faults, and a reset, give another version."""
    send(mock_mixpanel, "/track", event(mock_mixpanel))
    known = changes(mock_mixpanel)
    CHANGES[name](mock_mixpanel)
    found = changes(mock_mixpanel, after=known["last"], version=known["version"], wait=20)
    assert found["changed"]
    assert found["version"] != known["version"]


def test_nothing_new(mock_mixpanel: MockMixpanel) -> None:
    """When the wait is over, the answer says that nothing changed."""
    known = changes(mock_mixpanel)
    found = changes(mock_mixpanel, after=known["last"], version=known["version"], wait=0.01)
    assert (found["changed"], found["waited"], found["last"]) == (False, True, known["last"])


@pytest.mark.parametrize("query", [{"wait": "x"}, {"wait": -1}, {"after": "x"}, {"version": "-1"}])
def test_bad_parameters(mock_mixpanel: MockMixpanel, query: dict[str, Any]) -> None:
    """A parameter that is not a number is an error that names it."""
    answer = http("GET", f"{mock_mixpanel.url}/_mock/changes", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"{next(iter(query))}: expected ")


@pytest.mark.parametrize("kind", ["memory:", "folder:{}/store", "sqlite:///{}/store.db"])
def test_every_store(tmp_path: Path, kind: str, pool: ThreadPoolExecutor) -> None:
    """A change by another worker ends the wait, and after a reset the last id stays."""
    url = kind.format(tmp_path)
    store = open_store(url)
    other = store if url == "memory:" else open_store(url)
    one, two = Backend(store=store), Backend(store=other)
    client = create_app(backend=two).test_client()
    known = KnownPosition(0, one.version, 20)
    waiting = pool.submit(one.changes.wait, known)
    record = {"event": "E", "properties": {"token": "T"}}
    assert client.post("/track", json=record).data == b"1"
    assert waiting.result(15).position.last == 1
    client.post("/_mock/reset")
    found = one.changes.now(KnownPosition(1, known.version, 0))
    assert (found.changed, found.position.last) == (True, 1)
    for each in {store, other}:
        each.close()


def test_at_most_so_many_wait(
    mock_mixpanel: MockMixpanel, mock_mixpanel_server: Server, pool: ThreadPoolExecutor
) -> None:
    """One call more than may wait is answered at once; the others wait on without a thread each."""
    assert mock_mixpanel.url == mock_mixpanel_server.url  # One process: each has its own limit.
    known = changes(mock_mixpanel)
    position = {"after": known["last"], "version": known["version"]}
    waiting = [
        pool.submit(changes, mock_mixpanel, **position, wait=20) for _ in range(MOST_WAITING + 1)
    ]
    turned_away = next(each for each in iter(lambda: first_done(waiting), None) if each)
    assert (turned_away.result()["waited"], turned_away.result()["changed"]) == (False, False)
    mock_mixpanel.advance(1)
    found = [each.result(15) for each in waiting]
    assert sum(each["changed"] for each in found) == MOST_WAITING


def first_done(futures: list[Any]) -> Any:
    """The first call that was answered."""
    done = threading.Event()
    for each in futures:
        each.add_done_callback(lambda _: done.set())
    done.wait(15)
    return next(each for each in futures if each.done())


def test_stopping_ends_the_wait(pool: ThreadPoolExecutor) -> None:
    """A server that stops does not wait for calls that wait."""
    server = Server().start()
    known = http("GET", f"{server.url}/_mock/changes").json()
    query = {"after": known["last"], "version": known["version"], "wait": 30}
    waiting = pool.submit(http, "GET", f"{server.url}/_mock/changes", params=query)
    assert http("GET", f"{server.url}/_mock/health").status_code == 200
    server.stop()
    waiting.exception(15)  # It is answered, or its connection is closed.
    assert waiting.done()


def test_one_look_for_all() -> None:
    """Calls that wait at the same time share their looks at the store."""
    looks: list[int] = []

    def look() -> Position:
        looks.append(1)
        return Position(0, 1)

    now = [0.0]
    watch = ChangeWatch(look, clock=lambda: now[0])
    assert watch.now(KnownPosition(0, 1, 0)).changed is False
    assert len(looks) == 1
    assert [watch._shared_look() for _ in range(5)] == [Position(0, 1)] * 5
    assert len(looks) == 2
    now[0] += 1
    watch._shared_look()
    assert len(looks) == 3


def test_wait_for_a_search(mock_mixpanel: MockMixpanel, pool: ThreadPoolExecutor) -> None:
    """The fixture waits until as many records as asked for match a search."""
    waiting = pool.submit(mock_mixpanel.wait_for, "event:Paid prop.n>1", count=2, timeout=15)
    for number in range(4):
        send(mock_mixpanel, "/track", event(mock_mixpanel, "Paid", n=number))
    assert [each["record"]["properties"]["n"] for each in waiting.result(20)][:2] == [2, 3]


def test_wait_for_a_condition(mock_mixpanel: MockMixpanel) -> None:
    """The fixture waits for any condition, and gives its result."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"plan": "pro"}))
    assert mock_mixpanel.wait_for(mock_mixpanel.profiles) == {"u-1": {"plan": "pro"}}


def test_wait_for_in_vain(mock_mixpanel: MockMixpanel) -> None:
    """If no record matches in time, the error lists the records that arrived and their reasons."""
    send(mock_mixpanel, "/track", [event(mock_mixpanel), event(mock_mixpanel, "Late", time=5)])
    with pytest.raises(TimeoutError) as error:
        mock_mixpanel.wait_for("event:Paid", timeout=0.01)
    assert str(error.value) == (
        "0 of 1 records match 'event:Paid' after 0.01 s; arrived: event Signed Up of u-1: seen; "
        "event Late of u-1: rejected (time: older than 5 days)"
    )
