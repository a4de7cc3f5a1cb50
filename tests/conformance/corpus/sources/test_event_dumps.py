"""Segment's archives and RudderStack's dumps become a corpus; bad lines stop only themselves."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.corpus.sources.importing import run_import

SEEN = {"type": "track", "messageId": "m-1", "userId": "ann", "event": "Seen"}


def test_an_archive_folder(tmp_path: Path) -> None:
    """Every file of the folders is read, in the order of the names; marker files are not."""
    for day, name in (("1718409600000", "b"), ("1718323200000", "a")):
        folder = tmp_path / "segment-logs" / "src" / day
        folder.mkdir(parents=True)
        line = json.dumps({**SEEN, "messageId": name}) + "\n"
        (folder / f"{name}.gz").write_bytes(gzip.compress(line.encode()))
    (tmp_path / "segment-logs" / "_SUCCESS").write_text("done")
    (tmp_path / "segment-logs" / ".DS_Store").write_bytes(b"\0")
    found = run_import("segment-s3", tmp_path / "segment-logs")
    assert [message["messageId"] for message in found.messages] == ["a", "b"]
    assert (found.status, found.summary) == (0, ["imported: 2 messages (2 track)"])


def test_long_numbers_keep_their_digits(tmp_path: Path) -> None:
    """Whole numbers of more than 64 bits are often ids: two of them never become one."""
    messages = [{**SEEN, "userId": 10**30 + number} for number in (1, 2)]
    file = tmp_path / "in"
    file.write_text("".join(json.dumps(message) + "\n" for message in messages))
    assert run_import("segment-s3", file).messages == messages


def test_bad_lines_stop_only_themselves(tmp_path: Path) -> None:
    """Each bad line is counted by its code, with its place and without its content."""
    file = tmp_path / "in"
    lines = [
        '{"secret": ',
        json.dumps(SEEN),
        "[1]",
        '{"event": "x"}',
        '{"type": "delete"}',
        '{"type": "track", "properties": {"x": NaN}}',
        '{"type": "track", "properties": {"x": ' + "[" * 250 + "]" * 250 + "}}",
    ]
    file.write_text("\n".join(lines))
    found = run_import("segment-s3", file)
    assert (found.messages, found.status) == ([SEEN], 1)
    assert found.summary == [
        "imported: 1 messages (1 track)",
        "left out: 6 rows",
        "  nested_too_deeply: 1",
        f"    {file}:7: more than 200 levels of nesting",
        "  no_type: 1",
        f"    {file}:4: the message has no type",
        "  not_an_object: 1",
        f"    {file}:3: a message must be a JSON object",
        "  not_json: 2",
        f"    {file}:1: the line is not valid JSON",
        f"    {file}:6: the line is not valid JSON",
        "  unknown_type: 1",
        f"    {file}:5: type must be one of alias, group, identify, page, screen, track",
    ]


def test_the_summary_shows_three_examples() -> None:
    """Further rows with the same code are counted only."""
    found = run_import("segment-s3", stdin=b"no\n" * 5)
    assert found.summary[1:3] == ["left out: 5 rows", "  not_json: 5"]
    assert [line.strip() for line in found.summary[3:]] == [
        f"-:{number}: the line is not valid JSON" for number in (1, 2, 3)
    ]


@pytest.mark.parametrize("name", ["writeKey", "write_key", "Authorization", "apiSecret", "api_key"])
def test_credentials_are_removed(name: str) -> None:
    """A credential is removed at every level, whatever the spelling of its name."""
    line = {**SEEN, name: "hush", "context": {"headers": [{name: "hush", "a": 1}]}}
    found = run_import("segment-s3", stdin=json.dumps(line).encode())
    assert found.messages == [{**SEEN, "context": {"headers": [{"a": 1}]}}]


EVENT = {**SEEN, "rudderId": "r-1", "request_ip": "198.51.100.7", "context": {"locale": "nl-NL"}}
CLEAN = {**SEEN, "context": {"locale": "nl-NL", "ip": "198.51.100.7"}}


@pytest.mark.parametrize(
    "line",
    [
        EVENT,
        {"userId": "ann", "payload": EVENT, "createdAt": "2026-06-15T12:00:00Z", "messageId": "m"},
        {"EventPayload": {"batch": [EVENT], "writeKey": "hush"}, "JobID": 1},
        {"EventPayload": json.dumps({"batch": [EVENT], "writeKey": "hush"})},
        {"batch": [{**EVENT, "request_ip": None}], "requestIP": "198.51.100.7"},
        {"batch": [EVENT], "writeKey": "hush", "request_ip": "192.0.2.1"},
    ],
    ids=["event", "job", "old job", "job as text", "batch with address", "own address"],
)
def test_the_forms_of_rudderstack(line: Any) -> None:
    """Each form of a dump gives the event, with the address of the request as context.ip."""
    found = run_import("rudderstack", stdin=json.dumps(line).encode())
    assert (found.messages, found.status) == ([CLEAN], 0)


def test_a_batch_gives_its_time_and_stops_no_neighbour() -> None:
    """The batch's receivedAt goes to events without one; a bad event is left out alone."""
    batch = [SEEN, {"type": "merge"}, {**SEEN, "receivedAt": "2026-06-15T12:00:01Z"}, 7]
    job = {"payload": {"batch": batch, "receivedAt": "2026-06-15T12:00:00Z"}}
    found = run_import("rudderstack", stdin=json.dumps(job).encode())
    times = ["2026-06-15T12:00:00Z", "2026-06-15T12:00:01Z"]
    assert found.messages == [{**SEEN, "receivedAt": time} for time in times]
    assert [line.strip().partition(" ")[0] for line in found.summary[2:]] == [
        "not_an_object:",
        "-:1[3]:",
        "unknown_type:",
        "-:1[1]:",
    ]


def test_an_ip_of_the_event_wins() -> None:
    """The address of the request does not replace the ip that the library set."""
    line = {**EVENT, "context": {"ip": "203.0.113.9"}}
    [message] = run_import("rudderstack", stdin=json.dumps(line).encode()).messages
    assert message["context"] == {"ip": "203.0.113.9"}
