"""What comes in by a pipe is delivered when it comes, however late the next line is."""

import json
import queue
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from mock_mixpanel.client import MockMixpanel
from translator.sender.arriving import Arriving, Given

SECONDS = 60


class Pipe:
    """Pieces of an input as a test lets them come."""

    def __init__(self) -> None:
        self.pieces: queue.Queue[Sequence[bytes] | Exception | None] = queue.Queue()
        self.calls: queue.Queue[None] = queue.Queue()
        self.lines = Arriving(self._read(), lambda: self.calls.put(None))

    def _read(self) -> Iterator[Sequence[bytes]]:
        while piece := self.pieces.get():
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def bring(self, piece: Sequence[bytes] | Exception | None) -> None:
        """Let it come, and wait until its taker has been woken."""
        self.pieces.put(piece)
        self.calls.get(timeout=SECONDS)


def test_there_may_be_none_now() -> None:
    """What is there is given at once; when there is no more, that is said once all is taken."""
    pipe = Pipe()
    assert [] == pipe.lines.take(10)
    pipe.bring([b"1", b"2"])
    pipe.bring([b"3"])
    assert [b"1", b"2", b"3"] == pipe.lines.take(10)
    assert [] == pipe.lines.take(10)
    pipe.bring([b"4"])
    pipe.bring(None)
    assert [b"4"] == pipe.lines.take(10)
    assert [None, None] == [pipe.lines.take(10), pipe.lines.take(10)]


def test_no_more_than_there_is_room_for() -> None:
    """Pieces are given whole, and only until there are enough lines."""
    pipe = Pipe()
    for piece in ([b"1", b"2"], [b"3", b"4"], [b"5"]):
        pipe.bring(piece)
    assert [b"1", b"2", b"3", b"4"] == pipe.lines.take(3)
    assert [b"5"] == pipe.lines.take(3)


def test_a_failure_comes_after_the_lines_before_it() -> None:
    """What was read before reading failed is not lost."""
    pipe = Pipe()
    pipe.bring([b"1"])
    pipe.bring(OSError("gone"))
    assert [b"1"] == pipe.lines.take(10)
    with pytest.raises(OSError, match="gone"):
        pipe.lines.take(10)


def test_lines_that_are_all_there() -> None:
    """A list is given in parts."""
    given = Given([b"1", b"2", b"3"])
    assert [[b"1", b"2"], [b"3"], None] == [given.take(2) for _ in range(3)]


@retry(
    retry=retry_if_result(lambda found: not found),
    stop=stop_after_delay(SECONDS),
    wait=wait_fixed(0.05),
)
def arrived(mock: MockMixpanel, name: str) -> list[Any]:
    """The events of a name, once there are any."""
    return [each for each in mock.events() if each["event"] == name]


def test_a_slow_producer(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """Each line of a pipe is delivered before the next one comes, a retry included."""
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"token": mock_mixpanel.token}))
    refused = {"status": 429, "headers": {"Retry-After": "0"}}
    mock_mixpanel.faults({"match": {"path": "/track", "times": 1}, "action": refused})
    options = ["--settings", str(settings), "--base-url", mock_mixpanel.url]
    command = [sys.executable, "-m", "translator", "send", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin
        assert process.stdout
        for name in ("First", "Second"):
            message = {"type": "track", "event": name, "userId": "ann", "messageId": name}
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
            assert 1 == len(arrived(mock_mixpanel, name))
        process.stdin.close()
        summary = json.loads(process.stdout.read())
    assert (2, 2) == (summary["read"], summary["delivered"])
    assert 0 == process.returncode
