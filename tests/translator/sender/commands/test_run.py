"""The counts and reports of `send` for every message."""

import json
import re
import time
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from tests.translator.sender.build import EU, US, event, update
from tests.translator.sender.stub import Reply, Stub
from translator.core.operations import Failure, Operation, Result, Skip
from translator.sender import Sender, run_send
from translator.sender.commands.stdin_reader import ReadyLines
from translator.sender.deliver import CAPACITY_OPERATIONS, TAKEN_AT_ONCE

SECONDS = 20.0
ZERO = Reply(200, b"0")

TRANSLATIONS = {
    b"event": Result("m-event", (event("A"),)),
    b"many": Result("m-many", (event("B"), update("ann", "$add", {"n": 1}))),
    b"old": Result("m-old", (event("C", "/import"),)),
    b"skipped": Result("m-skipped", skipped=(Skip("page_not_selected", "off"),)),
    b"bad": Result("m-bad", error=Failure("timestamp_too_old", "timestamp is 6 years old")),
}


class Run:
    """One run of the command, with what it printed."""

    def __init__(
        self,
        sender: Sender,
        *lines: bytes,
        host: str = US,
        given: ReadyLines | None = None,
        **options: Any,
    ) -> None:
        out, err = StringIO(), StringIO()
        self.code = run_send(
            given or lines, TRANSLATIONS.__getitem__, sender, host, out=out, err=err, **options
        )
        self.out, self.err = out.getvalue(), err.getvalue()

    @property
    def summary(self) -> Any:
        return json.loads(self.out)

    @property
    def losses(self) -> list[Any]:
        return [json.loads(line) for line in self.err.splitlines()]


def account(read: int, **others: int) -> dict[str, int]:
    zeros = {"delivered": 0, "skipped": 0, "rejected": 0, "dead_lettered": 0}
    return {"read": read, **zeros, **others}


def coded(summary: dict[str, int], **codes: int) -> dict[str, Any]:
    return {**summary, "codes": codes}


def test_all_delivered(sender: Sender) -> None:
    """With nothing lost the summary is all there is, and the code is 0."""
    run = Run(sender, b"event", b"many", b"skipped")
    assert (run.code, run.err) == (0, "")
    assert run.summary == coded(account(3, delivered=2, skipped=1), page_not_selected=1)
    assert list(run.summary) == [*account(0), "codes"]


@pytest.mark.parametrize("endless", [b"skipped", b"bad"])
def test_lines_of_which_nothing_is_sent(stub: Stub, endless: bytes) -> None:
    """Answers are processed between operations, however many operations follow."""
    stub.script = [Reply(429, b"", headers={"Retry-After": "0"})]

    def lines() -> Iterator[bytes]:
        yield b"event"
        until = time.monotonic() + SECONDS
        while len(stub.received) < 2:
            assert time.monotonic() < until, "it is not sent again"
            yield endless

    with Sender({US: stub.url}, workers=2) as sender:
        run = Run(sender, given=ReadyLines(lines()))
    assert run.summary["delivered"] == 1
    assert stub.names() == [["A"], ["A"]]


def test_no_messages(sender: Sender) -> None:
    """An empty input loses nothing."""
    run = Run(sender)
    assert (0, account(0)) == (run.code, run.summary)


def test_translation_errors_are_rejected(sender: Sender) -> None:
    """A message that cannot be translated is a loss with its code, line and id."""
    run = Run(sender, b"event", b"bad", b"event")
    expected = coded(account(3, delivered=2, rejected=1), timestamp_too_old=1)
    assert (run.code, run.summary) == (1, expected)
    assert run.losses == [
        {
            "line": 2,
            "messageId": "m-bad",
            "fate": "rejected",
            "code": "timestamp_too_old",
            "reason": "timestamp is 6 years old",
        }
    ]


def test_one_refused_operation_rejects_the_message(sender: Sender, stub: Stub) -> None:
    """A message counts once, by the worst that happened to its operations."""
    stub.script = [Reply(), ZERO]
    run = Run(sender, b"many")
    assert (1, account(1, rejected=1)) == (run.code, run.summary)
    assert run.losses == [
        {
            "line": 1,
            "messageId": "m-many",
            "fate": "rejected",
            "endpoint": "/engage",
            "reason": "HTTP 200: 0",
        }
    ]


def test_undelivered_messages_are_dead_lettered(sender: Sender, stub: Stub) -> None:
    """What the server never took is a loss, and later messages are still sent."""
    stub.script = [Reply(503, b"down")] * 5
    run = Run(sender, b"old", b"event")
    assert (1, account(2, delivered=1, dead_lettered=1)) == (run.code, run.summary)
    assert run.losses == [
        {
            "line": 1,
            "messageId": "m-old",
            "fate": "dead_lettered",
            "endpoint": "/import",
            "reason": "given up after the last try: HTTP 503: down",
        }
    ]


def test_refusal_outweighs_dead_letter(sender: Sender, stub: Stub) -> None:
    """A message with both kinds of loss is rejected, and both are reported."""
    stub.script = [*[Reply(503)] * 5, ZERO]
    run = Run(sender, b"many")
    assert account(1, rejected=1) == run.summary
    assert [loss["fate"] for loss in run.losses] == ["dead_lettered", "rejected"]


def test_every_line_has_its_number(sender: Sender) -> None:
    """A loss names its line in the input, however long that is."""
    lines = [b"bad", *[b"event"] * 5000, b"bad", b"bad"]
    run = Run(sender, *lines)
    assert [loss["line"] for loss in run.losses] == [1, 5002, 5003]
    expected = coded(account(5003, delivered=5000, rejected=3), timestamp_too_old=3)
    assert run.summary == expected


def test_memory_is_bounded(sender: Sender, stub: Stub) -> None:
    """While a request waits to be retried, no more than a bounded number of messages is read."""
    stub.script = [Reply(503)]
    read = 0
    most = 0

    def lines() -> Iterator[bytes]:
        nonlocal read, most
        for _ in range(50_000):
            read += 1
            most = max(most, read if len(stub.received) < 2 else 0)
            yield b"event"

    assert (
        run_send(lines(), TRANSLATIONS.__getitem__, sender, US, out=StringIO(), err=StringIO()) == 0
    )
    assert CAPACITY_OPERATIONS <= most <= CAPACITY_OPERATIONS + TAKEN_AT_ONCE


def test_no_address_is_a_usage_error(sender: Sender, stub: Stub) -> None:
    """Without a base URL for the project's residency nothing is read and nothing sent."""

    lines = iter([b"event", b"event"])
    err, out = StringIO(), StringIO()
    assert run_send(lines, TRANSLATIONS.__getitem__, sender, EU, out=out, err=err) == 2
    assert list(lines) == [b"event", b"event"]
    assert out.getvalue() == ""
    assert err.getvalue() == (
        "Error: these operations are for https://api-eu.mixpanel.com, which has no base URL: "
        "give --eu-base-url with the address of a mock server\n"
    )
    assert stub.received == []


def test_progress_is_separate(sender: Sender) -> None:
    """A running count with the rate goes to the terminal and leaves the summary clean."""
    run = Run(sender, b"event", b"event", b"event", progress=True)
    assert account(3, delivered=3) == run.summary
    shown = " ".join(run.err.split())
    assert re.search(
        r"3 messages, \d+ messages/s, \d+ s, delivered=3, skipped=0, rejected=0,", shown
    )


@pytest.mark.parametrize("message_id", [7, None, "\ud800", 2**80])
def test_any_message_id_can_be_reported(sender: Sender, message_id: Any) -> None:
    """A loss report is valid JSON whatever the message id."""
    result = Result(message_id, error=Failure("bad_type", "no"))
    err = StringIO()
    run_send([b""], lambda _: result, sender, US, out=StringIO(), err=err)
    assert message_id == json.loads(err.getvalue())["messageId"]


def test_residency_is_kept(stub: Stub) -> None:
    """EU operations go to the EU base URL and nowhere else."""
    operation = Operation("/track", EU, {"event": "E", "properties": {"$insert_id": "e"}})
    with Sender({US: "http://127.0.0.1:1", EU: stub.url}) as sender:
        code = run_send(
            [b""],
            lambda _: Result("m", (operation,)),
            sender,
            EU,
            out=StringIO(),
            err=StringIO(),
        )
    assert (code, stub.names()) == (0, [["E"]])
