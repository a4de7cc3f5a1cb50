"""HAR files and the mock's journal become messages where these can be known."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from conformance.runner.mock import Mock
from tests.conformance.corpus.sources.importing import ImportResult, run_import

NOW = "2026-06-15T12:00:00.000Z"
CALL = {"messageId": "m-1", "userId": "ann", "event": "Seen", "timestamp": NOW}
MESSAGE = {**CALL, "type": "track", "receivedAt": NOW, "originalTimestamp": NOW}
RECORD = {"event": "Bought", "properties": {"token": "T", "distinct_id": "ann", "time": 1781524800}}
BOUGHT = {"type": "track", "timestamp": NOW, "userId": "ann", "event": "Bought", "properties": {}}
OTHER = "requests that are not calls of Segment's API or records for Mixpanel"


def entry(url: str, body: Any, status: int = 200, **more: Any) -> Any:
    post = body if isinstance(body, dict) and "mimeType" in body else {"text": json.dumps(body)}
    headers = [{"name": "Authorization", "value": "Basic c2VjcmV0Og=="}, *more.pop("headers", [])]
    request = {"method": "POST", "url": url, "headers": headers, "postData": post, **more}
    return {"startedDateTime": NOW, "request": request, "response": {"status": status}}


def from_har(*entries: Any) -> ImportResult:
    document = {"log": {"version": "1.2", "entries": list(entries)}}
    return run_import("har", stdin=json.dumps(document).encode())


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("https://api.segment.io/v1/track", {**CALL, "writeKey": "hush"}),
        ("https://api.segment.io/v1/t", CALL),
        ("https://events.eu1.segmentapis.com/v1/b", {"batch": [{**CALL, "type": "track"}]}),
        ("http://127.0.0.1:8081/v1/batch/", {"batch": [{**CALL, "type": "track"}]}),
        ("http://127.0.0.1:8081/track", CALL),
        ("https://metrics.shop.example/v1/import", {"batch": [{**CALL, "type": "track"}]}),
    ],
)
def test_calls_of_segment(url: str, body: Any) -> None:
    """Calls to Segment, its proxies and the gateway give the messages that Segment would make."""
    found = from_har(entry(url, body))
    assert (found.messages, found.status) == ([MESSAGE], 0)


@pytest.mark.parametrize(
    "post",
    [
        {"mimeType": "application/json", "text": json.dumps([RECORD])},
        {
            "mimeType": "application/x-www-form-urlencoded",
            "text": f"data={quote(json.dumps(RECORD))}",
        },
        {
            "mimeType": "application/x-www-form-urlencoded",
            "params": [
                {"name": "data", "value": json.dumps([RECORD])},
                {"name": "ip", "value": "1"},
            ],
        },
        {
            "mimeType": "application/x-www-form-urlencoded",
            "text": "data=" + quote(base64.b64encode(json.dumps(RECORD).encode())),
        },
    ],
    ids=["json", "form", "parameters", "base64"],
)
@pytest.mark.parametrize("url", ["https://api-js.mixpanel.com/track/?verbose=1", "/track"])
def test_records_for_mixpanel(url: str, post: Any) -> None:
    """Each form in which Mixpanel's libraries send records is read."""
    url = url if url.startswith("https") else f"http://localhost:8080{url}"
    found = from_har(entry(url, post))
    [message] = found.messages
    assert message.pop("messageId") == "har-1-1-0"
    assert (message, found.status) == (BOUGHT, 0)


def test_messages_without_an_id() -> None:
    """A message without an id gets one from its place, without the name of the file."""
    call = {"userId": "ann", "event": "Seen", "type": "track"}
    batch = {"batch": [call, {**call, "messageId": "own"}, call]}
    found = from_har(entry("https://api.segment.io/v1/batch", batch))
    assert [each["messageId"] for each in found.messages] == ["har-1-1-0", "own", "har-1-1-1"]


@pytest.mark.parametrize("form", ["base64", "characters", "plain"])
def test_compressed_bodies(form: str) -> None:
    """A compressed body is read as base64, as one character for each byte, or decompressed."""
    plain = json.dumps(CALL)
    packed = gzip.compress(plain.encode())
    text = {"base64": base64.b64encode(packed).decode(), "characters": packed.decode("latin-1")}
    post = {"mimeType": "application/json", "text": text.get(form, plain)}
    if form == "base64":
        post["encoding"] = "base64"
    packing = [{"name": "Content-Encoding", "value": "gzip"}]
    found = from_har(entry("https://api.segment.io/v1/track", post, headers=packing))
    assert found.messages == [MESSAGE]


def test_records_in_the_query() -> None:
    """A GET with records in `data` is read; another GET is not an analytics call."""
    url = f"https://api.mixpanel.com/track?data={quote(json.dumps(RECORD))}"
    found = from_har(
        entry(url, {"mimeType": ""}, method="GET"),
        entry("https://api.mixpanel.com/track", {"mimeType": ""}, method="GET"),
    )
    assert [message["event"] for message in found.messages] == ["Bought"]
    assert found.summary[1:] == [f"ignored: 1 {OTHER}"]


def test_bad_entries_stop_only_themselves() -> None:
    """Entries that give no message are counted; requests of other kinds are ignored."""
    segment = "https://api.segment.io/v1"
    found = from_har(
        entry("https://shop.example/cart", {}),
        entry(f"{segment}/projects/x/settings", {}),
        entry(f"{segment}/t", CALL, method="OPTIONS"),
        entry("https://shop.example/p", {}),
        entry("https://[broken", {}),
        entry(f"{segment}/track", CALL, status=0),
        entry(f"{segment}/track", CALL, status=413),
        entry(f"{segment}/track", {"mimeType": "", "text": "{"}),
        entry(f"{segment}/track", {"mimeType": "", "text": "!", "encoding": "base64"}),
        entry(f"{segment}/batch", {"no": "batch"}),
        entry(f"{segment}/batch", {"batch": [1, {**CALL, "type": "track"}]}),
        {"startedDateTime": "once", "request": {"url": segment}},
        7,
    )
    assert (found.messages, found.status) == ([MESSAGE], 1)
    assert [line for line in found.summary if not line.startswith("    ")] == [
        "imported: 1 messages (1 track)",
        f"ignored: 5 {OTHER}",
        "left out: 8 rows",
        "  body_unreadable: 2",
        "  not_a_call: 1",
        "  not_a_request: 2",
        "  not_accepted: 2",
        "  not_an_object: 1",
    ]
    assert "    -:entry 6: the server did not take the request: no response" in found.summary


def test_no_credentials() -> None:
    """Neither write keys nor headers nor tokens are in the corpus or in the summary."""
    segment = entry(
        "https://api.segment.io/v1/batch?writeKey=hush",
        {
            "writeKey": "hush",
            "batch": [{**CALL, "type": "track", "writeKey": "hush"}],
        },
    )
    record = {"event": "A", "properties": {"token": "hush", "distinct_id": "a", "api_key": "hush"}}
    found = from_har(segment, entry("https://api.mixpanel.com/track?api_key=hush", [record, 1]))
    assert len(found.messages) == 2
    assert "hush" not in json.dumps(found)
    assert "c2VjcmV0Og" not in json.dumps(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"log": {"entries": [{"a": "hush\udcff"}]}}', "invalid bytes in UTF8"),
        ('{"log": {"entries": [{"a": "hush"}, {"b": ', "not valid JSON to its end"),
        ('{"log": {"entries": []}}', "there are no requests in it"),
        ("[]", "there are no requests in it"),
        ("", "not valid JSON to its end"),
    ],
)
def test_a_file_that_is_not_a_har(text: str, problem: str) -> None:
    """A damaged file, or one of another kind, is an error; it does not show the content."""
    found = run_import("har", stdin=text.encode(errors="surrogateescape"))
    assert (found.status, problem in found.summary[-1]) == (2, True)
    assert "hush" not in json.dumps(found)


def test_numbers_of_a_har() -> None:
    """Numbers with a point stay floats and whole numbers stay integers."""
    body = {**CALL, "properties": {"a": 1.0, "b": 2, "c": 0.1}}
    [message] = from_har(entry("https://api.segment.io/v1/track", body)).messages
    assert json.dumps(message["properties"]) == '{"a": 1.0, "b": 2, "c": 0.1}'


def test_the_journal(mock: Mock, tmp_path: Path) -> None:
    """The journal of a mock gives back the messages; refused records are left out."""
    mock.reset()
    url = mock.base_urls["https://api.mixpanel.com"]
    sent = {"token": "T", "distinct_id": "ann", "$insert_id": "i-1", "id": "ann"}
    good = {"event": "Bought", "properties": {**sent, "mp_lib": "Segment: ruby"}}
    profile = {"$token": "T", "$distinct_id": "ann", "$set": {"plan": "pro"}}
    added = {"$token": "T", "$distinct_id": "ann", "$add": {"n": 1}}
    with requests.Session() as session:
        session.trust_env = False
        session.post(f"{url}/track", json=[good])
        session.post(f"{url}/track", json=[{"event": "No token", "properties": {}}])
        session.post(f"{url}/engage", json=[profile, added])
        session.get(f"{url}/api/query/events")
        journal = session.get(f"{url}/_mock/requests").content
    file = tmp_path / "journal.json"
    file.write_bytes(journal)
    found = run_import("journal", file)
    assert [
        {key: message[key] for key in ("type", "userId", "messageId")} for message in found.messages
    ] == [
        {"type": "track", "userId": "ann", "messageId": "i-1"},
        {"type": "identify", "userId": "ann", "messageId": "journal-1-3-0"},
    ]
    assert found.summary == [
        "imported: 2 messages (1 identify, 1 track)",
        f"ignored: 1 {OTHER}",
        "left out: 2 rows",
        "  no_segment_call: 1",
        f"    {file}:request 3[1]: no single call of Segment sends '$add'",
        "  not_accepted: 1",
        f"    {file}:request 2[0]: the mock refused the record; the journal says why",
    ]


def test_a_journal_with_bad_items() -> None:
    """An item that is not a request stops only itself."""
    good = {"path": "/track", "payload": [RECORD], "received_at": NOW}
    items = [3, {"path": 1, "payload": []}, {**good, "received_at": "x"}, {**good, "n": 1}]
    found = run_import("journal", stdin=json.dumps([*items, {**good, "verdicts": 7}]).encode())
    assert [message["event"] for message in found.messages] == ["Bought", "Bought"]
    assert found.summary[1:3] == ["left out: 3 rows", "  not_a_request: 3"]
    verdicts = [{"index": -1, "accepted": False}, {"index": 9}, {"index": True}, 7]
    found = run_import("journal", stdin=json.dumps([{**good, "verdicts": verdicts}]).encode())
    assert len(found.messages) == 1
    deep = b'[{"n": ' + b"[" * 5000 + b"]" * 5000 + b"}, " + json.dumps(good).encode() + b"]"
    found = run_import("journal", stdin=deep)
    assert (len(found.messages), found.summary[2]) == (1, "  nested_too_deeply: 1")
    found = run_import("journal", stdin=b'[{"n": 1e400}, ' + json.dumps(good).encode() + b"]")
    assert (len(found.messages), found.summary[2]) == (1, "  not_json: 1")
