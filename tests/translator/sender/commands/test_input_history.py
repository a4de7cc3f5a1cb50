"""A finished run leaves behind that it is finished, so that no input is delivered twice."""

import json
import signal
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.command import run_here
from tests.forked_process import run_command
from tests.translator.sender.build import NOW, US, recorded_retry, update
from tests.translator.sender.stub import Stub
from translator.cli import main
from translator.core.operations import Result
from translator.sender import Sender, run_send
from translator.sender.books.spool import Spool
from translator.sender.books.spool_records import FinishedRun
from translator.sender.commands.input_history import HistoricInput, InputDigest
from translator.sender.commands.stdin_reader import ReadyLines


def translated(line: bytes) -> Result:
    """An increment of the person that the line names."""
    return Result(line.decode(), (update(line.decode(), "$add", {"n": 1}),))


class Send:
    """One run of `send` with the spool of a folder."""

    def __init__(self, folder: Path, stub: Stub, *lines: str, again: str | None = None) -> None:
        out, err = StringIO(), StringIO()
        with (
            Spool(folder / "spool") as spool,
            Sender({US: stub.url}, retry=recorded_retry([]), now=lambda: NOW) as sender,
        ):
            given_lines = [line.encode() for line in lines]
            self.code = run_send(
                given_lines, translated, sender, US, out=out, err=err, spool=spool, again=again
            )
            self.finished = spool.finished
        self.summary = json.loads(out.getvalue()) if out.getvalue() else {}
        self.err = err.getvalue()


def sent(stub: Stub) -> list[str]:
    return [name for names in stub.names() for name in names]


def test_a_finished_input_is_not_sent_again(tmp_path: Path, stub: Stub) -> None:
    """The same command sends nothing, gives the same account, and says why."""
    Send(tmp_path, stub, "ann", "bob")
    second = Send(tmp_path, stub, "ann", "bob")
    assert sent(stub) == ["ann", "bob"]
    assert (second.code, second.summary["delivered"]) == (0, 2)
    assert second.summary["delivered_before"] == 2


def test_on_purpose(tmp_path: Path, stub: Stub) -> None:
    """The id of the finished run allows its input once more, and the same command only once."""
    first = Send(tmp_path, stub, "ann")
    assert first.finished is not None
    for _ in range(2):
        again = Send(tmp_path, stub, "ann", again=first.finished.id)
        assert (again.code, again.summary["delivered"]) == (0, 1)
    assert sent(stub) == ["ann", "ann"]


@pytest.mark.parametrize("before", [[], ["ann"]])
def test_an_unknown_run(tmp_path: Path, stub: Stub, before: list[str]) -> None:
    """A run that the spool does not know is wrong usage, and nothing is sent."""
    if before:
        Send(tmp_path, stub, *before)
    stub.received.clear()
    wrong = Send(tmp_path, stub, "ann", again="0000")
    assert (wrong.code, "0000" in wrong.err) == (2, True)
    assert stub.received == []


def test_an_input_that_has_grown(tmp_path: Path, stub: Stub) -> None:
    """Only its new lines are sent; the account counts all."""
    Send(tmp_path, stub, "ann", "bob")
    grown = Send(tmp_path, stub, "ann", "bob", "cyd")
    assert sent(stub) == ["ann", "bob", "cyd"]
    assert (grown.summary["read"], grown.summary["delivered_before"]) == (3, 2)
    assert Send(tmp_path, stub, "ann", "bob", "cyd").summary["delivered_before"] == 3


@pytest.mark.parametrize("other", [["ann"], ["bob", "ann"], ["ann", "cyd", "dan"], ["zoe"]])
def test_another_input(tmp_path: Path, stub: Stub, other: list[str]) -> None:
    """An input that does not begin with the whole finished one is sent whole."""
    Send(tmp_path, stub, "ann", "bob")
    stub.received.clear()
    run = Send(tmp_path, stub, *other)
    assert sorted(sent(stub)) == sorted(other)
    assert "delivered_before" not in run.summary


texts = st.lists(st.binary(max_size=3), max_size=12)


@given(texts, texts, st.integers(1, 5), st.booleans())
def test_what_is_left_out(
    before: list[bytes], after: list[bytes], room: int, continues: bool
) -> None:
    """Lines are left out if the finished input is the beginning of the input, else none is."""
    given_lines = before + after if continues else after
    digest = InputDigest()
    for line in before:
        digest.add(line)
    finished = FinishedRun("id", 0.0, len(before), digest.digests(), {})
    begun: list[bool] = []
    source = HistoricInput(
        ReadyLines(given_lines), finished, lambda: begun.append(True), lambda: None
    )
    left: list[bytes] = []
    while (taken := source.take(room)) is not None:
        left += taken
    source.close()
    same = len(before) > 0 and given_lines[: len(before)] == before
    assert left == (given_lines[len(before) :] if same else given_lines)
    assert source.delivered == (len(before) if same else 0)
    assert begun == ([] if same else [True])
    expected = InputDigest()
    for line in given_lines:
        expected.add(line)
    assert source.digest.digests() == expected.digests()


CHILD = """
import os, signal, sys
from translator.sender.books.spool import Spool
from translator.sender.commands import run
from translator.cli import main

name, after, number = sys.argv[1], sys.argv[2] == "after", int(sys.argv[3])
holder = {"finish": Spool, "close": Spool, "print": run}[name]
original = getattr(holder, name, print)

def killed(*args, **options):
    if after:
        original(*args, **options)
    os.kill(os.getpid(), number)
    signal.pause()

setattr(holder, name, killed)
sys.argv = ["translator", *sys.argv[4:]]
main()
"""


def run_child(folder: Path, stub: Stub, moment: Sequence[str], *command: str) -> int:
    """The exit code of a command that is killed at a moment, such as `("finish", "after", "9")`."""
    settings = folder / "settings.json"
    settings.write_text('{"token": "T", "people": true, "eventIncrements": ["Bought"]}')
    options = ("--settings", str(settings), "--base-url", stub.url, "--alias", "none")
    words = (command[0], *options, *command[1:])
    if not moment:
        return run_here(main, *words, cwd=folder).returncode
    return run_command(["-c", CHILD, *moment, *words], cwd=folder, capture_output=True).returncode


MOMENTS = [(name, when) for name in ("finish", "print", "close") for when in ("before", "after")]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize(("name", "when"), MOMENTS)
def test_killed_at_the_end(
    tmp_path: Path, stub: Stub, name: str, when: str, number: signal.Signals
) -> None:
    """Killed between its last result and its exit, the same command counts nothing twice."""
    message = {"type": "track", "userId": "ann", "event": "Bought", "messageId": "m-1"}
    (tmp_path / "in.jsonl").write_text(json.dumps(message) + "\n")
    command = ("send", "--spool", "spool", "in.jsonl")
    assert run_child(tmp_path, stub, (name, when, str(int(number))), *command) == -number
    assert run_child(tmp_path, stub, (), *command) == 0
    increments = [record for each in stub.received for record in each.records if "$add" in record]
    assert len(increments) == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize(("name", "when"), MOMENTS)
def test_resend_killed_at_the_end(
    tmp_path: Path, stub: Stub, name: str, when: str, number: signal.Signals
) -> None:
    """Likewise `resend`: a dead letter is sent once, and the file is gone in the end."""
    increment: dict[str, Any] = {"operation": update("ann", "$add", {"n": 1})._asdict()}
    (tmp_path / "dead").write_text(json.dumps({"id": "1", **increment}) + "\n")
    moment = (name, when, str(int(number)))
    assert run_child(tmp_path, stub, moment, "resend", "dead") == -number
    assert run_child(tmp_path, stub, (), "resend", "dead") == 0
    assert sent(stub) == ["ann"]
    assert {path.name for path in tmp_path.iterdir()} == {"settings.json"}


def test_a_file_that_is_given_back(tmp_path: Path, stub: Stub) -> None:
    """Dead letters that are put back on purpose are sent, whatever a killed `resend` left."""
    line = json.dumps({"operation": update("ann", "$add", {"n": 1})._asdict()}) + "\n"
    (tmp_path / "dead").write_text(line)
    assert run_child(tmp_path, stub, ("close", "after", "9"), "resend", "dead") == -9
    (tmp_path / "dead.resending").unlink()
    (tmp_path / "dead").write_text(line)
    assert run_child(tmp_path, stub, (), "resend", "dead") == 0
    assert sent(stub) == ["ann", "ann"]
