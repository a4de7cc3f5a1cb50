"""The commands are killed again and again, at random moments and at their end: nothing doubles.

Each purchase is an event and an increment of its person, so a double or a loss shows in a counter.
An increment that was on its way when the process was killed may be missing; then its dead letter
says that it is unknown whether it arrived. CHAOS_KILLS=100 kills each command so often.
"""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from mock_mixpanel.client import MockMixpanel
from tests.forked_process import ForkedProcess
from tests.thorough import times

ROOT = Path(__file__).parents[4]
KILLS = int(os.environ.get("CHAOS_KILLS", times(3, 12)))
PEOPLE = 40
LAST_SECONDS = 0.3
"""Every other kill is so near to the end of a run."""

SECONDS = 120.0
UNKNOWN = "unknown whether it arrived"


class Chaos:
    """A folder with settings, and processes of a command that are killed or not."""

    def __init__(self, mock: MockMixpanel, folder: Path) -> None:
        self.mock = mock
        self.folder = folder
        settings = {"token": mock.token, "people": True, "eventIncrements": ["Bought"]}
        (folder / "settings.json").write_text(json.dumps(settings))

    def start(self, *command: str) -> subprocess.Popen[str]:
        options = ("--settings", str(self.folder / "settings.json"), "--base-url", self.mock.url)
        return ForkedProcess(
            ["-m", "translator", command[0], *options, *command[1:]],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *command: str) -> tuple[dict[str, Any], float]:
        """The summary of a run to its end, and its seconds."""
        began = time.monotonic()
        out, _ = self.start(*command).communicate(timeout=SECONDS)
        summary: dict[str, Any] = json.loads(out)
        return summary, time.monotonic() - began

    def killed(self, after: float, *command: str) -> bool:
        """Run a command for so many seconds, and kill it; whether it was still there."""
        process = self.start(*command)
        try:
            process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return True
        return False

    def unknown(self) -> Counter[str]:
        """The increments of each person that may or may not have arrived."""
        found: dict[str, str] = {}
        for path in self.folder.rglob("*"):
            if path.is_file() and ("dead" in path.name) and not path.name.endswith(".spool"):
                with suppress(UnicodeDecodeError):
                    for line in path.read_text().splitlines():
                        letter = json.loads(line)
                        if UNKNOWN in letter["reason"]:
                            payload = letter["operation"]["payload"]
                            found[letter["id"]] = payload["$distinct_id"]
        return Counter(found.values())

    def check(self, expected: Counter[str]) -> None:
        """Each event is there once; each counter is right, but for what is known to be unknown."""
        events = Counter(each["distinct_id"] for each in self.mock.events())
        assert events == expected
        unknown, profiles = self.unknown(), self.mock.profiles()
        for person, count in expected.items():
            bought = profiles.get(person, {}).get("Bought", 0)
            assert count - unknown[person] <= bought <= count, (person, bought, unknown[person])


def moment(chance: random.Random, number: int, seconds: float) -> float:
    """When to kill a run that takes so many seconds."""
    if number % 2:
        return max(0.05, seconds - chance.uniform(0, LAST_SECONDS))
    return chance.uniform(0.05, seconds)


def purchases(cycle: int) -> list[dict[str, Any]]:
    """One purchase of each person, and another one of some."""
    people = [f"c{cycle}-p{number}" for number in (*range(PEOPLE), *range(PEOPLE // 4))]
    return [
        {"type": "track", "event": "Bought", "userId": who, "messageId": f"{cycle}-{number}"}
        for number, who in enumerate(people)
    ]


def lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_send(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """`send` is killed, and given again with the same input until it comes to its end."""
    chance = random.Random(1)
    chaos = Chaos(mock_mixpanel, tmp_path)
    expected: Counter[str] = Counter()
    seconds, kills, cycle = 2.0, 0, 0
    while kills < KILLS:
        cycle += 1
        messages = purchases(cycle)
        expected.update(each["userId"] for each in messages)
        name = f"in-{cycle}.jsonl"
        (tmp_path / name).write_text(lines(messages))
        command = ("send", "--spool", "spool", name)
        for attempt in range(chance.randrange(1, 4)):
            if chaos.killed(moment(chance, kills + attempt, seconds), *command):
                kills += 1
            else:
                seconds *= 0.8  # it ended before: it is faster than was thought
        summary, seconds = chaos.run(*command)
        assert summary["read"] == len(messages)
        again, _ = chaos.run(*command)
        assert again["delivered_before"] == len(messages)
        seconds = max(0.3, seconds)
    chaos.check(expected)
    print(f"send: {kills} kills, {sum(chaos.unknown().values())} unknown")


def test_resend(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """`resend` is killed, and given again until it comes to its end."""
    chance = random.Random(2)
    chaos = Chaos(mock_mixpanel, tmp_path)
    expected: Counter[str] = Counter()
    seconds, kills, cycle = 2.0, 0, 0
    while kills < KILLS:
        cycle += 1
        messages = purchases(cycle)
        expected.update(each["userId"] for each in messages)
        letters = [
            {"id": f"{cycle}-{number}", "reason": "down", "message": json.dumps(message)}
            for number, message in enumerate(messages)
        ]
        name = f"letters-{cycle}"
        (tmp_path / name).write_text(lines(letters))
        command = ("resend", "--dead-letters", "dead", name)
        for attempt in range(chance.randrange(1, 4)):
            if not any(tmp_path.glob(f"{name}*")):
                break
            if chaos.killed(moment(chance, kills + attempt, seconds), *command):
                kills += 1
            else:
                seconds *= 0.8  # it ended before: it is faster than was thought
        if (tmp_path / name).exists() or (tmp_path / f"{name}.resending").exists():
            summary, seconds = chaos.run(*command)
            assert summary["read"] == len(messages)
        assert not (tmp_path / f"{name}.resending").exists()
        seconds = max(0.3, seconds)
    chaos.check(expected)
    print(f"resend: {kills} kills, {sum(chaos.unknown().values())} unknown")


@pytest.mark.parametrize("ended", [signal.SIGTERM])
def test_gateway(mock_mixpanel: MockMixpanel, tmp_path: Path, ended: signal.Signals) -> None:
    """A gateway is killed while clients send; they send again until each call is answered."""
    chance = random.Random(3)
    chaos = Chaos(mock_mixpanel, tmp_path)
    messages = [each for cycle in range(KILLS) for each in purchases(cycle)]
    expected = Counter(each["userId"] for each in messages)
    left = list(reversed(messages))
    lock = threading.Lock()
    address = [""]
    stopped = threading.Event()

    def client() -> None:
        while not stopped.is_set():
            with lock:
                if not left:
                    return
                message = left.pop()
            body = {key: value for key, value in message.items() if key != "type"}
            while True:
                try:
                    answer = requests.post(f"{address[0]}/v1/track", json=body, timeout=5)
                    if answer.status_code == 200:
                        break
                except requests.RequestException:
                    pass
                if stopped.wait(0.05):
                    return

    def gateway() -> subprocess.Popen[str]:
        process = chaos.start("gateway", "--port", "0", "--spool", "spool", "--log-level", "error")
        assert process.stdout is not None
        address[0] = process.stdout.readline().strip()
        return process

    threads = [threading.Thread(target=client) for _ in range(4)]
    process = gateway()
    try:
        for thread in threads:
            thread.start()
        for number in range(KILLS):
            if number % 2:
                process.send_signal(ended)  # and then, while it drains, signal 9
                time.sleep(chance.uniform(0, LAST_SECONDS))
            else:
                time.sleep(chance.uniform(0.05, 1.0))
            process.kill()
            process.communicate()
            process = gateway()
        for thread in threads:
            thread.join(SECONDS)
        assert left == []
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)
    finally:
        stopped.set()
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()
        for thread in threads:
            thread.join()
    chaos.check(expected)
    print(f"gateway: {KILLS} kills, {sum(chaos.unknown().values())} unknown")
