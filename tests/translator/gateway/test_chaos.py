"""A gateway that is killed again and again loses and doubles nothing that it acknowledged.

The counter is the proof: every message moves one on the profile of its person, and a second
delivery would move it twice. CHAOS_SEEDS=20 makes it 120 kills in place of 6.
"""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests

from mock_mixpanel.client import MockMixpanel
from tests.forked_process import ForkedProcess
from tests.thorough import times

KILLS = 5
SEEDS = range(int(os.environ.get("CHAOS_SEEDS", times(1, 10))))
PEOPLE = 5
LONGEST_LIFE = 0.8
"""A kill comes so many seconds after a gateway listens, at most; half of them far earlier."""

FAULTS: list[dict[str, Any]] = [
    {"status": 503},
    {"status": 429, "headers": {"Retry-After": "0"}},
    {"close": "before"},
    {"store_then": {"close": "before"}},
    {"store_then": {"status": 500}},
    {"delay": 0.05},
]


class Clients:
    """Clients that send each message again until it is acknowledged, as Segment's SDKs do."""

    def __init__(self) -> None:
        self.url = ""
        self.acknowledged: set[str] = set()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(PEOPLE)]

    def start(self) -> None:
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        """Send nothing new, and wait until all that was begun is acknowledged."""
        self._stopped.set()
        for each in self._threads:
            each.join()

    def _send(self, person: int) -> None:
        number = 0
        while not self._stopped.is_set():
            batch = [self._message(person, number + place) for place in range(1 + person)]
            number += len(batch)
            while not self._acknowledged({"batch": batch}):
                time.sleep(0.01)
            with self._lock:
                self.acknowledged |= {each["messageId"] for each in batch}

    def _message(self, person: int, number: int) -> dict[str, Any]:
        return {
            "type": "track",
            "event": "Bought",
            "userId": f"user-{person}",
            "messageId": f"{person}-{number}",
        }

    def _acknowledged(self, body: dict[str, Any]) -> bool:
        try:
            # The retries of a client differ in what its transport adds.
            sent = {**body, "sentAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
            return requests.post(f"{self.url}/v1/batch", json=sent, timeout=30).status_code == 200
        except requests.RequestException:
            return False


def started(folder: Path, mock: MockMixpanel) -> tuple[subprocess.Popen[str], str]:
    process = ForkedProcess(
        [
            *("-m", "translator", "gateway", "--port", "0", "--drain", "60"),
            *("--settings", "settings.json", "--base-url", mock.url, "--spool", "spool"),
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_again_and_again(mock_mixpanel: MockMixpanel, tmp_path: Path, seed: int) -> None:
    """Each acknowledged message is there once, and each increment once or as a dead letter."""
    chance = random.Random(seed)
    settings = {"token": mock_mixpanel.token, "people": True, "eventIncrements": ["Bought"]}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    mock_mixpanel.faults(
        *(
            {"match": {"probability": 0.03, "seed": seed * 100 + number}, "action": action}
            for number, action in enumerate(FAULTS)
        )
    )
    clients = Clients()
    process, clients.url = started(tmp_path, mock_mixpanel)
    clients.start()
    for _ in range(KILLS):
        time.sleep(chance.choice([LONGEST_LIFE, 0.1]) * chance.random())
        process.kill()
        process.communicate()
        process, clients.url = started(tmp_path, mock_mixpanel)
    clients.stop()
    requests.delete(f"{mock_mixpanel.url}/_mock/faults", timeout=30).raise_for_status()
    # The last moments: told to end, and killed within the 300 ms in which it does.
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3 * chance.random())
    process.kill()
    process.communicate()
    process, _ = started(tmp_path, mock_mixpanel)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)

    events = Counter(each["insert_id"] for each in mock_mixpanel.events())
    assert sum(events.values()) == len(clients.acknowledged)
    dead = dead_letters(tmp_path)
    assert {each["endpoint"] for each in dead} <= {"/engage"}
    unknown = Counter(each["operation"]["payload"]["$distinct_id"] for each in dead)
    sent = Counter(f"user-{each.partition('-')[0]}" for each in clients.acknowledged)
    counted = {who: each.get("Bought", 0) for who, each in mock_mixpanel.profiles().items()}
    for who, count in sent.items():
        assert count - unknown[who] <= counted.get(who, 0) <= count


def dead_letters(folder: Path) -> list[dict[str, Any]]:
    """The dead letters, each once."""
    path = folder / "spool.dead"
    lines = path.read_text().splitlines() if path.exists() else []
    return list({each["id"]: each for each in map(json.loads, lines)}.values())
