"""Dead letters: each has an id of its own, and each is sent again or still there."""

import json
import signal
import subprocess
import tempfile
import threading
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command import run_here
from tests.forked_process import ForkedProcess
from tests.thorough import times
from tests.translator.sender.build import NOW, US, event, recorded_retry
from tests.translator.sender.stub import Reply, Stub, running_stub
from translator.cli import main
from translator.core.operations import Failure, Result
from translator.sender import Sender, run_send
from translator.sender.books.dead_letters import DeadLetters, claim, unique
from translator.sender.books.spool import Spool

ROOT = Path(__file__).parents[4]
SECONDS = 60.0


class Crash(BaseException):
    """The process is gone."""


class CrashingDeadLetters(DeadLetters):
    """The process is gone before or after dead letters are appended."""

    def __init__(self, path: Path, *, after: bool) -> None:
        super().__init__(path)
        self._after = after

    def append(self, lines: Any) -> None:
        if self._after:
            super().append(lines)
        raise Crash


def translated(line: bytes) -> Result:
    """A line is bad, or an event that Mixpanel refuses."""
    if line.startswith(b"bad"):
        return Result(line.decode(), error=Failure("missing_id", "no id"))
    return Result(line.decode(), (event(line.decode(), distinct_id=line.decode()),))


inputs = st.lists(st.sampled_from([b"bad a", b"bad b", b"refused"]), min_size=1, max_size=4)
runs = st.lists(
    st.tuples(inputs, st.sampled_from([None, "before", "after"])), min_size=1, max_size=4
)


@given(runs)
@settings(max_examples=times(12, 100), deadline=None)
def test_any_mix_of_runs_inputs_and_restarts(mix: list[tuple[list[bytes], str | None]]) -> None:
    """With one spool, each bad line of each input has exactly one dead letter for `resend`."""
    with tempfile.TemporaryDirectory() as name, running_stub() as stub:
        folder = Path(name)
        stub.script = [Reply(401, b'{"error": "no"}')] * 1000
        expected: Counter[str] = Counter()
        last: list[bytes] | None = None

        def run(lines: list[bytes], dead: DeadLetters) -> None:
            with (
                Spool(folder / "spool") as spool,
                Sender({US: stub.url}, retry=recorded_retry([]), now=lambda: NOW) as sender,
            ):
                run_send(
                    *(lines, translated, sender, US),
                    out=StringIO(),
                    err=StringIO(),
                    spool=spool,
                    dead_letters=dead,
                )

        for lines, crash in mix:
            if lines == last:
                continue  # the same input again is not delivered again
            if crash is not None:
                with pytest.raises(Crash):
                    run(lines, CrashingDeadLetters(folder / "dead", after=crash == "after"))
            run(lines, DeadLetters(folder / "dead"))
            grown = last is not None and lines[: len(last)] == last
            new = lines[len(last) :] if grown and last is not None else lines
            expected.update(line.decode() for line in new)
            last = lines
        found = [json.loads(line) for line in unique((folder / "dead").read_bytes().splitlines())]
        assert Counter(letter["messageId"] for letter in found) == expected
        assert len({letter["id"] for letter in found}) == len(found)


def test_two_bad_files(tmp_path: Path, stub: Stub) -> None:
    """Two inputs with one spool have two dead letters, and `resend` reads both."""
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    options = ("--spool", "spool", "--dead-letters", "dead")
    for name in ("one", "two"):
        (tmp_path / name).write_text(json.dumps({"type": "track", "messageId": name}) + "\n")
        assert command(tmp_path, stub, "send", *options, name)[0] == 1
    code, summary = command(tmp_path, stub, "resend", "dead")
    assert (code, summary["read"], summary["rejected"]) == (1, 2, 2)
    assert len((tmp_path / "dead").read_text().splitlines()) == 2


def command(folder: Path, stub: Stub, name: str, *options: str) -> tuple[int, Any]:
    """The exit code and the summary of a command."""
    to_stub = ("--settings", "settings.json", "--base-url", stub.url)
    done = run_here(main, name, *to_stub, *options, cwd=folder)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_resend_beside_a_running_gateway(tmp_path: Path, stub: Stub) -> None:
    """What a gateway cannot translate before, during and after `resend` is still there."""
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    gateway = ForkedProcess(
        [
            *("-m", "translator", "gateway", "--settings", "settings.json"),
            *("--base-url", stub.url, "--port", "0", "--spool", "spool"),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert gateway.stdout is not None
        url = gateway.stdout.readline().strip()
        sent: list[str] = []
        ended = threading.Event()

        def call() -> None:
            message_id = f"m-{len(sent)}"
            bad = {"userId": "u", "messageId": message_id}
            assert requests.post(f"{url}/v1/track", json=bad, timeout=SECONDS).status_code == 200
            sent.append(message_id)

        def calls() -> None:
            while not ended.is_set():
                call()

        call()
        thread = threading.Thread(target=calls)
        thread.start()
        try:
            for _ in range(2):
                assert command(tmp_path, stub, "resend", "spool.dead")[0] == 1
        finally:
            ended.set()
            thread.join()
        call()
        gateway.send_signal(signal.SIGTERM)
        gateway.communicate(timeout=SECONDS)
    finally:
        gateway.kill()
        gateway.communicate()
    letters = [json.loads(line) for line in (tmp_path / "spool.dead").read_text().splitlines()]
    kept = Counter(json.loads(letter["message"])["messageId"] for letter in letters)
    assert kept == Counter(sent)


def test_claimed_while_others_write(tmp_path: Path) -> None:
    """However a claim falls between appends, each line is in exactly one of the files."""
    path = tmp_path / "dead"

    def write(writer: int) -> None:
        dead = DeadLetters(path)
        for number in range(100):
            dead.append([b"%d %d" % (writer, number)])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
    for thread in threads:
        thread.start()
    claims = 0
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            claim(path, tmp_path / f"claimed-{claims}")
            claims += 1
    for thread in threads:
        thread.join()
    found = [line for each in tmp_path.iterdir() for line in each.read_bytes().splitlines()]
    assert sorted(found) == sorted(b"%d %d" % (w, n) for w in range(3) for n in range(100))
    assert claims > 0


@pytest.mark.parametrize("character", ["\x7f", "\x9b", "\u202e", "\x1b"])
def test_no_control_characters_on_the_terminal(tmp_path: Path, stub: Stub, character: str) -> None:
    """A message cannot move the cursor of who reads the losses; its id can still be read."""
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    message = {"type": "track", "messageId": f"m{character}[31m", "userId": "u"}
    (tmp_path / "in").write_text(json.dumps(message, ensure_ascii=False) + "\n")
    to_stub = ("--settings", "settings.json", "--base-url", stub.url)
    done = run_here(main, "send", *to_stub, "in", cwd=tmp_path)
    assert character not in done.stderr + done.stdout
    assert json.loads(done.stderr)["messageId"] == f"m{character}[31m"
