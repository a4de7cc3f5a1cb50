"""The lines of a pipe are delivered when they arrive, however late the next line is."""

import json
import queue
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from mock_mixpanel.client import MockMixpanel
from tests.forked_process import ForkedProcess
from translator.sender.books.spool import Spool
from translator.sender.commands.stdin_reader import Arriving, ReadyLines
from translator.sender.http.transport import TIMEOUT_SECONDS

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
    """Available lines come at once; the end is reported after all lines."""
    pipe = Pipe()
    assert pipe.lines.take(10) == []
    pipe.bring([b"1", b"2"])
    pipe.bring([b"3"])
    assert pipe.lines.take(10) == [b"1", b"2", b"3"]
    assert pipe.lines.take(10) == []
    pipe.bring([b"4"])
    pipe.bring(None)
    assert pipe.lines.take(10) == [b"4"]
    assert [pipe.lines.take(10), pipe.lines.take(10)] == [None, None]


def test_no_more_than_there_is_room_for() -> None:
    """Pieces are given whole, and only until there are enough lines."""
    pipe = Pipe()
    for piece in ([b"1", b"2"], [b"3", b"4"], [b"5"]):
        pipe.bring(piece)
    assert pipe.lines.take(3) == [b"1", b"2", b"3", b"4"]
    assert pipe.lines.take(3) == [b"5"]


def test_a_failure_comes_after_the_lines_before_it() -> None:
    """What was read before reading failed is not lost."""
    pipe = Pipe()
    pipe.bring([b"1"])
    pipe.bring(OSError("gone"))
    assert pipe.lines.take(10) == [b"1"]
    with pytest.raises(OSError, match="gone"):
        pipe.lines.take(10)


def test_lines_that_are_all_there() -> None:
    """A list is given in parts."""
    given = ReadyLines([b"1", b"2", b"3"])
    assert [given.take(2) for _ in range(3)] == [[b"1", b"2"], [b"3"], None]


@retry(
    retry=retry_if_result(lambda found: not found),
    stop=stop_after_delay(SECONDS),
    wait=wait_fixed(0.05),
)
def arrived(mock: MockMixpanel, name: str) -> list[Any]:
    """The events of a name, once there are any."""
    return [each for each in mock.events() if each["event"] == name]


def message(name: str) -> bytes:
    """A line of input."""
    said = {"type": "track", "event": name, "userId": "ann", "messageId": name}
    return json.dumps(said).encode() + b"\n"


def sending(settings: Path, token: str, url: str) -> list[str]:
    """The command that delivers its input."""
    settings.write_text(json.dumps({"token": token}))
    options = ["--settings", str(settings), "--base-url", url]
    return ["-m", "translator", "send", *options]


def test_half_a_line_keeps_none_before_it(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """A producer that writes whole blocks ends one amid a line; those before it are delivered."""
    command = sending(tmp_path / "settings.json", mock_mixpanel.token, mock_mixpanel.url)
    with ForkedProcess(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        second = message("Second")
        process.stdin.write(message("First") + second[:9])
        process.stdin.flush()
        assert len(arrived(mock_mixpanel, "First")) == 1
        process.stdin.write(second[9:])
        process.stdin.close()
        assert json.loads(process.stdout.read())["delivered"] == 2


def test_an_interruption_waits_for_no_answer(tmp_path: Path) -> None:
    """Ctrl-C ends it during a request, without a traceback; the spool keeps the operations."""
    spool = tmp_path / "spool"
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        command = [*sending(tmp_path / "settings.json", "T", url), "--spool", str(spool)]
        with ForkedProcess(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdin
            process.stdin.write(message("A"))
            process.stdin.flush()
            kept, _ = mute.accept()
            process.send_signal(signal.SIGINT)
            # Less than the time-out of the request, which would be waited for.
            assert process.wait(TIMEOUT_SECONDS[1] / 2) == 130
            assert process.stderr
            assert process.stderr.read() == b"\nAborted!\n"
        kept.close()
    with Spool(spool) as left:
        assert (left.waiting(), left.interrupted) == (1, True)


def test_a_pipe_that_does_not_wait(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """Nothing yet is not the end, also where the one who started it set the pipe not to wait."""
    command = sending(tmp_path / "settings.json", mock_mixpanel.token, mock_mixpanel.url)
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    with ForkedProcess(command, stdin=theirs.fileno(), stdout=subprocess.PIPE) as process, ours:
        theirs.close()
        for name in ("First", "Second"):
            ours.sendall(message(name))
            assert len(arrived(mock_mixpanel, name)) == 1
        ours.close()
        assert process.stdout
        assert json.loads(process.stdout.read())["delivered"] == 2


def test_an_error_stream_that_nobody_reads(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """When its reader is gone, losses are still counted, and the rest is delivered."""
    command = sending(tmp_path / "settings.json", mock_mixpanel.token, mock_mixpanel.url)
    with ForkedProcess(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr
        process.stderr.close()
        out, _ = process.communicate(b"bad\n" + message("A") + b"bad\n", timeout=SECONDS)
    summary = json.loads(out)
    assert tuple(map(summary.get, ("read", "delivered", "rejected"))) == (3, 1, 2)


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-"])
def test_closed_streams(mock_mixpanel: MockMixpanel, tmp_path: Path, closed: str) -> None:
    """Who closes a stream of the command gets the others, and everything is delivered."""
    command = sending(tmp_path / "settings.json", mock_mixpanel.token, mock_mixpanel.url)
    done = subprocess.run(
        [
            *("/bin/sh", "-c", f'exec "$@" {closed}', "sh"),
            *(sys.executable, *command, "--log-level", "info"),
        ],
        input=message("A") + b"bad\n",
        capture_output=True,
        timeout=SECONDS,
    )
    count = 0 if closed.startswith("0") else 1
    summary = {"read": 2 * count, "delivered": count, "skipped": 0, "rejected": count}
    codes = {"codes": {"not_json": 1}} if count else {}
    said = [] if closed.startswith("1") else [{**summary, "dead_lettered": 0, **codes}]
    assert [json.loads(line) for line in done.stdout.splitlines()] == said
    assert closed.startswith("2") is (done.stderr == b"")
    assert (done.returncode, len(mock_mixpanel.events())) == (count, count)


def test_a_slow_producer(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """Each line of a pipe is delivered before the next one comes, a retry included."""
    refused = {"status": 429, "headers": {"Retry-After": "0"}}
    mock_mixpanel.faults({"match": {"path": "/track", "times": 1}, "action": refused})
    command = sending(tmp_path / "settings.json", mock_mixpanel.token, mock_mixpanel.url)
    with ForkedProcess(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin
        assert process.stdout
        for name in ("First", "Second"):
            process.stdin.write(message(name))
            process.stdin.flush()
            assert len(arrived(mock_mixpanel, name)) == 1
        process.stdin.close()
        summary = json.loads(process.stdout.read())
    assert (summary["read"], summary["delivered"]) == (2, 2)
    assert process.returncode == 0
