"""`python -m translator resend`: dead letters are sent again."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.command import run_here
from tests.translator.sender.stub import Reply, Stub
from translator.cli import main
from translator.sender.books.spool import Spool

NOW = "2026-06-15T12:00:00Z"
TRACK = {"type": "track", "userId": "ann", "event": "Signed Up", "timestamp": NOW}


class Shell:
    """A folder in which commands are given."""

    def __init__(self, folder: Path, stub: Stub) -> None:
        self.folder, self.stub = folder, stub
        (folder / "settings.json").write_text('{"token": "T", "apiSecret": "hush"}')

    def run(self, command: str, *options: str, messages: list[Any] | None = None) -> Any:
        """The exit code and the summary."""
        (self.folder / "in.jsonl").write_text("".join(json.dumps(m) + "\n" for m in messages or ()))
        now = () if command == "gateway" else ("--now", NOW)
        to_stub = ("--settings", "settings.json", "--base-url", self.stub.url)
        done = run_here(main, command, *to_stub, *now, *options, cwd=self.folder)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def dead(self) -> list[Any]:
        return [json.loads(line) for line in (self.folder / "dead").read_text().splitlines()]

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()} - {"settings.json", "in.jsonl"}


def test_what_was_refused_is_sent_again(tmp_path: Path, stub: Stub) -> None:
    """A dead letter is the operation as it was, and gone when it is delivered."""
    shell = Shell(tmp_path, stub)
    stub.script = [Reply(401, b'{"error": "no", "status": "error"}')]
    old = {**TRACK, "messageId": "m-1", "timestamp": "2026-06-01T12:00:00Z"}
    code, summary = shell.run("send", "--dead-letters", "dead", "in.jsonl", messages=[old])
    assert (code, summary["rejected"]) == (1, 1)
    [letter] = shell.dead()
    assert (letter["messageId"], letter["line"], letter["fate"]) == ("m-1", 1, "rejected")
    assert "hush" not in json.dumps(letter)

    code, summary = shell.run("resend", "dead")
    assert (code, summary["delivered"]) == (0, 1)
    first, second = stub.received
    assert (first.target, first.records) == (second.target, second.records)
    assert shell.files() == set()


def test_a_message_is_translated_again(tmp_path: Path, stub: Stub) -> None:
    """What could not be translated is kept as it came, and what still cannot stays in the file."""
    shell = Shell(tmp_path, stub)
    bad = {**TRACK, "messageId": "m-1", "event": None}
    shell.run("send", "--spool", "spool", "--dead-letters", "dead", "in.jsonl", messages=[bad])
    [letter] = shell.dead()
    assert bad == json.loads(letter["message"])

    code, summary = shell.run("resend", "dead")
    assert (code, summary["rejected"]) == (1, 1)
    [again] = shell.dead()
    assert bad == json.loads(again["message"])
    assert shell.files() == {"dead", "spool"}


def test_no_file_is_wrong_usage(tmp_path: Path, stub: Stub) -> None:
    """Without a file of dead letters the command ends with an error."""
    code, text = Shell(tmp_path, stub).run("resend", "nothing")
    assert (
        code,
        text,
    ) == (2, "Error: nothing does not exist; there are no dead letters to send\n")


def test_wrong_usage_leaves_the_file(tmp_path: Path, stub: Stub) -> None:
    """An address that is not allowed costs no dead letter."""
    shell = Shell(tmp_path, stub)
    (tmp_path / "dead").write_text('{"message": "{}"}\n')
    code, text = shell.run("resend", "--base-url", "http://10.0.0.1", "dead")
    assert (code, "not on this machine" in text) == (2, True)
    assert shell.files() == {"dead"}


def test_a_letter_that_stands_twice_is_sent_once(tmp_path: Path, stub: Stub) -> None:
    """After a crash a dead letter may be in the file twice, with the same id."""
    shell = Shell(tmp_path, stub)
    message = json.dumps({**TRACK, "messageId": "m-1"})
    line = json.dumps({"id": "1:1", "message": message}) + "\n"
    (tmp_path / "dead").write_text(line * 2 + '{"no": "letter"}\n')
    code, summary = shell.run("resend", "dead")
    assert (code, summary["read"], summary["delivered"], summary["rejected"]) == (1, 2, 1, 1)
    assert stub.names() == [["Signed Up"]]


def test_a_link_to_the_dead_letters(tmp_path: Path, stub: Stub) -> None:
    """The file itself is taken, not the link to it: nothing is left there to be sent again."""
    shell = Shell(tmp_path, stub)
    bad = {**TRACK, "type": "trac"}
    shell.run("send", "--dead-letters", "dead", "in.jsonl", messages=[bad])
    (tmp_path / "link").symlink_to("dead")
    [first] = shell.dead()
    code, summary = shell.run("resend", "link")
    assert (code, summary["rejected"]) == (1, 1)
    [left] = shell.dead()
    assert (left["message"], left["id"] == first["id"]) == (first["message"], False)
    assert (tmp_path / "link").is_symlink()
    assert shell.files() == {"dead", "link"}


def test_only_files_are_resent(tmp_path: Path, stub: Stub) -> None:
    """A device or a pipe is wrong usage, and stays as it is."""
    shell = Shell(tmp_path, stub)
    os.mkfifo(tmp_path / "pipe")
    code, error = shell.run("resend", "pipe")
    assert (code, "pipe is not a regular file" in error) == (2, True)
    assert shell.files() == {"pipe"}


def test_a_spool_is_not_resent(tmp_path: Path, stub: Stub) -> None:
    """A spool that is given in place of its dead letters is refused, and stays as it is."""
    shell = Shell(tmp_path, stub)
    with Spool(tmp_path / "spool"):
        pass
    before = (tmp_path / "spool").read_bytes()
    code, error = shell.run("resend", "spool")
    assert (code, "its dead letters are in spool.dead" in error) == (2, True)
    assert ((tmp_path / "spool").read_bytes(), shell.files()) == (before, {"spool"})


def test_blank_lines_among_dead_letters(tmp_path: Path, stub: Stub) -> None:
    """Blank lines, which editors leave behind, are no loss."""
    shell = Shell(tmp_path, stub)
    letter = json.dumps({"id": "a", "message": json.dumps(TRACK)})
    (tmp_path / "dead").write_text(f"\n{letter}\n  \n\n")
    code, summary = shell.run("resend", "dead")
    assert (code, summary["read"], summary["delivered"]) == (0, 1, 1)
    assert shell.files() == set()


@pytest.mark.parametrize(
    ("command", "options", "pair"),
    [
        ("send", ["--spool", "s", "--dead-letters", "s", "in.jsonl"], "--spool and --dead-letters"),
        ("send", ["--dead-letters", "in.jsonl", "in.jsonl"], "FILE and --dead-letters"),
        ("send", ["--spool", "./in.jsonl", "in.jsonl"], "FILE and --spool"),
        ("send", ["--spool", "settings.json", "in.jsonl"], "--spool and --settings"),
        ("resend", ["settings.json"], "FILE and --settings"),
        ("gateway", ["--spool", "s", "--dead-letters", "link"], "--spool and --dead-letters"),
    ],
)
def test_one_file_for_two(
    tmp_path: Path, stub: Stub, command: str, options: list[str], pair: str
) -> None:
    """Two options that name one file are wrong usage: one would destroy what the other holds."""
    shell = Shell(tmp_path, stub)
    (tmp_path / "link").symlink_to("s")
    settings = (tmp_path / "settings.json").read_bytes()
    code, error = shell.run(command, *options, messages=[TRACK])
    assert (code, f"{pair} name the same file" in error) == (2, True)
    assert shell.files() == {"link"}
    assert (tmp_path / "settings.json").read_bytes() == settings
    assert stub.received == []


def test_a_file_of_messages_is_not_resent(tmp_path: Path, stub: Stub) -> None:
    """A file without any dead letter is wrong usage, and stays as it is."""
    shell = Shell(tmp_path, stub)
    code, error = shell.run("resend", "in.jsonl", messages=[TRACK])
    assert (code, "in.jsonl has no dead letters, so it stays as it is" in error) == (2, True)
    assert (tmp_path / "in.jsonl").read_text() == json.dumps(TRACK) + "\n"
    assert shell.files() == set()
