"""Damage on disk stops only what it hits, and is reported."""

import json
import os
import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.translator.sender.build import NOW, US, event, recorded_retry
from tests.translator.sender.stub import Stub
from translator.core.operations import Result
from translator.sender import Sender, run_send
from translator.sender.books.dead_letters import DeadLetters
from translator.sender.books.message_status import MessageStatus
from translator.sender.books.spool import Spool
from translator.sender.books.spool_database import SpoolError
from translator.sender.books.spool_records import IncomingMessage
from translator.sender.books.spool_rows import checksum
from translator.sender.queue.payload_text import encode
from translator.sender.queue.queued_operation import QueuedOperation

COUNT = 300


def fill(path: Path, count: int = COUNT) -> None:
    """A spool with events of different people, each a few hundred bytes long."""
    messages = []
    for number in range(count):
        one = event(f"E{number}", distinct_id=f"p{number}", text="x" * 300)
        queued = QueuedOperation(number, one, encode(one.payload), (f"person p{number}",))
        status = MessageStatus(number + 1, f"m{number}", 1, key=b"line %d" % number)
        messages.append(IncomingMessage(status, [queued]))
    with Spool(path) as spool:
        spool.add(messages, NOW)


class Resumed:
    """A run of `send` without input on the spool of a folder."""

    def __init__(self, folder: Path, stub: Stub) -> None:
        out, err = StringIO(), StringIO()
        with (
            Spool(folder / "spool") as spool,
            Sender({US: stub.url}, retry=recorded_retry([]), now=lambda: NOW) as sender,
        ):
            dead = DeadLetters(folder / "dead")
            self.code = run_send(
                [],
                lambda line: Result(None),
                sender,
                US,
                out=out,
                err=err,
                spool=spool,
                dead_letters=dead,
            )
        self.summary: dict[str, Any] = json.loads(out.getvalue())
        self.losses = [json.loads(line) for line in err.getvalue().splitlines()]
        self.sent = {name for names in stub.names() for name in names}
        path = folder / "dead"
        lines = path.read_text().splitlines() if path.exists() else []
        self.dead = [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE operations SET payload = CAST(replace(payload, 'E7\"', 'X7\"') AS BLOB)"
        " WHERE number = 8",
        "UPDATE operations SET payload = x'7b' WHERE number = 8",
        "UPDATE operations SET payload = 17 WHERE number = 8",
        "UPDATE operations SET host = 'https://evil.example' WHERE number = 8",
        "UPDATE operations SET host = x'ff' WHERE number = 8",
        "UPDATE operations SET ordering_keys = 'no JSON' WHERE number = 8",
        "UPDATE operations SET endpoint = '/tracc' WHERE number = 8",
        "UPDATE operations SET checksum = 'none' WHERE number = 8",
    ],
)
def test_one_unreadable_operation(tmp_path: Path, stub: Stub, change: str) -> None:
    """It is a dead letter that says so, with what is left of it; all others are delivered."""
    fill(tmp_path / "spool", 20)
    with sqlite3.connect(tmp_path / "spool") as db:
        assert db.execute(change).rowcount == 1
    db.close()
    run = Resumed(tmp_path, stub)
    assert run.sent == {f"E{n}" for n in range(20)} - {"E7"}
    assert (run.code, run.summary["delivered"], run.summary["dead_lettered"]) == (1, 19, 1)
    [loss] = run.losses
    assert (loss["line"], loss["messageId"]) == (8, "m7")
    assert loss["reason"].startswith("operation 8 of the spool is damaged and cannot be sent: ")
    [letter] = run.dead
    assert set(letter["unreadable"]) == {"endpoint", "host", "payload"}


def test_an_operation_without_its_message(tmp_path: Path, stub: Stub) -> None:
    """It is delivered, though the row of its message is lost."""
    fill(tmp_path / "spool", 3)
    with sqlite3.connect(tmp_path / "spool") as db:
        db.execute("DELETE FROM messages WHERE number = 2")
    db.close()
    assert Resumed(tmp_path, stub).sent == {"E0", "E1", "E2"}


def flipped(path: Path, chance: random.Random) -> None:
    """Change one byte after the first page, which says what the file is."""
    place = chance.randrange(4096, path.stat().st_size)
    with path.open("r+b") as file:
        file.seek(place)
        [byte] = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ chance.randrange(1, 256)]))


def cut(path: Path, chance: random.Random) -> None:
    """Lose the end of the file."""
    os.truncate(path, chance.randrange(8192, path.stat().st_size))


@pytest.mark.parametrize("damage", [flipped, cut])
@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_file(
    tmp_path: Path, stub: Stub, damage: Callable[[Path, random.Random], None], seed: int
) -> None:
    """What can be read is delivered as it was, and if something cannot, it is said."""
    fill(tmp_path / "spool")
    damage(tmp_path / "spool", random.Random(seed))
    run = Resumed(tmp_path, stub)
    expected = {f"E{n}" for n in range(COUNT)}
    assert run.sent <= expected
    texts = {record["properties"]["text"] for each in stub.received for record in each.records}
    assert texts <= {"x" * 300}
    if run.sent < expected:
        assert run.code == 1
        assert run.losses != []
    if damage is flipped:
        assert len(run.sent) >= COUNT - 60


@pytest.mark.parametrize("count", [12, 20, COUNT])
@pytest.mark.parametrize("missing", [512, 1000, 4095, 4096, 5000, 8000])
def test_a_missing_end(tmp_path: Path, stub: Stub, count: int, missing: int) -> None:
    """If the end of the file is missing, only operations that were there are lost, each with its
    report; the readable part of a page counts as readable."""
    fill(tmp_path / "spool", count)
    size = (tmp_path / "spool").stat().st_size
    os.truncate(tmp_path / "spool", size - missing)
    run = Resumed(tmp_path, stub)
    # An operation has at least 480 bytes in its page.
    lost = count - len(run.sent)
    assert lost <= missing // 480 + 1
    found = re.search(r"up to (\d+) operations", run.summary["damage"])
    assert found is not None
    assert int(found[1]) + run.summary["dead_lettered"] >= lost
    assert run.code == 1


def fill_with_changes(path: Path) -> None:
    """A spool with pages of every kind: rows that were deleted, long rows, dead letters."""
    fill(path, 45)
    with sqlite3.connect(path) as db:
        # Delivered: the operations are deleted, which gives free pages.
        db.execute("DELETE FROM operations WHERE number <= 16")
        settled = "left = 0, settled_at = 7, settled_run = 1"
        db.execute(f"UPDATE messages SET {settled} WHERE number <= 16")
        db.executemany("INSERT INTO dead_letters (line) VALUES (?)", [(b"d" * 700,)] * 8)
    db.close()


def intact(path: Path, content: bytes) -> set[str]:
    """The waiting events of a spool of which a file still has the whole rows."""
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT payload FROM operations").fetchall()
    db.close()
    return {json.loads(payload)["event"] for (payload,) in rows if payload in content}


def recovered(path: Path, content: bytes) -> tuple[set[str], str]:
    """The events that wait in a spool with this content, and the report of the damage.

    Operations whose rows are not whole are left out: they are reported when they are read.
    """
    path.write_bytes(content)
    with Spool(path) as spool:
        damage = spool.damage or ""
    with sqlite3.connect(path) as db:
        found = db.execute(
            "SELECT endpoint, host, ordering_keys, payload, checksum FROM operations"
        )
        rows = found.fetchall()
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()
    whole = [row[3] for row in rows if checksum(*row[:4]) == row[4]]
    return {json.loads(payload)["event"] for payload in whole}, damage


@pytest.mark.parametrize("kind", ["zeroed", "random", "missing", "zeroed end"])
def test_any_damaged_page(tmp_path: Path, kind: str) -> None:
    """All operations on other pages are kept, none that was delivered comes back.

    The pages of roots are among them: the rows of their tables are on other pages.
    """
    original = tmp_path / "original"
    fill_with_changes(original)
    content = original.read_bytes()
    chance = random.Random(5)
    # Without its first page, or with that alone, a file cannot be known as a spool.
    for number in range(2 if kind == "missing" else 1, len(content) // 4096):
        start, end = 4096 * number, 4096 * (number + 1)
        pages = {
            "zeroed": bytes(4096) + content[end:],
            "random": chance.randbytes(4096) + content[end:],
            # The header of the page is whole, so SQLite reads its rows or children as zeros.
            "zeroed end": content[start : end - 1024] + bytes(1024) + content[end:],
            "missing": b"",
        }
        damaged = content[:start] + pages[kind]
        found, damage = recovered(tmp_path / f"spool{number}", damaged)
        expected = intact(original, damaged)
        assert found == expected, number
        lost = 29 - len(expected)
        if lost and kind != "zeroed end":
            counted = re.search(r"up to (\d+) operations", damage)
            assert counted is not None
            assert int(counted[1]) >= lost


def without_roots(path: Path) -> list[str]:
    """Zero the root pages that lead to other pages; the names of their tables."""
    with sqlite3.connect(path) as db:
        tables = db.execute("SELECT rootpage, name FROM sqlite_master WHERE type = 'table'")
        roots = dict(tables.fetchall())
    db.close()
    content = bytearray(path.read_bytes())
    leading = [root for root in roots if content[4096 * (root - 1)] == 5]
    for root in leading:
        content[4096 * (root - 1) : 4096 * root] = bytes(4096)
    path.write_bytes(content)
    return sorted(roots[root] for root in leading)


def test_a_lost_root_of_long_rows(tmp_path: Path) -> None:
    """The end of a long row is found on its other pages, and its checksum is right."""
    path = tmp_path / "spool"
    messages = []
    for number in range(8):
        one = event(f"E{number}", distinct_id=f"p{number}", text=f"{number}" * 9000)
        queued = QueuedOperation(number, one, encode(one.payload), (f"person p{number}",))
        status = MessageStatus(number + 1, f"m{number}", 1, key=b"line %d" % number)
        messages.append(IncomingMessage(status, [queued]))
    with Spool(path) as spool:
        spool.add(messages, NOW)
    assert without_roots(path) == ["operations"]
    found, damage = recovered(path, path.read_bytes())
    assert found == {f"E{number}" for number in range(8)}
    assert damage.startswith("the spool was damaged: up to 0 operations, 0 messages")


def test_all_roots_are_lost(tmp_path: Path) -> None:
    """The rows of all tables are on other pages, and none counts as lost."""
    fill(tmp_path / "spool")
    assert without_roots(tmp_path / "spool") == ["messages", "operations"]
    found, damage = recovered(tmp_path / "spool", (tmp_path / "spool").read_bytes())
    assert found == {f"E{number}" for number in range(COUNT)}
    assert damage.startswith("the spool was damaged: up to 0 operations, 0 messages")


@pytest.mark.parametrize("place", [0, 15, 16, 18, 19, 22, 28, 47, 59, 100, 103, 109, 3788, 3962])
def test_a_damaged_first_page(tmp_path: Path, stub: Stub, place: int) -> None:
    """A byte of the header or of the list of tables loses no operation."""
    fill(tmp_path / "spool", 20)
    content = bytearray((tmp_path / "spool").read_bytes())
    content[place] ^= 0x02
    (tmp_path / "spool").write_bytes(content)
    assert Resumed(tmp_path, stub).sent == {f"E{n}" for n in range(20)}


def test_a_first_page_without_header(tmp_path: Path, stub: Stub) -> None:
    """The whole header may be lost; the damage is reported."""
    fill(tmp_path / "spool", 20)
    content = (tmp_path / "spool").read_bytes()
    (tmp_path / "spool").write_bytes(bytes(100) + content[100:])
    run = Resumed(tmp_path, stub)
    assert run.sent == {f"E{n}" for n in range(20)}
    assert run.summary["damage"].startswith("the spool was damaged: up to 0 operations, 0 messages")
    assert (tmp_path / "spool.damaged").read_bytes()[100:] == content[100:]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a text that is not a database, and is long enough to be one\n" * 100, "not a database"),
        (b"SQLite format 3\0" + bytes(5000), "not a spool"),
        (None, "it is another database"),
    ],
    ids=["text", "empty database", "database"],
)
def test_a_file_of_another_program(tmp_path: Path, content: bytes | None, problem: str) -> None:
    """A file that is not a spool is refused, and stays as it is: its bytes and its mode."""
    path = tmp_path / "other"
    if content is None:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE messages (number INTEGER)")
        db.close()
        content = path.read_bytes()
    path.write_bytes(content)
    path.chmod(0o644)
    with pytest.raises(SpoolError, match=problem):
        Spool(path)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (content, 0o644)
    assert [each.name for each in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full"])
def test_a_device_is_no_spool(device: str) -> None:
    """A device is refused before anything is done to it."""
    before = Path(device).stat()
    with pytest.raises(SpoolError, match="is not a regular file"):
        Spool(device)
    assert Path(device).stat().st_mode == before.st_mode


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_write_ahead_log(tmp_path: Path, stub: Stub, seed: int) -> None:
    """SQLite leaves out what comes after a damaged frame; that is not silent."""
    fill(tmp_path / "other", 5)
    first, second = tmp_path / "open", tmp_path / "spool"
    with Spool(first) as spool:
        for number in range(20):
            one = event(f"E{number}", distinct_id=f"p{number}")
            queued = QueuedOperation(0, one, encode(one.payload), (f"person p{number}",))
            status = MessageStatus(number + 1, f"m{number}", 1, key=b"%d" % number)
            spool.add([IncomingMessage(status, [queued])], NOW)
        # As after a crash: the file as it is while the spool is open.
        for ending in ("", "-wal"):
            shutil.copy(f"{first}{ending}", f"{second}{ending}")
    wal = Path(f"{second}-wal")
    flipped(wal, random.Random(seed))
    run = Resumed(tmp_path, stub)
    assert len(run.sent) < 20
    assert run.code == 1
    assert "write-ahead log" in run.summary["damage"]
