"""A sender that is killed again and again, under faults of all kinds, loses and doubles nothing."""

import json
import random
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from mock_mixpanel.client import MockMixpanel
from tests.forked_process import run_command
from tests.thorough import times
from translator.sender import DeliveryStatus

KILLS = 5
SEEDS = range(times(2, 20))
AT_LEAST = 4
"""Of the kills of a test, since a run may end before."""

PEOPLE = 6
MOMENTS = 130
"""A kill comes so many moments after a start at most; the whole work has some 600."""

FAULTS: list[dict[str, Any]] = [
    {"status": 503},
    {"status": 502},
    {"status": 500},
    {"status": 429, "headers": {"Retry-After": "0"}},
    {"status0": "a temporary failure occurred"},
    {"close": "before"},
    {"close": "during"},
    {"close": "after"},
    {"truncate": 5},
    {"garbage": 40},
    {"delay": 0.05},
    {"store_then": {"close": "before"}},
    {"store_then": {"close": "during"}},
    {"store_then": {"status": 500}},
    {"store_then": {"garbage": 40}},
]


def messages() -> list[dict[str, Any]]:
    """Calls of several people, interleaved, of every kind; the last value of a trait must win."""
    found: list[dict[str, Any]] = []
    for person in range(PEOPLE):
        who, before = f"user-{person}", f"device-{person}"
        found.append({"type": "identify", "anonymousId": before, "traits": {"step": -1}})
        found.append({"type": "alias", "previousId": before, "userId": who})
    for step in range(12):
        for person in range(PEOPLE):
            who = f"user-{person}"
            found.append({"type": "track", "userId": who, "event": f"Step {step}"})
            found.append({"type": "identify", "userId": who, "traits": {"step": step}})
            if step % 4 == person % 4:
                found.append({"type": "track", "userId": who, "event": "Bought"})
                tags = {"tags": [f"tag {step}"]}
                found.append({"type": "identify", "userId": who, "traits": tags})
                group = {"company": "acme", "step": step * PEOPLE + person}
                found.append({"type": "group", "userId": who, "groupId": "g", "traits": group})
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    for number, each in enumerate(found):
        each["messageId"] = f"m-{number}"
        if each["type"] == "identify" or number % 2:
            each["timestamp"] = (start + timedelta(seconds=number)).isoformat()
    return found


class Chaos:
    """A folder with messages, a project of the mock, and runs that are killed or not."""

    def __init__(self, mock: MockMixpanel, folder: Path) -> None:
        self.mock = mock
        # The child finds the project's token in the folder's name.
        self.folder = folder / mock.token
        self.folder.mkdir()
        self.messages = messages()
        lines = "".join(json.dumps(message) + "\n" for message in self.messages)
        (self.folder / "messages.jsonl").write_text(lines)

    def run(self, kill_at: int = 0) -> dict[str, Any] | None:
        """The summary of a run, or None if it was killed."""
        child = ("-m", "tests.translator.sender.chaos_child")
        done = run_command(
            [*child, self.folder, self.mock.url, str(kill_at)], capture_output=True, text=True
        )
        if done.returncode == -signal.SIGKILL:
            return None
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def dead(self, name: str = "dead.jsonl") -> list[dict[str, Any]]:
        """The dead letters, each once."""
        path = self.folder / name
        lines = path.read_text().splitlines() if path.exists() else []
        return list({each["id"]: each for each in map(json.loads, lines)}.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_again_and_again(mock_mixpanel: MockMixpanel, tmp_path: Path, seed: int) -> None:
    """In the end each event is there once, each profile is right, and the account adds up."""
    chance = random.Random(seed)
    mock_mixpanel.project(secret="secret", alias_delay=0.2)
    chaos = Chaos(mock_mixpanel, tmp_path)
    mock_mixpanel.faults(
        *(
            {"match": {"probability": 0.02, "seed": seed * 100 + number}, "action": action}
            for number, action in enumerate(FAULTS)
        ),
        {"match": {"path": "/engage", "probability": 0.1}, "action": {"status": 413}},
    )

    kills = 0
    while kills < KILLS:
        summary = chaos.run(chance.randrange(1, MOMENTS))
        if summary is None:
            kills += 1
        else:
            # It came to its end before: the spool is empty, and another input begins.
            break
    if kills == KILLS:
        summary = chaos.run()
    assert summary is not None
    total = len(chaos.messages)
    assert total == summary["read"] == sum(summary[status] for status in DeliveryStatus)
    assert summary["rejected"] == 0

    # What came to nothing through trouble alone is sent again; what may have arrived is not.
    dead = chaos.dead()
    unknown = [each for each in dead if each["reason"].find("unknown whether it arrived") >= 0]
    again = [each for each in dead if each not in unknown]
    requests.delete(f"{mock_mixpanel.url}/_mock/faults").raise_for_status()
    (chaos.folder / "again.jsonl").write_text("".join(json.dumps(each) + "\n" for each in again))
    resent = chaos.run()
    assert resent is not None
    assert (len(again), len(again)) == (resent["read"], resent["delivered"])

    check(chaos, unknown, groups=not any(each["endpoint"] == "/groups" for each in again))
    assert kills >= AT_LEAST


def check(chaos: Chaos, unknown: list[dict[str, Any]], *, groups: bool) -> None:
    """Everything that is in the mock is right; groups only if none was sent out of its order.

    A profile update carries its time, so Mixpanel keeps the order; one of a group carries none.
    """
    mock = chaos.mock
    events = Counter((each["event"], each["distinct_id"]) for each in mock.events())
    expected = Counter(
        (message["event"], message["userId"].replace("user", "device"))
        for message in chaos.messages
        if message["type"] == "track"
    )
    tracked = Counter({key: n for key, n in events.items() if key[0] != "$create_alias"})
    assert tracked == expected
    assert mock.identities()["split_profiles"] == []

    unsure = Counter(
        each["operation"]["payload"]["$distinct_id"].replace("user", "device") for each in unknown
    )
    profiles = mock.profiles()
    assert {f"device-{person}" for person in range(PEOPLE)} == set(profiles)
    for who, profile in profiles.items():
        assert profile["step"] == 11
        steps = [step for step in range(12) if step % 4 == int(who[-1]) % 4]
        assert {f"tag {step}" for step in steps} == set(profile["tags"])
        bought = profile.get("Bought", 0)
        assert len(steps) - unsure[who] <= bought <= len(steps)
    last = max(each["traits"]["step"] for each in chaos.messages if each["type"] == "group")
    assert not groups or last == mock.groups()["company"]["acme"]["step"]
