"""The content of the spool, and its use after a crash."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.translator.sender.build import NOW, US, event, recorded_retry, update
from tests.translator.sender.stub import Reply, Stub
from translator.core.operations import Failure, Operation, Result
from translator.sender import Sender, run_send
from translator.sender.books.dead_letters import DeadLetters
from translator.sender.books.message_status import MessageStatus
from translator.sender.books.spool import Spool
from translator.sender.books.spool_database import SpoolError
from translator.sender.books.spool_records import IncomingMessage
from translator.sender.books.storage import StorageError
from translator.sender.queue.payload_text import encode
from translator.sender.queue.queued_operation import QueuedOperation

DAY = 86400


class Crash(BaseException):
    """The process is gone."""


class Run:
    """One run of `send` with a spool; `results` are what its lines translate to."""

    def __init__(
        self,
        folder: Path,
        stub: Stub,
        results: list[Result | type[Crash]],
        *,
        now: float = NOW,
        secret: str | None = "secret",
    ) -> None:
        def translate(line: bytes) -> Result:
            result = results[int(line)]
            if not isinstance(result, Result):
                raise result
            return result

        out, err = StringIO(), StringIO()
        lines = [str(number).encode() for number in range(len(results))]
        sender = Sender({US: stub.url}, secret, retry=recorded_retry([]), now=lambda: now)
        self.crashed = False
        dead_letters = DeadLetters(folder / "dead")
        with Spool(folder / "spool.db") as spool, sender:
            try:
                run_send(
                    lines,
                    translate,
                    sender,
                    US,
                    out=out,
                    err=err,
                    spool=spool,
                    dead_letters=dead_letters,
                )
            except Crash:
                self.crashed = True
        self.summary = json.loads(out.getvalue()) if out.getvalue() else None
        self.losses = [json.loads(line) for line in err.getvalue().splitlines()]
        path = folder / "dead"
        lines = path.read_bytes().splitlines() if path.exists() else []
        self.dead = [json.loads(line) for line in lines]


def sent(*operations: Operation) -> Result:
    return Result("m", operations)


def account(read: int, **others: int) -> dict[str, int]:
    zeros = {"delivered": 0, "skipped": 0, "rejected": 0, "dead_lettered": 0}
    return {"read": read, **zeros, **others}


def crash_on(monkeypatch: pytest.MonkeyPatch, method: str, *, after: bool) -> None:
    """The next call of a method of Spool is the last, before or after it did what it does."""
    original = getattr(Spool, method)

    def crashing(self: Spool, *given: Any) -> Any:
        monkeypatch.undo()
        if after:
            original(self, *given)
        raise Crash

    monkeypatch.setattr(Spool, method, crashing)


@pytest.mark.parametrize(
    ("method", "after", "expected"),
    [
        ("add", False, [["A", "B"]]),
        ("add", True, [["A", "B"]]),
        ("settle", False, [["A", "B"], ["A", "B"]]),
        ("settle", True, [["A", "B"]]),
    ],
)
def test_what_was_taken_in_is_delivered_after_a_crash(
    tmp_path: Path,
    stub: Stub,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    after: bool,
    expected: list[list[str]],
) -> None:
    """Wherever it crashes, all is delivered, and what may arrive twice at most twice, unchanged."""
    results: list[Any] = [sent(event("A")), sent(event("B")), Result("s")]
    crash_on(monkeypatch, method, after=after)
    assert Run(tmp_path, stub, results).crashed
    # The settings may have changed meanwhile; what was taken in was translated then.
    again = Run(tmp_path, stub, results)
    assert account(3, delivered=2, skipped=1) == again.summary
    assert stub.names() == expected
    assert len({request.body for request in stub.received}) == 1


def test_the_account_goes_on(tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run before it rejected or delivered counts in the run that comes to the end."""
    bad = Result("bad", error=Failure("missing_id", "no id"))
    results: list[Any] = [sent(event("A")), bad, sent(event("B"))]
    stub.script = [Reply(200, b"0"), Reply(200, b"1"), Reply(200, b"0")]
    crash_on(monkeypatch, "settle", after=True)
    assert Run(tmp_path, stub, results).crashed
    again = Run(tmp_path, stub, results)
    assert again.summary == account(3, delivered=1, rejected=2)
    assert [letter["reason"] for letter in again.dead] == ["no id", "HTTP 200: 0"]


def test_an_increment_that_was_on_its_way_is_not_sent_again(
    tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whether it arrived; it is a dead letter that says so, and the rest goes on."""
    results: list[Any] = [sent(update("ann", "$add", {"n": 1}), event("A"))]
    crash_on(monkeypatch, "settle", after=False)
    assert Run(tmp_path, stub, results).crashed
    again = Run(tmp_path, stub, results)
    assert account(1, dead_lettered=1) == again.summary
    assert stub.names() == [["ann"], ["A"]]
    assert [letter["reason"] for letter in again.dead] == [
        "the sender was stopped while it was on its way: "
        "it is unknown whether it arrived, and a second one would count twice"
    ]
    assert [letter["operation"]["payload"]["$add"] for letter in again.dead] == [{"n": 1}]


@pytest.mark.parametrize(
    ("secret", "endpoints", "fate"),
    [("secret", ["/import"], "delivered"), (None, [], "dead_lettered")],
)
def test_an_event_that_got_too_old_is_imported(
    tmp_path: Path,
    stub: Stub,
    monkeypatch: pytest.MonkeyPatch,
    secret: str | None,
    endpoints: list[str],
    fate: str,
) -> None:
    """/track drops events of more than five days without a word, so one that waited is imported."""
    results: list[Any] = [sent(event("A", time=NOW))]
    crash_on(monkeypatch, "add", after=True)
    assert Run(tmp_path, stub, results, secret=secret).crashed
    again = Run(tmp_path, stub, results, secret=secret, now=NOW + 6 * DAY)
    assert account(1, **{fate: 1}) == again.summary
    assert endpoints == [request.endpoint for request in stub.received]


def test_another_input_is_not_mistaken_for_the_same(
    tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash what was taken in is delivered, and a new input is read from its start."""
    crash_on(monkeypatch, "add", after=True)
    assert Run(tmp_path, stub, [sent(event("A"))]).crashed
    later = [sent(event("A")), sent(event("B")), sent(event("C"))]

    out, err = StringIO(), StringIO()
    with Spool(tmp_path / "spool.db") as spool, Sender({US: stub.url}) as sender:
        run_send(
            [b"2", b"1"], lambda line: later[int(line)], sender, US, out=out, err=err, spool=spool
        )
    assert account(3, delivered=3) == json.loads(out.getvalue())
    assert sorted(name for names in stub.names() for name in names) == ["A", "B", "C"]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """A second process gets an error: the spool is in use."""
    with Spool(tmp_path / "spool.db"), pytest.raises(SpoolError, match="another process uses it"):
        Spool(tmp_path / "spool.db")


@pytest.mark.parametrize("text", [b"SQLite format 3\x00 not quite", b"{}" * 2000])
def test_a_file_that_is_no_spool(tmp_path: Path, text: bytes) -> None:
    """Another kind of file is refused and stays as it is."""
    path = tmp_path / "notes.txt"
    path.write_bytes(text)
    with pytest.raises(SpoolError, match="is not a spool"):
        Spool(path)
    assert text == path.read_bytes()


def test_it_tells_a_crash_from_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a crash nothing is sent before an alias of before has had its time."""
    with Spool(tmp_path / "spool.db") as spool:
        assert not spool.interrupted
        monkeypatch.setattr(spool, "close", spool._db._db.close)
    with Spool(tmp_path / "spool.db") as spool:
        assert spool.interrupted
    with Spool(tmp_path / "spool.db") as spool:
        assert not spool.interrupted


def incoming(key: bytes, *operations: Operation) -> IncomingMessage:
    queued = [QueuedOperation(0, each, encode(each.payload)) for each in operations]
    return IncomingMessage(MessageStatus(1, "m", len(queued), key=key), queued)


def test_many_messages_are_one_transaction(tmp_path: Path) -> None:
    """A group of messages is written with one commit; keys that are known are not taken in."""
    with Spool(tmp_path / "spool") as spool:
        spool.add([incoming(b"0", event("0"))], NOW)
        keys = [b"%d" % number for number in range(300)]
        group = [
            incoming(key, event(key.decode()), update("ann", "$set", {"a": 1}))
            for key in [*keys, b"7"]
        ]
        added = spool.add(group, NOW)
        kept = spool.after(0, 1000)
    assert added == [False, *[True] * 299, False]
    assert [each.number for each in kept] == list(range(1, 600))
    assert [each.status.number for each in kept] == [1, *(n // 2 + 2 for n in range(598))]


def test_numbers_are_never_given_twice(tmp_path: Path) -> None:
    """A message that comes after all others were let go of has a number of its own."""
    with Spool(tmp_path / "spool") as spool:
        spool.add([incoming(b"1"), incoming(b"2")], NOW)
        spool.forget(NOW + 1)
    with Spool(tmp_path / "spool") as spool:
        message = incoming(b"3")
        spool.add([message], NOW)
    assert message.status.number == 3


def test_only_so_many_messages_are_remembered(tmp_path: Path) -> None:
    """Of settled messages the last ones are known, however short ago the others were."""
    with Spool(tmp_path / "spool") as spool:
        spool.add([incoming(b"%d" % number) for number in range(5)], NOW)
        spool.add([incoming(b"open", event("E"))], NOW)
        assert not spool.forget(NOW - DAY, keep=2)
        known = [spool.known(key)[0] for key in (b"0", b"3", b"4", b"open")]
    assert known == [False, False, True, True]


def test_probe(tmp_path: Path) -> None:
    """A probe fails without room for its size, and leaves nothing behind."""
    path = tmp_path / "spool.db"
    with Spool(path) as spool:
        (pages,) = spool._db.execute("PRAGMA page_count").fetchone()
        spool._db.execute(f"PRAGMA max_page_count = {pages + 3}")
        spool.probe(4096)
        with pytest.raises(StorageError):
            spool.probe(20 * 4096)
        spool._db.execute(f"PRAGMA max_page_count = {pages + 30}")
        spool.probe(20 * 4096)
        found = spool._db.execute("SELECT value FROM about WHERE name = 'probe'").fetchall()
        assert found == []
