"""The command `gateway` as a process."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from mock_mixpanel.client import MockMixpanel
from tests.forked_process import ForkedProcess, run_command
from translator.sender.books.spool import Spool
from translator.sender.http.transport import TIMEOUT_SECONDS

COMMAND = ["-m", "translator", "gateway", "--port", "0"]


@contextmanager
def running(
    mock: MockMixpanel, folder: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A gateway in front of the mock, and its address; it is killed when the block ends."""
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"token": mock.token, "people": True}))
    process = ForkedProcess(
        [*COMMAND, "--settings", str(settings), "--base-url", mock.url, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate(timeout=30)


def post(url: str, *events: str) -> int:
    batch = [{"type": "track", "event": name, "userId": "u", "messageId": name} for name in events]
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"{url}/v1/batch", json={"batch": batch}, timeout=30).status_code


def without_time(err: str) -> list[dict[str, Any]]:
    """The lines of the error stream, less when they were written."""
    lines = [json.loads(line) for line in err.splitlines()]
    for line in lines:
        line.pop("at", None)
    return lines


def test_a_run_is_logged(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """At level info: where it sends and listens, each request, what it drained, how it ended."""
    with running(mock_mixpanel, tmp_path, "--log-level", "info", "--alias", "none") as (
        process,
        url,
    ):
        assert post(url, "A", "B") == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    start, listening, request, drain, stop = without_time(err)
    sender = {"level": "info", "logger": "translator.sender"}
    gateway = {"level": "info", "logger": "translator.gateway"}
    to = {"to": mock_mixpanel.url, "alias": "none", "workers": 4, "live": False}
    assert start == {**sender, "event": "start", **to}
    assert listening == {**gateway, "event": "listening", "address": url}
    assert 0 <= request.pop("seconds") < 60
    path = {"method": "POST", "path": "/v1/batch", "status": 200, "messages": 2}
    assert request == {**gateway, "event": "request", **path}
    assert 0 <= drain.pop("waiting") <= 2
    assert drain == {**gateway, "event": "drain", "seconds": 30.0}
    assert stop == {**gateway, "event": "stop", "waiting": 0, **json.loads(out)}


def test_signal_drains(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """After SIGTERM it delivers what it has accepted, and prints the account."""
    mock_mixpanel.faults({"match": {"path": "/track", "nth": 1}, "action": {"status": 503}})
    with running(mock_mixpanel, tmp_path) as (process, url):
        assert post(url, "A", "B") == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    [retry] = without_time(err)
    assert 3 <= retry.pop("wait") <= 7
    assert {name: value for name, value in retry.items() if name != "reason"} == {
        "level": "warning",
        "logger": "translator.sender",
        "event": "retry",
        "host": "https://api.mixpanel.com",
        "address": mock_mixpanel.url,
        "endpoint": "/track",
        "records": 2,
        "attempt": 1,
        "status": 503,
    }
    assert retry["reason"].startswith("HTTP 503: ")
    account = {"read": 2, "delivered": 2, "skipped": 0, "rejected": 0, "dead_lettered": 0}
    assert account == json.loads(out)
    assert sorted(event["event"] for event in mock_mixpanel.events()) == ["A", "B"]


def test_an_outage_keeps_everything(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """While Mixpanel is down nothing is given up: the gateway ends, and the spool keeps it."""
    spool = ("--spool", str(tmp_path / "spool"), "--drain", "0.5")
    mock_mixpanel.faults({"match": {"path": "/track"}, "action": {"status": 503}})
    with running(mock_mixpanel, tmp_path, *spool) as (process, url):
        assert post(url, "A", "B") == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["read"]) == (1, 0)
    where = tmp_path / "spool"
    first, last = without_time(err)
    assert (first["event"], first["status"]) == ("retry", 503)
    assert last == {"error": f"2 operations are not delivered; they stay in {where}"}
    requests.delete(f"{mock_mixpanel.url}/_mock/faults", timeout=30)
    with running(mock_mixpanel, tmp_path, "--spool", str(where)) as (process, _):
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["delivered"]) == (0, 2)
    [resumed] = without_time(err)
    assert tuple(map(resumed.get, ("event", "after_crash", "operations"))) == ("resumed", True, 2)
    assert sorted(event["event"] for event in mock_mixpanel.events(raw=True)) == ["A", "B"]


def test_a_drain_waits_for_no_answer(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """After --drain seconds the gateway ends, even if a request has no answer yet."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        silent = f"http://127.0.0.1:{mute.getsockname()[1]}"
        options = ("--base-url", silent, "--drain", "0", "--spool", str(tmp_path / "spool"))
        with running(mock_mixpanel, tmp_path, *options) as (process, url):
            assert post(url, "A") == 200
            kept, _ = mute.accept()
            process.send_signal(signal.SIGTERM)
            # Less than the time-out of the request, which would be waited for.
            assert process.wait(TIMEOUT_SECONDS[1] / 2) == 1
        kept.close()
    with Spool(tmp_path / "spool") as left:
        assert (left.waiting(), left.interrupted) == (1, True)


def test_spool_outlives_a_kill(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """What was acknowledged before a kill is delivered, once, by the next gateway."""
    spool = ("--spool", str(tmp_path / "spool"))
    down = {"match": {"path": "/track"}, "action": {"status": 503}}
    mock_mixpanel.faults(down)
    with running(mock_mixpanel, tmp_path, *spool) as (process, url):
        assert post(url, "A", "B") == 200
        process.kill()
        process.wait()
    assert mock_mixpanel.events() == []
    requests.delete(f"{mock_mixpanel.url}/_mock/faults", timeout=30)
    with running(mock_mixpanel, tmp_path, *spool) as (process, url):
        assert post(url, "A", "C") == 200  # the client asks again for A
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out
    [resumed] = without_time(err)
    assert resumed == {
        "level": "warning",
        "logger": "translator.sender",
        "event": "resumed",
        "after_crash": True,
        "operations": 2,
    }
    assert sorted(event["event"] for event in mock_mixpanel.events(raw=True)) == ["A", "B", "C"]


def test_real_hosts_are_refused(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """Without --base-url it would send to Mixpanel itself, which needs --live."""
    settings = tmp_path / "settings.json"
    settings.write_text('{"token": "T"}')
    done = run_command([*COMMAND, "--settings", settings], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--live" in done.stderr
