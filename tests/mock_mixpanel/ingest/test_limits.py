"""Documented limits: at the limit is allowed, beyond it is refused or cut."""

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from mock_mixpanel import Config, Server
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.projects.config import MixpanelLimits
from tests.mock_mixpanel.wire import event, http, reasons, send, update

JSON = {"Content-Type": "application/json"}
GZIP = JSON | {"Content-Encoding": "gzip"}
MEGABYTE = 1024 * 1024


def nested(depth: int) -> Any:
    return {"a": nested(depth - 1)} if depth else 1


ALLOWED: dict[str, Any] = {
    "255 keys": {f"k{n}": n for n in range(255)},
    "255 elements": list(range(255)),
    "3 levels": nested(3),
    "3 levels in lists": [[nested(3)]],
}
REFUSED: dict[str, tuple[Any, str]] = {
    "256 keys": ({f"k{n}": n for n in range(256)}, "more than 255 keys"),
    "256 keys inside": ({"a": [{f"k{n}": n for n in range(256)}]}, "more than 255 keys"),
    "256 elements": (list(range(256)), "more than 255 elements"),
    "4 levels": (nested(4), "nested deeper than 3 levels"),
    "4 levels in lists": ([[nested(4)]], "nested deeper than 3 levels"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_at_the_limit(mock_mixpanel: MockMixpanel, name: str) -> None:
    """A value at a limit is stored unchanged."""
    send(mock_mixpanel, "/track", event(mock_mixpanel, value=ALLOWED[name]))
    assert [item["properties"]["value"] for item in mock_mixpanel.events()] == [ALLOWED[name]]


@pytest.mark.parametrize("endpoint", ["/track", "/import"])
@pytest.mark.parametrize("name", REFUSED)
def test_beyond_the_limit(mock_mixpanel: MockMixpanel, name: str, endpoint: str) -> None:
    """A value beyond a limit is refused with the reason."""
    value, reason = REFUSED[name]
    assert send(mock_mixpanel, endpoint, event(mock_mixpanel, value=value)).content == b"0"
    assert reasons(mock_mixpanel) == [[f"properties.value: {reason}"]]


def test_profiles_nest_freely(mock_mixpanel: MockMixpanel) -> None:
    """The limits on nesting are those of events only."""
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"value": nested(6)}))
    assert mock_mixpanel.profiles() == {"u-1": {"value": nested(6)}}


def test_number_of_properties(mock_mixpanel: MockMixpanel) -> None:
    """255 properties besides the token are allowed, 256 are not."""
    most = {f"p{number}": number for number in range(254)}
    records = [event(mock_mixpanel, **most), event(mock_mixpanel, **most, one_more=1)]
    send(mock_mixpanel, "/track", records)
    assert len(mock_mixpanel.events()) == 1
    assert reasons(mock_mixpanel) == [["properties: more than 255"]]


def test_long_texts_are_cut(mock_mixpanel: MockMixpanel) -> None:
    """Names and texts are cut at 255 characters, not refused."""
    send(mock_mixpanel, "/track", event(mock_mixpanel, **{"ä" * 256: "ö" * 256}))
    assert [item["properties"] for item in mock_mixpanel.events()] == [
        {"distinct_id": "u-1", "ä" * 255: "ö" * 255}
    ]


def test_size_of_a_record(mock_mixpanel: MockMixpanel) -> None:
    """An event may have 1 MB of compact JSON."""
    record = event(mock_mixpanel, text="")
    record["properties"]["text"] = "x" * (MEGABYTE - len(json.dumps(record, separators=(",", ":"))))
    larger = event(mock_mixpanel, text=record["properties"]["text"] + "x")
    assert send(mock_mixpanel, "/track", record).content == b"1"
    assert send(mock_mixpanel, "/track", larger).content == b"0"
    assert reasons(mock_mixpanel) == [["record: larger than 1048576 bytes"]]


@pytest.mark.parametrize("endpoint", ["/track", "/engage", "/groups", "/import?strict=1"])
def test_number_of_records(mock_mixpanel: MockMixpanel, endpoint: str) -> None:
    """2000 records are taken, 2001 are refused as a whole."""
    record = {"$token": mock_mixpanel.token, "properties": {"token": mock_mixpanel.token}}
    assert send(mock_mixpanel, endpoint, [record] * 2000).status_code != 413
    mock_mixpanel.reset()
    assert send(mock_mixpanel, endpoint, [record] * 2001).status_code == 413
    assert reasons(mock_mixpanel) == [["request: more than 2000 records"]] * 2001


@pytest.fixture(scope="module")
def small() -> Iterator[Server]:
    """A server that takes bodies of 1000 bytes."""
    with Server(Config(limits=MixpanelLimits(body_bytes=1000))) as server:
        yield server


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (JSON, b"[" + b" " * 999 + b"]"),
        (GZIP, gzip.compress(b"[" + b" " * 999 + b"]")),
        (GZIP, gzip.compress(b"[" + b" " * 600) + gzip.compress(b" " * 600 + b"]")),
    ],
    ids=["plain", "gzip", "gzip in two members"],
)
def test_body_size(small: Server, headers: dict[str, str], body: bytes, chunked: bool) -> None:
    """A body beyond the limit, as sent or decompressed, is a 413 and is listed."""
    data = iter([body]) if chunked else body
    answer = http("POST", f"{small.url}/import?strict=1", headers=headers, data=data)
    assert answer.status_code == 413
    assert answer.json() == {
        "code": 413,
        "error": "request exceeds max limit of 1000 bytes",
        "status": "Request Entity Too Large",
    }
    last = http("GET", f"{small.url}/_mock/rejected?limit=1").json()
    assert [item["reasons"] for item in last] == [["body: larger than 1000 bytes"]]


def test_body_at_the_limit(small: Server) -> None:
    """A body of just the limit is read."""
    answer = http("POST", f"{small.url}/track", headers=JSON, data=b"[" + b" " * 998 + b"]")
    assert answer.status_code == 200


def test_token_routes_answer_413_with_a_page(small: Server) -> None:
    """On /track a 413 is a page of HTML."""
    answer = http("POST", f"{small.url}/track", data=b"x" * 1001)
    assert (
        answer.status_code,
        answer.headers["Content-Type"],
    ) == (413, "text/html; charset=utf-8")


def test_gzip_bomb(mock_mixpanel: MockMixpanel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb is not unpacked beyond the limit."""
    asked: list[int] = []
    unpack = zlib.decompressobj

    class Watched:
        def __init__(self, wbits: int) -> None:
            self._real = unpack(wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            asked.append(most)
            return self._real.decompress(data, most)

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    chunk = b"\0" * MEGABYTE
    bomb = b"".join(packer.compress(chunk) for _ in range(200)) + packer.flush()
    answer = http("POST", f"{mock_mixpanel.url}/track", headers=GZIP, data=bomb)
    assert answer.status_code == 413
    assert asked == [10 * MEGABYTE + 1]


@pytest.mark.parametrize(("length", "noted"), [(8190, False), (8191, True)])
def test_large_value_of_an_event(mock_mixpanel: MockMixpanel, length: int, noted: bool) -> None:
    """A list of more than 8 KB is kept, and noted (choice)."""
    value = ["x" * 250] * 32
    value.append("y" * (length - len(json.dumps(value, separators=(",", ":"))) - 1))
    send(mock_mixpanel, "/track", event(mock_mixpanel, value=value))
    assert [item["properties"]["value"] for item in mock_mixpanel.events()] == [value]
    assert reasons(mock_mixpanel) == [["properties.value: larger than 8192 bytes"]] * noted


def test_hot_shard(mock_mixpanel: MockMixpanel) -> None:
    """Beyond the limit of a person and day, events are stored as Mixpanel renames them."""
    mock_mixpanel.project(limits={"hot_shard": 2})
    days = [0, 0, 86400, 0]
    times = [1781524800 - day for day in days]
    mock_mixpanel.freeze("2026-06-15T12:00:00Z")
    records = [event(mock_mixpanel, f"E{n}", time=time) for n, time in enumerate(times)]
    records.append(event(mock_mixpanel, "E4", time=times[0], distinct_id="u-2"))
    send(mock_mixpanel, "/track", records)
    found = [(item["event"], item["distinct_id"]) for item in mock_mixpanel.events()]
    assert found == [
        ("E0", "u-1"),
        ("E1", "u-1"),
        ("E2", "u-1"),
        ("$hotshard_events", ""),
        ("E4", "u-2"),
    ]
    hot = mock_mixpanel.events()[3]["properties"]
    assert (hot["mp_original_event_name"], hot["mp_original_distinct_id"]) == ("E3", "u-1")
    assert reasons(mock_mixpanel) == [["distinct_id: too many events in a day"]]


def test_hot_shard_of_a_group(mock_mixpanel: MockMixpanel) -> None:
    """A group has one limit for all its members, under each of its keys."""
    mock_mixpanel.project(group_keys=["company"], limits={"hot_shard_group": 2})
    groups = ["acme", ["other", "acme"], ["acme"], "other", None]
    records = [
        event(mock_mixpanel, f"E{n}", distinct_id=f"u-{n}", company=group)
        for n, group in enumerate(groups)
    ]
    send(mock_mixpanel, "/track", records)
    found = [(item["event"], item["distinct_id"]) for item in mock_mixpanel.events()]
    hot = ("$hotshard_events", "")
    assert found == [("E0", "u-0"), ("E1", "u-1"), hot, ("E3", "u-3"), ("E4", "u-4")]
    assert reasons(mock_mixpanel) == [["company: too many events in a day"]]


@pytest.mark.parametrize(("value", "kept"), [(True, 0), ("yes", 0), (False, 1), ("", 1), (None, 1)])
def test_ignore(mock_mixpanel: MockMixpanel, value: Any, kept: int) -> None:
    """`$ignore` drops an event in silence: the answer is 1."""
    assert send(mock_mixpanel, "/track", event(mock_mixpanel, **{"$ignore": value})).content == b"1"
    assert kept == len(mock_mixpanel.events())
    assert reasons(mock_mixpanel) == [["$ignore: set"]] * (1 - kept)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"event": "", "properties": {"token": "T"}}, "event, missing or empty"),
        ({"event": 5, "properties": {"token": "T"}}, "event, missing or empty"),
        (5, "data, missing or empty"),
        (None, "data, missing or empty"),
        ([[]], "data, missing or empty"),
    ],
)
def test_not_an_event(mock_mixpanel: MockMixpanel, record: Any, reason: str) -> None:
    """A record that is not an event is refused with a reason, without a crash."""
    answer = send(mock_mixpanel, "/track?verbose=1", [record])
    assert answer.json() == {"error": reason, "status": 0}
