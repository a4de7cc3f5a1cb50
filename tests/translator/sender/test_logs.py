"""The log of a delivery: one JSON object a line."""

import base64
import json
import logging
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.command import run_here
from tests.forked_process import run_command
from tests.translator.sender.build import NOW, US, event, recorded_retry, statuses
from tests.translator.sender.stub import Reply, Stub
from translator.cli import main
from translator.core.operations import Operation, Result
from translator.sender import DeliveryStatus, Sender, run_send
from translator.sender.logs import LEVELS, LogEvent, logging_to
from translator.sender.redaction import Redactor

ALIAS = event("$create_alias", distinct_id="anon", alias="ann")
WARNING = {
    "at": "2026-06-15T12:00:00.000+00:00",
    "level": "warning",
    "logger": "translator.sender",
}
INFO = {**WARNING, "level": "info"}
DEBUG = {**WARNING, "level": "debug"}
ERROR = {**WARNING, "level": "error"}


def at(stub: Stub | MockMixpanel) -> dict[str, str]:
    """A request to /track, and the address that it went to."""
    return {"host": US, "address": stub.url, "endpoint": "/track"}


def send(
    sender: Sender, *operations: Operation, level: str = "debug", **options: Any
) -> tuple[list[Any], str]:
    """The lines on the error stream of a run, a message for each operation, and the stream."""
    err = StringIO()
    with sender, logging_to(err, level, now=lambda: NOW):
        run_send(
            [str(place).encode() for place in range(len(operations))],
            lambda line: Result(f"m-{int(line)}", (operations[int(line)],)),
            sender,
            US,
            out=StringIO(),
            err=err,
            **options,
        )
    text = err.getvalue()
    return ([] if options.get("progress") else list(map(json.loads, text.splitlines()))), text


def test_a_run_under_faults(mock_mixpanel: MockMixpanel) -> None:
    """Each wait, each change of the circuit, each split and each loss is one line, in order."""
    mock_mixpanel.faults(
        {
            "match": {"path": "/track", "times": 1},
            "action": {"status": 429, "headers": {"Retry-After": "7"}, "body": "slow down"},
        },
        {"match": {"path": "/track", "times": 2}, "action": {"status": 503, "body": "down"}},
        {"match": {"path": "/track", "times": 3}, "action": {"status": 413, "body": "too big"}},
    )
    sleeps: list[float] = []
    sender = Sender({US: mock_mixpanel.url}, retry=recorded_retry(sleeps), now=lambda: NOW)
    operations = [event(name, token=mock_mixpanel.token) for name in "ABCD"]
    lines, _ = send(sender, *operations)
    retry = {**WARNING, "event": "retry", **at(mock_mixpanel), "records": 4}
    circuit = {"event": "circuit", "host": US, "address": mock_mixpanel.url}
    split = {
        **INFO,
        "event": "split",
        **at(mock_mixpanel),
        "status": 413,
        "reason": "HTTP 413: too big",
    }
    assert lines == [
        {**retry, "attempt": 1, "wait": 7.0, "status": 429, "reason": "HTTP 429: slow down"},
        {**retry, "attempt": 2, "wait": 7.0, "status": 503, "reason": "HTTP 503: down"},
        {**retry, "attempt": 3, "wait": 11.0, "status": 503, "reason": "HTTP 503: down"},
        {**WARNING, **circuit, "state": "open", "wait": 11.0, "reason": "HTTP 503: down"},
        {**INFO, **circuit, "state": "half_open", "reason": "HTTP 503: down"},
        {**split, "records": 4},
        {**WARNING, **circuit, "state": "closed"},
        {**split, "records": 2},
        {
            "line": 1,
            "messageId": "m-0",
            "fate": "dead_lettered",
            "endpoint": "/track",
            "reason": "HTTP 413: too big",
        },
        {
            **INFO,
            "event": "stop",
            "read": 4,
            "delivered": 3,
            "skipped": 0,
            "rejected": 0,
            "dead_lettered": 1,
        },
    ]
    assert sleeps == [7.0, 7.0, 11.0]


def test_a_host_that_is_gone(sender: Sender, stub: Stub) -> None:
    """When nothing more is hoped of a host, that is an error, and the last line before the loss."""
    stub.script = [Reply(503, b"down")] * 5
    lines, _ = send(sender, event("A"))
    assert lines[-3] == {
        **ERROR,
        "event": "circuit",
        "host": US,
        "address": stub.url,
        "state": "given_up",
        "reason": "HTTP 503: down",
    }
    assert [lines[-2]["fate"], lines[-1]["event"]] == ["dead_lettered", "stop"]


def test_no_answer_has_no_status(sender: Sender, stub: Stub) -> None:
    """A connection that breaks is a reason without a status."""
    stub.script = [Reply(drop=True)]
    lines, _ = send(sender, event("A"), level="warning")
    assert lines == [
        {
            **WARNING,
            "event": "retry",
            **at(stub),
            "records": 1,
            "attempt": 1,
            "wait": 5.0,
            "reason": f"{stub.url}: no connection, or it was closed before the response",
        }
    ]


def test_the_wait_after_an_alias(sender: Sender, stub: Stub) -> None:
    """The alias hold is logged at level debug."""
    lines, _ = send(sender, ALIAS)
    assert lines[0] == {**DEBUG, "event": "hold", "host": US, "address": stub.url, "wait": 1.5}


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["hold", "split", "retry", "retry", "retry", "open", "half_open", "given_up"]),
        ("info", ["split", "retry", "retry", "retry", "open", "half_open", "given_up"]),
        ("warning", ["retry", "retry", "retry", "open", "given_up"]),
        ("error", ["given_up"]),
    ],
)
def test_levels(stub: Stub, level: str, expected: list[str]) -> None:
    """Each level shows what is at least so important; losses are shown by all."""
    assert level in LEVELS
    stub.script = [Reply(), Reply(413), Reply(), *[Reply(503)] * 4]
    retry = recorded_retry([], attempts=4)
    sender = Sender({US: stub.url}, retry=retry, now=lambda: NOW)
    lines, _ = send(sender, ALIAS, event("A"), event("B"), level=level)
    told = [line.get("state", line["event"]) for line in lines if "event" in line]
    assert [name for name in told if name != "stop"] == expected
    assert [line["fate"] for line in lines if "fate" in line] == ["dead_lettered"]


def test_a_delivered_batch_says_nothing(sender: Sender) -> None:
    """Without failures no message has a log record, at any level."""
    lines, _ = send(sender, *[event(f"E{number}") for number in range(500)])
    assert [line["event"] for line in lines] == ["stop"]


def test_the_bar_is_not_torn(sender: Sender, stub: Stub) -> None:
    """Beside a progress bar each line stands whole, and alone."""
    stub.script = [Reply(503, b"down")] * 2
    _, text = send(sender, *[event(name) for name in "AB"], level="info", progress=True)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    lines = [line.rpartition("\r")[2] for line in plain.split("\n")]
    assert [json.loads(line)["event"] for line in lines if "{" in line] == [
        "retry",
        "retry",
        "stop",
    ]
    assert "2 messages, " in text


SECRET, TOKEN = "top-secret", "0123456789abcdef0123456789abcdef"
CREDENTIALS = base64.b64encode(f"{SECRET}:".encode()).decode()


def lines_of_a_chatterbox(stub: Stub, err: StringIO, **hidden: Any) -> None:
    """A run in which the server says back all the secrets that it can know."""
    said = f"no such project {TOKEN} for {SECRET} or Basic {CREDENTIALS}"
    stub.script = [Reply(503, said.encode())]
    sender = Sender({US: stub.url}, retry=recorded_retry([]), now=lambda: NOW)
    with logging_to(err, "debug", now=lambda: NOW, **hidden):
        sender.send([event("A")])
        logging.getLogger("urllib3").warning("the key is %s", SECRET)
    sender.close()


def test_secrets_are_hidden(stub: Stub) -> None:
    """Neither secret, nor credentials made of it, nor token appear, whatever logs them."""
    err = StringIO()
    lines_of_a_chatterbox(stub, err, secrets=[SECRET], tokens=[TOKEN])
    ours, theirs = map(json.loads, err.getvalue().splitlines())
    hidden = "[redacted]"
    assert ours["reason"] == f"HTTP 503: no such project {hidden} for {hidden} or Basic {hidden}"
    assert theirs == {**WARNING, "logger": "urllib3", "message": f"the key is {hidden}"}


def test_secrets_would_be_seen(stub: Stub) -> None:
    """The same run with nothing to hide shows them: the test above can fail."""
    err = StringIO()
    lines_of_a_chatterbox(stub, err)
    assert [one in err.getvalue() for one in (SECRET, TOKEN, CREDENTIALS)] == [True, True, True]


def test_the_library_hides_its_secret_from_every_handler(
    stub: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever adds a handler of their own finds no secret in what the sender gives it."""
    stub.script = [Reply(503, f"{SECRET} {CREDENTIALS}".encode())]
    with Sender({US: stub.url}, SECRET, retry=recorded_retry([]), now=lambda: NOW) as sender:
        sender.send([event("A")])
    assert caplog.messages == [
        f"retry host={US} address={stub.url} endpoint=/track records=1 attempt=1 wait=5.0 "
        "status=503 reason=HTTP 503: [redacted] [redacted]"
    ]


def test_tokens_are_words() -> None:
    """A token is hidden where it stands alone, not inside of another word."""
    redact = Redactor([], ["T"])
    assert (
        Redactor(["T1x"], ["T"])("HTTP T, (T) [redacted]1x T1")
        == "HTTP [redacted], ([redacted]) [redacted]1x T1"
    )
    assert redact("HTTP 401") == "HTTP 401"


def test_short_secrets_are_words() -> None:
    """A short secret is hidden where it stands alone; a longer one is hidden everywhere."""
    assert Redactor(["x"])("https://api.mixpanel.com x (x)") == (
        "https://api.mixpanel.com [redacted] ([redacted])"
    )
    assert Redactor(["12345678"])("a12345678b") == "a[redacted]b"


@pytest.mark.parametrize("secret", ["1", "s", "status", "error", "null"])
def test_secrets_that_are_words_of_mixpanel(stub: Stub, secret: str) -> None:
    """A secret that equals a part of Mixpanel's response does not change what it means."""
    with Sender({US: stub.url}, secret, retry=recorded_retry([])) as sender:
        assert statuses(sender.send([event("A")])) == [DeliveryStatus.DELIVERED]
    assert len(stub.received) == 1


def test_errors_have_a_trace_and_no_text() -> None:
    """An error is logged with its place and type; its text, which may quote data, is left out."""
    err = StringIO()
    quoted = "of ann"
    with logging_to(err, "debug", now=lambda: NOW):
        try:
            raise ValueError(quoted)
        except ValueError:
            logging.getLogger("translator.sender").exception(LogEvent("defect"))
    line = json.loads(err.getvalue())
    trace = line.pop("trace")
    assert line == {**ERROR, "event": "defect"}
    assert trace.startswith(f'  File "{__file__}"')
    assert trace.endswith("raise ValueError(quoted)\nValueError")
    assert quoted not in err.getvalue()


LIBRARY = """
import sys
from translator.cli import main
from translator.core.operations import Operation
from translator.sender import RetryPolicy, Sender
{setup}
host = "https://api.mixpanel.com"
policy = RetryPolicy(attempts=2, sleep=lambda seconds: None, jitter=lambda: 0.5)
event = {{"event": "E", "properties": {{"token": "T", "distinct_id": "ann", "$insert_id": "i"}}}}
with Sender({{host: sys.argv[1]}}, retry=policy) as sender:
    sender.send([Operation("/track", host, event)])
"""


@pytest.mark.parametrize(
    ("setup", "expected"),
    [
        ("", ""),
        (
            "import logging; logging.basicConfig()",
            "WARNING:translator.sender:retry host=https://api.mixpanel.com address={address} "
            "endpoint=/track "
            "records=1 attempt=1 wait=5.0 status=503 reason=HTTP 503: down\n",
        ),
    ],
)
def test_the_library_is_silent_until_asked(stub: Stub, setup: str, expected: str) -> None:
    """A program that uses the sender sees nothing, or what its own handler makes of it."""
    stub.script = [Reply(503, b"down")]
    done = subprocess.run(
        [sys.executable, "-c", LIBRARY.format(setup=setup), stub.url],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", expected.format(address=stub.url))


class Command:
    """A run of `send` or `resend` in a folder, with the lines of its error stream less the time."""

    def __init__(self, folder: Path, name: str, *options: str) -> None:
        (folder / "settings.json").write_text('{"token": "T", "people": true}')
        if name == "send":
            message = '{"type": "track", "messageId": "m", "userId": "ann", "event": "E"}\n'
            (folder / "in.jsonl").write_text(message)
            options = (*options, "in.jsonl")
        given = ("--settings", "settings.json", "--alias", "none", *options)
        done = run_here(main, name, *given, cwd=folder)
        self.code, self.summary = done.returncode, json.loads(done.stdout)
        self.lines = list(map(json.loads, done.stderr.splitlines()))
        for line in self.lines:
            line.pop("at", None)


SENDER = {"level": "info", "logger": "translator.sender"}


def test_a_run_of_the_command(tmp_path: Path, stub: Stub) -> None:
    """At level info a run begins and ends with a line; by itself it shows what went wrong."""
    stub.script = [Reply(429, b"", {"Retry-After": "0"})] * 2
    start = {**SENDER, "event": "start", "to": stub.url, "alias": "none", "workers": 4}
    retry = {
        **SENDER,
        "level": "warning",
        "event": "retry",
        **at(stub),
        "records": 1,
        "attempt": 1,
        "wait": 0.0,
        "status": 429,
        "reason": "HTTP 429: empty body",
    }
    run = Command(tmp_path, "send", "--base-url", stub.url, "--log-level", "info")
    stop = {**SENDER, "event": "stop", **run.summary}
    assert run.lines == [{**start, "live": False}, retry, {**retry, "attempt": 2}, stop]
    stub.script = [Reply(429, b"", {"Retry-After": "0"})]
    assert Command(tmp_path, "send", "--base-url", stub.url).lines == [retry]


def test_resend_logs_too(tmp_path: Path, stub: Stub) -> None:
    """Dead letters on their second way are logged as everything else."""
    stub.script = [Reply(401), Reply(429, b"", {"Retry-After": "0"})]
    options = ("--base-url", stub.url, "--dead-letters", "dead")
    [loss] = Command(tmp_path, "send", *options).lines
    assert loss["fate"] == "rejected"
    [line] = Command(tmp_path, "resend", "--base-url", stub.url, "dead").lines
    assert (line["event"], line["status"], line["level"]) == ("retry", 429, "warning")


def test_a_resumed_spool(tmp_path: Path, stub: Stub) -> None:
    """After a crash it is said that the run goes on, and with how many operations."""
    left = "import os, translator.sender.books.spool as s; kept = s.Spool('spool'); os._exit(0)"
    assert run_command(["-c", left], cwd=tmp_path).returncode == 0
    resumed = {**SENDER, "level": "warning", "event": "resumed"}
    options = ("--base-url", stub.url, "--spool", "spool")
    first, second = Command(tmp_path, "send", *options), Command(tmp_path, "send", *options)
    assert first.lines == [{**resumed, "after_crash": True, "operations": 0}]
    assert [line["event"] for line in second.lines] == ["delivered_before"]


@pytest.mark.parametrize("said", [{"reason": "top-secret"}, ["top-secret"], KeyError("top-secret")])
def test_a_secret_inside_of_something(said: object) -> None:
    """A secret is hidden wherever it stands, not only in a text by itself."""
    err = StringIO()
    with logging_to(err, "debug", secrets=["top-secret"], now=lambda: NOW):
        logging.getLogger("translator.sender").debug(LogEvent("seen", said=said))
    shown = str(said).replace("top-secret", "[redacted]")
    assert json.loads(err.getvalue()) == {**DEBUG, "event": "seen", "said": shown}
