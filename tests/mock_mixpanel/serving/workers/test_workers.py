"""Several workers: how they start and end, and that they agree under load."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.projects.config import Config
from mock_mixpanel.serving.guard import Access
from mock_mixpanel.serving.workers import Workers, WorkerSettings
from tests.forked_process import run_command
from tests.mock_mixpanel.serving.test_serve_command import serving, urls
from tests.mock_mixpanel.wire import NOW, event, http, reasons, send

DEADLINE_SECONDS = 60


def until(condition: Callable[[], bool]) -> None:
    """Wait for a real process."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_open(url: str) -> bool:
    try:
        return http("GET", f"{url}/_mock/health").ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve(number: signal.Signals) -> None:
    """It prints where it stores requests, accepts them, and ends cleanly after a signal."""
    with serving("--port", "0", "--workers", "2") as process:
        found = urls(process, 2)["us"]
        assert is_open(found)
        with requests.Session() as kept:
            kept.get(f"{found}/_mock/health")
            process.send_signal(number)
            out, error = process.communicate(timeout=DEADLINE_SECONDS)
    assert (out, process.returncode) == ("", 0)
    store = error.splitlines()[0].removeprefix("2 workers share folder:")
    store = store.removesuffix(" until they stop")
    assert store.startswith("/")
    assert not Path(store).exists()
    assert not is_open(found)


def test_no_orphans() -> None:
    """When the parent is killed, its workers end too and leave the port."""
    with serving("--port", "0", "--workers", "2") as process:
        found = urls(process, 1)["us"]
        process.kill()
        until(lambda: not is_open(found))


def test_port_in_use() -> None:
    """A port that is taken is an error, even if its owner would share the port."""
    with serving("--port", "0", "--workers", "2") as process:
        port = urlsplit(urls(process, 1)["us"]).port
        with serving("--port", str(port), "--workers", "2") as second:
            _, error = second.communicate(timeout=DEADLINE_SECONDS)
            assert second.returncode == 1
            assert "Error: cannot listen on 127.0.0.1: " in error


def test_verbose() -> None:
    """There is one line for each request, whatever its address, without secrets."""
    with serving("--port", "0", "--workers", "2", "--verbose") as process:
        found = urls(process, 1)["us"]
        http("GET", f"{found}/a%0Ab%1B?api_secret=hush")
        http("GET", f"{found}/track", auth=("hush", "hush"))
        http("GET", f"{found}/api_secret=hush")
        process.terminate()
        _, error = process.communicate(timeout=DEADLINE_SECONDS)
    assert [line for line in error.splitlines() if "GET" in line and "health" not in line] == [
        '127.0.0.1 "GET /a%0Ab%1B" 501',
        '127.0.0.1 "GET /track" 200',
        '127.0.0.1 "GET /api_secret=***" 501',
    ]


@pytest.fixture
def plan(tmp_path: Path) -> WorkerSettings:
    """For workers of a test's own process."""
    store = f"folder:{tmp_path}/store"
    return WorkerSettings(
        Config(), store, None, "127.0.0.1", {"us": 0}, 2, None, Access(), quiet=True
    )


def all_new(workers: Workers, than: set[BaseProcess]) -> bool:
    return than.isdisjoint(workers._processes)


def test_replaced(plan: WorkerSettings) -> None:
    """Workers that are killed are replaced, those too that have only just started."""
    workers = Workers(plan).start()
    try:
        url = workers.urls["us"]
        for _ in range(3):
            killed = set(workers._processes)
            for process in killed:
                process.kill()
            until(partial(all_new, workers, killed))
        assert is_open(url)
        until(lambda: all(process.is_alive() for process in workers._processes))
    finally:
        workers.stop()
    assert not is_open(url)


def test_worker_that_hangs(plan: WorkerSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopping waits only a limited time for a worker that hangs."""
    monkeypatch.setattr("mock_mixpanel.serving.workers.STOP_SECONDS", 0)
    monkeypatch.setattr("mock_mixpanel.serving.workers.KILL_SECONDS", 0)
    workers = Workers(plan).start()
    started = list(workers._processes)
    for process in started:
        assert process.pid
        os.kill(process.pid, signal.SIGSTOP)
    workers.stop()
    assert [process.is_alive() for process in started] == [False, False]


WITHOUT_A_STORE = """
from mock_mixpanel.projects.config import Config
from mock_mixpanel.serving.guard import Access
from mock_mixpanel.serving.workers import Workers, WorkerSettings

settings = ("folder:/dev/null/store", None, "127.0.0.1", {"us": 0}, 2, None, Access(), True)
Workers(WorkerSettings(Config(), *settings)).start()
"""


def test_worker_that_cannot_start() -> None:
    """The error of a worker is printed, and starting fails."""
    done = run_command(["-c", WITHOUT_A_STORE], capture_output=True, text=True)
    assert "StoreError: /dev/null/store cannot be opened: Not a directory" in done.stderr
    failed = "WorkersError: a worker ended at once; its error is printed above"
    assert done.stderr.strip().endswith(failed)


def statuses(mock: MockMixpanel, count: int) -> Counter[int]:
    """What so many requests at the same time are answered."""
    with ThreadPoolExecutor(8) as pool:
        sent = (pool.submit(send, mock, "/track", event(mock)) for _ in range(count))
        return Counter(each.result().status_code for each in list(sent))


def test_faults_are_counted_once(mock_mixpanel: MockMixpanel) -> None:
    """A fault acts as often as it should, whichever workers the requests reach."""
    match = {"nth": 5, "times": 7}
    mock_mixpanel.faults({"match": match, "action": {"status": 503}})
    assert statuses(mock_mixpanel, 30) == {200: 23, 503: 7}
    (rule,) = [
        each
        for each in http("GET", f"{mock_mixpanel.url}/_mock/faults").json()
        if each["match"]["token"] == mock_mixpanel.token
    ]
    assert (rule["seen"], rule["fired"]) == (30, 7)
    assert len(mock_mixpanel.events()) == 23


def test_rates_are_counted_once(mock_mixpanel: MockMixpanel) -> None:
    """A project sends as much as it may, whichever workers it sends to."""
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(limits={"rate_records": 20})
    assert statuses(mock_mixpanel, 30) == {200: 20, 429: 10}
    assert reasons(mock_mixpanel) == [["rate: more than 20 records in 60 seconds"]] * 10


def test_all_see_a_change_at_once(mock_mixpanel: MockMixpanel) -> None:
    """A change made through one worker holds for the next request to any worker."""
    url = mock_mixpanel.url
    for second in range(10):
        moment = f"2026-06-15T12:00:{second:02}.000Z"
        mock_mixpanel.freeze(moment)
        mock_mixpanel.project(alias_delay=second)
        assert send(mock_mixpanel, "/track", event(mock_mixpanel, n=second)).content == b"1"
        assert moment == http("GET", f"{url}/_mock/health").json()["now"]
        (shown, options) = (
            mock_mixpanel.requests()[-1]["received_at"],
            http("GET", f"{url}/_mock/projects/{mock_mixpanel.token}").json()["alias_delay"],
        )
        assert (moment, second) == (shown, options)


@pytest.mark.parametrize("path", ["/track", "/api/2.0/engage"])
def test_delay(mock_mixpanel: MockMixpanel, path: str) -> None:
    """A late answer is late for its client only, and the true one."""
    seconds = 1.0
    mock_mixpanel.faults({"match": {"path": path, "nth": 1}, "action": {"delay": seconds}})

    def ask() -> float:
        start = time.monotonic()
        data = {"token": mock_mixpanel.token}
        if path == "/track":
            assert send(mock_mixpanel, path, event(mock_mixpanel)).content == b"1"
        else:
            assert http("POST", mock_mixpanel.url + path, data=data).status_code == 200
        return time.monotonic() - start

    with ThreadPoolExecutor(4) as pool:
        took = sorted(each.result() for each in [pool.submit(ask) for _ in range(4)])
    assert took[-1] >= seconds > took[-2]
