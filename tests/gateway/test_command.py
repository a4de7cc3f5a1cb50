"""`python -m translator gateway`, as people run it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from mock_mixpanel.client import MockMixpanel

COMMAND = [sys.executable, "-m", "translator", "gateway", "--port", "0"]


@contextmanager
def running(
    mock: MockMixpanel, folder: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A gateway in front of the mock, and its address; it is killed when the block ends."""
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"token": mock.token, "people": True}))
    process = subprocess.Popen(
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


def test_signal_drains(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """Told to end, it first delivers what it has taken in, and gives the account."""
    mock_mixpanel.faults({"match": {"path": "/track", "nth": 1}, "action": {"status": 503}})
    with running(mock_mixpanel, tmp_path) as (process, url):
        assert 200 == post(url, "A", "B")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (0, "") == (process.returncode, err)
    account = {"read": 2, "delivered": 2, "skipped": 0, "rejected": 0, "dead_lettered": 0}
    assert account == json.loads(out)
    assert ["A", "B"] == sorted(event["event"] for event in mock_mixpanel.events())


def test_an_outage_keeps_everything(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """While Mixpanel is down nothing is given up: the gateway ends, and the spool keeps it."""
    spool = ("--spool", str(tmp_path / "spool"), "--drain", "0.5")
    mock_mixpanel.faults({"match": {"path": "/track"}, "action": {"status": 503}})
    with running(mock_mixpanel, tmp_path, *spool) as (process, url):
        assert 200 == post(url, "A", "B")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (1, 0) == (process.returncode, json.loads(out)["read"])
    where = tmp_path / "spool"
    assert {"error": f"2 operations are not delivered; they stay in {where}"} == json.loads(err)
    requests.delete(f"{mock_mixpanel.url}/_mock/faults", timeout=30)
    with running(mock_mixpanel, tmp_path, "--spool", str(where)) as (process, _):
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (0, 2, "") == (process.returncode, json.loads(out)["delivered"], err)
    assert ["A", "B"] == sorted(event["event"] for event in mock_mixpanel.events(raw=True))


def test_spool_outlives_a_kill(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """What was acknowledged before a kill is delivered, once, by the next gateway."""
    spool = ("--spool", str(tmp_path / "spool"))
    down = {"match": {"path": "/track"}, "action": {"status": 503}}
    mock_mixpanel.faults(down)
    with running(mock_mixpanel, tmp_path, *spool) as (process, url):
        assert 200 == post(url, "A", "B")
        process.kill()
        process.wait()
    assert [] == mock_mixpanel.events()
    requests.delete(f"{mock_mixpanel.url}/_mock/faults", timeout=30)
    with running(mock_mixpanel, tmp_path, *spool) as (process, url):
        assert 200 == post(url, "A", "C")  # the client asks again for A
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert 0 == process.returncode, out
    assert ["A", "B", "C"] == sorted(event["event"] for event in mock_mixpanel.events(raw=True))


def test_real_hosts_are_refused(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """Without --base-url it would send to Mixpanel itself, which needs --live."""
    settings = tmp_path / "settings.json"
    settings.write_text('{"token": "T"}')
    done = subprocess.run(
        [*COMMAND, "--settings", str(settings)], capture_output=True, text=True, timeout=60
    )
    assert (2, "") == (done.returncode, done.stdout)
    assert "--live" in done.stderr
