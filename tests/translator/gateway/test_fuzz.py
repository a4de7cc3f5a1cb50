"""Random hostile requests to a gateway process: no 500, no hang, bounded memory.

The generator of `fuzz.py`, at a size for every run.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.serving.fuzz import FuzzError, run
from tests.thorough import times
from tests.translator.gateway.fuzz import GatewayFuzzer
from tests.translator.gateway.test_command import COMMAND, post

MOST_MEGABYTES = 400
"""The peak memory of a gateway; large bodies arrive in 128 MB at most."""

SETTINGS = {
    "people": True,
    "trackNamedPages": True,
    "trackCategorizedPages": True,
    "setAllTraitsByDefault": True,
    "groupIdentifierTraits": ["company", "plan"],
    "eventIncrements": ["Order Completed"],
    "propIncrements": ["value"],
}


class Running(NamedTuple):
    """A gateway process, its address, and the file of its log."""

    process: subprocess.Popen[str]
    url: str
    log: Path


OWN = (sys.executable, *COMMAND)
"""A new process: a forked one has the memory of many modules."""


@contextmanager
def gateway(mock: MockMixpanel, folder: Path, command: Sequence[str] = OWN) -> Iterator[Running]:
    """A gateway in front of the mock; it is killed when the block ends."""
    settings, log = folder / "settings.json", folder / "log"
    settings.write_text(json.dumps({"token": mock.token, **SETTINGS}))
    options = ("--settings", str(settings), "--base-url", mock.url, "--drain", "5")
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*command, *options, "--spool", str(folder / "spool")],
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )
    try:
        assert process.stdout is not None
        yield Running(process, process.stdout.readline().strip(), log)
    finally:
        process.kill()
        process.communicate(timeout=30)


def peak_megabytes(pid: int) -> int:
    """The largest memory that a process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def defects(log: Path) -> list[dict[str, Any]]:
    """The lines of a log that tell of a defect; a line that is not JSON fails."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in lines if line.get("event") == "defect" or "exception" in line]


@pytest.mark.parametrize("seed", range(1, 1 + times(1, 12)))
def test_gateway(mock_mixpanel: MockMixpanel, tmp_path: Path, seed: int) -> None:
    """A gateway answers every request, delivers the next event, and logs no defect."""
    with gateway(mock_mixpanel, tmp_path) as (process, url, log):
        statuses = run(url, 500, seed, fuzzer=GatewayFuzzer)
        assert post(url, f"After {seed}") == 200
        peak = peak_megabytes(process.pid)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert {200, 400, 404, 405} <= set(statuses)
    assert peak < MOST_MEGABYTES
    assert defects(log) == []
    events = [event["event"] for event in mock_mixpanel.events()]
    assert events.count(f"After {seed}") == 1


BROKEN = """
from translator.core.values import timestamps
from translator.gateway.messages import calls
from translator.cli import main

def parse(value):
    return timestamps.parse(value) if value is None or isinstance(value, str) else 1 // 0

calls.parse = parse
main()
"""
"""A gateway that fails on times that are not text."""


def test_a_defect_is_found(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """A gateway that fails on certain times is caught, by its response and by its log."""
    command = [sys.executable, "-c", BROKEN, "gateway", "--port", "0"]
    with gateway(mock_mixpanel, tmp_path, command) as (_, url, log):
        with pytest.raises(FuzzError, match="500 after"):
            run(url, 500, seed=1, fuzzer=GatewayFuzzer)
        [defect] = defects(log)
        assert defect["event"] == "defect"


def test_same_seed() -> None:
    """The same seed makes the same requests, so that a failure can be repeated."""
    first, again = (list(GatewayFuzzer(7).requests(40)) for _ in range(2))
    assert [request.method for request in first] == [request.method for request in again]
    assert len({request.sent for request in first}) > 30
