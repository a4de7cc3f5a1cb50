"""A full disk: results are kept, nothing is acknowledged that is not stored, and it goes on."""

import json
import os
import resource
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from tests.command import run_here
from tests.forked_process import ForkedProcess, run_command
from tests.translator.sender.build import NOW, US, event, recorded_retry, update
from tests.translator.sender.stub import Reply, Stub
from translator.cli import main
from translator.core.operations import Failure, Result
from translator.sender import RetryPolicy, Sender, run_send
from translator.sender.books.dead_letters import DeadLetters
from translator.sender.books.spool import Spool
from translator.sender.books.storage import StorageError
from translator.sender.books.storage_retries import PATIENCE_SECONDS

ROOT = Path(__file__).parents[4]
SECONDS = 30.0


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process can grow, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Send:
    """One run of `send` with a spool, in which the disk is full from the start."""

    def __init__(
        self,
        folder: Path,
        stub: Stub,
        result: Result,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        sleeps: list[float] = []
        out, err = StringIO(), StringIO()

        def slept(seconds: float) -> None:
            sleeps.append(seconds)
            if sleep is not None:
                sleep(seconds)

        retry = RetryPolicy(sleep=slept, jitter=lambda: 0.5, clock=lambda: sum(sleeps))
        dead = DeadLetters(folder / "dead")
        with (
            Spool(folder / "spool") as spool,
            Sender({US: stub.url}, retry=retry, now=lambda: NOW) as sender,
            full_disk(),
        ):
            self.code = run_send(
                *([b"1"], lambda line: result, sender, US),
                out=out,
                err=err,
                spool=spool,
                dead_letters=dead,
            )
        self.sleeps = sleeps
        self.summary: dict[str, Any] = json.loads(out.getvalue())


def test_send_ends_with_its_summary(tmp_path: Path, stub: Stub) -> None:
    """What cannot be stored is not sent; the command says why, and the next run delivers it."""
    result = Result("m", (update("ann", "$add", {"n": 1}),))
    run = Send(tmp_path, stub, result)
    assert run.code == 1
    assert "cannot write to the spool" in run.summary["error"]
    assert (run.summary["read"], run.summary["waiting"]) == (0, 0)
    assert sum(run.sleeps) == PATIENCE_SECONDS
    assert stub.received == []


def test_send_goes_on_when_there_is_room(tmp_path: Path, stub: Stub) -> None:
    """Room within the patience of the command is enough."""

    def make_room(seconds: float) -> None:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits[1], limits[1]))

    run = Send(tmp_path, stub, Result("m", (event("A"),)), make_room)
    assert (run.code, run.summary["delivered"]) == (0, 1)
    assert run.sleeps == [1.0]


def test_dead_letters_wait_in_the_spool(tmp_path: Path, stub: Stub) -> None:
    """While their file takes nothing they stay in the spool, and the next run writes them."""
    out, err = StringIO(), StringIO()
    bad = Result("m", error=Failure("missing_id", "no id"))

    class Full(DeadLetters):
        def append(self, lines: Any) -> None:
            raise StorageError("cannot write dead letters")

    def run(dead: DeadLetters, *lines: bytes) -> int:
        with (
            Spool(tmp_path / "spool") as spool,
            Sender({US: stub.url}, retry=recorded_retry([]), now=lambda: NOW) as sender,
        ):
            return run_send(
                lines, lambda _: bad, sender, US, out=out, err=err, spool=spool, dead_letters=dead
            )

    assert run(Full(tmp_path / "dead"), b"1") == 1
    assert not (tmp_path / "dead").exists()
    assert run(DeadLetters(tmp_path / "dead"), b"1") == 1
    [line] = (tmp_path / "dead").read_text().splitlines()
    assert json.loads(line)["reason"] == "no id"


def test_a_half_written_line_is_taken_back(tmp_path: Path) -> None:
    """A dead letter that does not fit leaves the file as it was, and the next one is whole."""
    path = tmp_path / "dead"
    dead = DeadLetters(path)
    dead.append([b'{"a":1}'])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12, before[1]))
    try:
        with pytest.raises(StorageError):
            dead.append([b'{"b":2}'])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    dead.append([b'{"c":3}'])
    assert path.read_bytes() == b'{"a":1}\n{"c":3}\n'


def test_a_cut_last_line_spoils_no_other(tmp_path: Path) -> None:
    """A letter that is appended to a line without its end begins a line of its own."""
    path = tmp_path / "dead"
    path.write_bytes(b'{"a":1}\n{"b"')
    DeadLetters(path).append([b'{"c":3}'])
    assert path.read_bytes() == b'{"a":1}\n{"b"\n{"c":3}\n'


@pytest.mark.parametrize("command", ["send", "resend"])
def test_the_commands(tmp_path: Path, stub: Stub, command: str) -> None:
    """On a full disk a command prints its account, and no traceback; with room all is sent once."""
    add = {"id": "1", "operation": update("ann", "$add", {"n": 1})._asdict()}
    track = {"type": "track", "userId": "ann", "event": "E", "messageId": "m"}
    (tmp_path / "in").write_text(json.dumps(track if command == "send" else add) + "\n")
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    given = ["--spool", "spool", "in"] if command == "send" else ["in"]
    program = "import resource, sys, signal\nfrom translator.cli import main\n" + (
        "from translator.sender.books.spool import Spool\noriginal = Spool.add\n"
        "def add(*a):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))\n"
        "    return original(*a)\n"
        "if sys.argv.pop(1) == 'full': Spool.add = add\n"
        "main()"
    )

    def run(disk: str) -> subprocess.CompletedProcess[str]:
        return run_command(
            [
                *("-c", program, disk, command, "--settings", "settings.json"),
                *("--base-url", stub.url, *given),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    full = run("full")
    assert (full.returncode, "Traceback" in full.stderr) == (1, False)
    assert "error" in json.loads(full.stdout)
    assert stub.received == []
    assert run("room").returncode == 0
    assert len(stub.received) == 1


def test_a_gateway(tmp_path: Path, stub: Stub) -> None:
    """Calls are refused while they cannot be stored, and delivery goes on when there is room."""
    stub.script = [Reply(503, headers={"Retry-After": "1"})]
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    command = [
        *("-m", "translator", "gateway", "--settings", "settings.json"),
        *("--base-url", stub.url, "--port", "0", "--spool", "spool", "--workers", "1"),
    ]
    process = ForkedProcess(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        infinite = resource.RLIM_INFINITY

        def call(name: str) -> int:
            message = {"userId": name, "event": name, "messageId": name}
            return requests.post(f"{url}/v1/track", json=message, timeout=SECONDS).status_code

        assert call("before") == 200
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, infinite))
        assert call("full") == 503
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (infinite, infinite))
        again = Retrying(
            retry=retry_if_result(lambda status: status != 200),
            wait=wait_fixed(0.1),
            stop=stop_after_delay(SECONDS),
        )
        assert again(call, "full") == 200
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=SECONDS)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()
    assert json.loads(out)["delivered"] == 2
    assert sorted({name for names in stub.names() for name in names}) == ["before", "full"]


def test_files_are_private(tmp_path: Path, stub: Stub) -> None:
    """Spool, write-ahead log and dead letters can be read by their owner alone, old ones too."""
    for name in ("spool", "dead"):
        (tmp_path / name).touch(mode=0o644)
    modes: set[int] = set()
    old = os.umask(0)
    try:
        with Spool(tmp_path / "spool"), Spool(tmp_path / "new"):
            for name in ("dead", "fresh"):
                DeadLetters(tmp_path / name).append([b"{}"])
            modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
            names = {path.name for path in tmp_path.iterdir()}
    finally:
        os.umask(old)
    assert {"spool", "spool-wal", "new", "dead", "fresh"} <= names
    assert modes == {0o600}


def test_outputs_are_opened_first(tmp_path: Path, stub: Stub) -> None:
    """A file of dead letters that cannot be written is wrong usage, and nothing is sent."""
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    (tmp_path / "in").write_text('{"type": "track", "userId": "u", "event": "E"}\nbad\n')
    for path in ("no/such/folder/x.jsonl", "settings.json/x"):
        options = ("--base-url", stub.url, "--dead-letters", path, "in")
        command = ("send", "--settings", "settings.json", *options)
        done = run_here(main, *command, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"Error: cannot write dead letters to {path}: ")
    command = (*command[:-3], "--spool", "no/such/spool", "in")
    done = run_here(main, *command, cwd=tmp_path)
    problem = "--spool no/such/spool: there is no folder no/such; make it first"
    assert (done.returncode, done.stderr) == (2, f"Error: {problem}\n")
    assert stub.received == []
