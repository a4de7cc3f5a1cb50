"""A whole gateway whose disk is full: nothing is acknowledged that is not stored."""

import json
import resource
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from mock_mixpanel.client import MockMixpanel
from tests.translator.gateway.test_command import running

INFINITE = resource.RLIM_INFINITY
SMALL = 400 * 1024
"""Bytes of a disk that the spool fills."""

Room = Callable[[int, int], object]
"""Gives a process, by its id, so many bytes of room on its disk."""


@contextmanager
def small_file_system(folder: Path) -> Iterator[Room]:
    """A file system of a limited size; it needs the right to mount one."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("it needs the right to mount a file system")
    try:
        yield lambda _, size: subprocess.run(
            ["mount", "-o", f"remount,size={size}", str(folder)], check=True
        )
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def small_files(folder: Path) -> Iterator[Room]:
    """A limit on the size of the files that a process writes."""
    yield lambda pid, size: resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, INFINITE))


def batch(number: int) -> list[dict[str, Any]]:
    """Ten messages of 1 kB."""
    return [
        {
            "type": "track",
            "event": f"{number}-{place}",
            "userId": f"user-{place}",
            "messageId": f"{number}-{place}",
            "properties": {"pad": "x" * 1000},
        }
        for place in range(10)
    ]


@pytest.mark.parametrize("disk", [small_file_system, small_files])
def test_a_full_disk(
    mock_mixpanel: MockMixpanel, tmp_path: Path, disk: Callable[[Path], Any]
) -> None:
    """While the disk is full, calls are answered 503, and the health says why; when there is room
    again, all that was answered 200 is delivered once, without a restart and without a call."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mock_mixpanel.faults({"match": {"path": "/track"}, "action": {"status": 503}})
    acknowledged: list[str] = []
    statuses: Counter[int] = Counter()
    with (
        disk(folder) as give_room,
        running(mock_mixpanel, tmp_path, "--spool", str(folder / "spool")) as (process, url),
    ):
        give_room(process.pid, SMALL)

        def send(number: int) -> int:
            body = {"batch": batch(number)}
            status = requests.post(f"{url}/v1/batch", json=body, timeout=30).status_code
            statuses[status] += 1
            if status == 200:
                acknowledged.extend(each["event"] for each in body["batch"])
            return status

        number = 0
        while statuses[503] < 3 and number < 200:
            send(number)
            number += 1
        health = requests.get(f"{url}/healthz", timeout=30)
        codes = {each["code"] for each in health.json()["problems"]}
        assert (health.status_code, health.json()["accepting"]) == (503, False)
        assert "not_stored" in codes

        requests.delete(f"{mock_mixpanel.url}/_mock/faults", timeout=30).raise_for_status()
        give_room(process.pid, 64 * 1024 * 1024)
        again = Retrying(
            retry=retry_if_result(
                lambda found: found.status_code != 200 or found.json()["waiting"]
            ),
            wait=wait_fixed(0.1),
            stop=stop_after_delay(60),
        )
        again(requests.get, f"{url}/healthz", timeout=30)
        delivered = sorted(each["event"] for each in mock_mixpanel.events())
        assert delivered == sorted(acknowledged)
        assert send(number) == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert set(statuses) == {200, 503}
    assert json.loads(out)["delivered"] == len(acknowledged)
    assert sorted(each["event"] for each in mock_mixpanel.events()) == sorted(acknowledged)
