"""`python -m translator send`, as people run it."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import run_here
from tests.forked_process import run_command
from tests.translator.sender.build import event
from tests.translator.sender.stub import Reply, Stub, running_stub
from translator.cli import main
from translator.sender.books.message_status import MessageStatus
from translator.sender.books.spool import Spool
from translator.sender.books.spool_records import IncomingMessage
from translator.sender.queue.payload_text import encode
from translator.sender.queue.queued_operation import QueuedOperation

NOW = "2026-06-15T12:00:00Z"
TRACK = {
    "type": "track",
    "messageId": "m-1",
    "userId": "ann",
    "event": "Signed Up",
    "timestamp": "2026-06-15T11:00:00Z",
}
OLD = {**TRACK, "messageId": "m-2", "timestamp": "2026-01-01T00:00:00Z"}


class Send:
    """One run of the command; without `people`, a track message gives one operation."""

    def __init__(self, folder: Path, *options: str, messages: list[Any], **settings: Any) -> None:
        (folder / "settings.json").write_text(json.dumps({"token": "T", **settings}))
        lines = "".join(json.dumps(message) + "\n" for message in messages)
        (folder / "in.jsonl").write_text(lines)
        command = ("send", "--settings", "settings.json", "--now", NOW, *options, "in.jsonl")
        result = run_here(main, *command, cwd=folder)
        self.code, self.out, self.err = result.returncode, result.stdout, result.stderr


def test_delivered(tmp_path: Path, stub: Stub) -> None:
    """A message arrives, and the summary is the only output."""
    run = Send(tmp_path, "--base-url", stub.url, messages=[TRACK])
    assert (run.code, run.err) == (0, "")
    assert json.loads(run.out) == {
        "read": 1,
        "delivered": 1,
        "skipped": 0,
        "rejected": 0,
        "dead_lettered": 0,
    }
    assert stub.names() == [["Signed Up"]]


@pytest.mark.parametrize("source", ["pipe", "file", "gzip", "gzip pipe"])
def test_blank_lines_are_no_messages(source: str, tmp_path: Path, stub: Stub) -> None:
    """They are neither read nor lost, but counted in the number of the line that an error names."""
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    data = ("\n" + json.dumps(TRACK) + "\n \r\n\nbad\n").encode()
    file = tmp_path / "messages"
    data = gzip.compress(data) if source.startswith("gzip") else data
    file.write_bytes(data)
    words = ["send", "--settings", "settings.json", "--now", NOW, "--base-url", stub.url]
    words += [] if source.endswith("pipe") else ["messages"]
    command = ["-m", "translator", *words]
    result = run_command(command, cwd=tmp_path, input=data, capture_output=True)
    assert (result.returncode, json.loads(result.stderr)["line"]) == (1, 5)
    summary = json.loads(result.stdout)
    assert (summary["read"], summary["delivered"], summary["rejected"]) == (2, 1, 1)


@pytest.mark.parametrize("end", [b"", b"damaged!"], ids=["cut", "damaged"])
@pytest.mark.parametrize("spool", [(), ("--spool", "spool")], ids=["no spool", "spool"])
def test_an_input_that_cannot_be_read_to_its_end(
    tmp_path: Path, stub: Stub, end: bytes, spool: tuple[str, ...]
) -> None:
    """The lines before the damage are delivered, the summary has the error, and the status is 1."""
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    lines = [json.dumps({**TRACK, "messageId": f"m-{n}", "event": f"E{n}"}) for n in range(3)]
    data = gzip.compress("\n".join([*lines, ""]).encode())
    (tmp_path / "in.gz").write_bytes(data[:-8] + end)
    words = ["--settings", "settings.json", "--now", NOW, "--base-url", stub.url, *spool, "in.gz"]
    result = run_here(main, "send", *words, cwd=tmp_path)
    summary = json.loads(result.stdout)
    assert (result.returncode, summary["read"], summary["delivered"]) == (1, 3, 3)
    assert summary["error"].startswith("the input cannot be read to its end: ")
    assert stub.names() == [["E0", "E1", "E2"]]
    # The same input once it is whole goes on where it could not be read.
    if spool:
        (tmp_path / "in.gz").write_bytes(gzip.compress("\n".join([*lines, lines[0]]).encode()))
        again = run_here(main, "send", *words, cwd=tmp_path)
        assert (again.returncode, json.loads(again.stdout)["read"]) == (0, 4)
        assert stub.names() == [["E0", "E1", "E2"], ["E0"]]


def test_a_damaged_copy_of_a_finished_input(tmp_path: Path, stub: Stub) -> None:
    """If the input of a finished run can no longer be read to its end, nothing is sent twice."""
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    lines = [json.dumps({**TRACK, "messageId": f"m-{n}", "event": f"E{n}"}) for n in range(3)]
    words = ["--settings", "settings.json", "--now", NOW, "--base-url", stub.url]
    words += ["--spool", "spool", "in.gz"]
    data = gzip.compress("\n".join([*lines, ""]).encode(), 0)
    for content, code in ((data, 0), (data[:-50], 1), (data, 0)):
        (tmp_path / "in.gz").write_bytes(content)
        assert run_here(main, "send", *words, cwd=tmp_path).returncode == code
    assert stub.names() == [["E0", "E1", "E2"]]


def test_europe(tmp_path: Path, stub: Stub) -> None:
    """The messages of an EU project go to the EU address."""
    with running_stub() as eu:
        options = ("--base-url", stub.url, "--eu-base-url", eu.url)
        run = Send(tmp_path, *options, messages=[TRACK], enableEuropeanUnionEndpoint=True)
        assert (run.code, run.err) == (0, "")
        assert (stub.names(), eu.names()) == ([], [["Signed Up"]])


@pytest.mark.parametrize("settings", [{}, {"enableEuropeanUnionEndpoint": True}])
def test_no_address_is_wrong_usage(tmp_path: Path, stub: Stub, settings: dict[str, bool]) -> None:
    """Without an address for the project's own residency nothing is sent, not even elsewhere."""
    options = ["--base-url", stub.url] if settings else []
    run = Send(tmp_path, *options, messages=[TRACK], **settings)
    assert (run.code, run.out) == (2, "")
    assert ("give --eu-base-url" if settings else "give --base-url") in run.err
    assert stub.received == []


def test_real_mixpanel_needs_live(tmp_path: Path) -> None:
    """The real Mixpanel as a base URL is wrong usage too."""
    run = Send(tmp_path, "--base-url", "https://api.mixpanel.com", messages=[TRACK])
    assert (run.code, run.out) == (2, "")
    assert run.err == (
        "Error: the base URL 'https://api.mixpanel.com' is not on this machine: give the address "
        "of a mock server on 127.0.0.1, or --live to send the data to another machine\n"
    )


def test_a_spool_for_another_region_is_wrong_usage(tmp_path: Path, stub: Stub) -> None:
    """What a spool holds for a host without an address stays there, and the way out is named."""
    queued = QueuedOperation(0, event("A"), encode(event("A").payload), ("person ann",))
    with Spool(tmp_path / "spool") as spool:
        spool.add([IncomingMessage(MessageStatus(1, "m-1", 1, key=b"k"), [queued])], 0.0)
    options = ("--eu-base-url", stub.url, "--spool", "spool")
    run = Send(tmp_path, *options, messages=[], enableEuropeanUnionEndpoint=True)
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines(keepends=True)[-1] == (
        "Error: these operations are for https://api.mixpanel.com, which has no base URL: give "
        "--base-url with the address of a mock server\n"
    )
    assert stub.received == []
    with Spool(tmp_path / "spool") as spool:
        assert spool.waiting() == 1


def test_losses(tmp_path: Path, stub: Stub) -> None:
    """Every loss is named, the rest arrives, and the API secret is not printed."""
    stub.script = [Reply(401, b'{"error": "hush-hush is no secret"}')]
    messages: list[Any] = [OLD, "no message", TRACK]
    run = Send(tmp_path, "--base-url", stub.url, messages=messages, apiSecret="hush-hush")
    assert run.code == 1
    assert json.loads(run.out) == {
        "read": 3,
        "delivered": 1,
        "skipped": 0,
        "rejected": 2,
        "dead_lettered": 0,
        "codes": {"not_an_object": 1},
    }
    losses = sorted(map(json.loads, run.err.splitlines()), key=lambda loss: int(loss["line"]))
    assert [(loss["line"], loss["messageId"]) for loss in losses] == [(1, "m-2"), (2, None)]
    assert (
        losses[0]["reason"]
        == "HTTP 401: [redacted] is no secret (check the project's token, apiSecret and residency)"
    )
    assert "hush-hush" not in run.out + run.err
