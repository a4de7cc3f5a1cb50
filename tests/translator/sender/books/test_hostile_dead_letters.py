"""Malformed and hostile dead letters: each stops only itself."""

import base64
import json
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translator.sender.build import NOW, US, event, recorded_retry
from translator.core.operations import Result
from translator.sender import Sender, run_send
from translator.sender.books.dead_letters import of_read_line, read_line, unique
from translator.sender.http.transport import HttpResponse

GOOD = json.dumps({"id": "good", "operation": event("Good")._asdict()}).encode()
PARTIAL = b'{"code": 400, "error": "x", "failed_records": [{"index": 0, "message": "bad"}]}'


class Answering:
    """A transport that gives one response to every request, and remembers the bodies."""

    def __init__(self, status: int, body: bytes) -> None:
        self._response = HttpResponse(status, {}, body)
        self.bodies: list[Any] = []

    def post(self, base_url: str, endpoint: str, body: bytes) -> HttpResponse:
        self.bodies += json.loads(body)
        return self._response

    def close(self) -> None:
        """Nothing is open."""


def resend(lines: list[bytes], transport: Answering) -> dict[str, Any]:
    """The summary of a `resend` of lines."""
    out = StringIO()
    with Sender(
        {US: "http://127.0.0.1:1"},
        "secret",
        retry=recorded_retry([]),
        transport=transport,
        now=lambda: NOW,
    ) as sender:
        run_send(
            unique(lines),
            lambda line: read_line(line, lambda _: Result("m"), NOW * 1000),
            sender,
            US,
            out=out,
            err=StringIO(),
            content=of_read_line,
        )
    summary: dict[str, Any] = json.loads(out.getvalue())
    return summary


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"7",
        b"null",
        b"[]",
        b'"text"',
        b'{"id": []}',
        b'{"id": "x"}',
        b'{"id": "x", "operation": null}',
        b'{"id": "x", "operation": {"endpoint": [], "host": {}, "payload": 7}}',
        b'{"id": "x", "message": 5}',
        b'{"id": "x", "message_base64": "%%%"}',
        b'{"id": "x", "unreadable": {"endpoint": "/track"}}',
        b'{"id": "x", "operation": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_line_that_is_not_a_dead_letter(line: bytes) -> None:
    """It is rejected, and the letter after it is delivered."""
    transport = Answering(200, b'{"status": 1, "error": null}')
    summary = resend([line, GOOD], transport)
    assert (summary["rejected"], summary["delivered"]) == (1, 1)
    assert [record["event"] for record in transport.bodies] == ["Good"]


def test_a_message_in_any_bytes() -> None:
    """A message that is not UTF-8 is kept byte by byte."""
    content = of_read_line(json.dumps({"message_base64": "/w=="}).encode())
    assert base64.b64decode(content["message_base64"]) == b"\xff"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
names = st.sampled_from(
    [
        *("event", "properties", "token", "distinct_id", "alias", "time", "$insert_id", "$token"),
        *("$distinct_id", "$group_key", "$group_id", "$set", "$add", "$union", "$unset", "$append"),
    ]
)
payloads = st.dictionaries(names, values | st.dictionaries(names, values, max_size=4), max_size=5)


@given(
    st.sampled_from(["/track", "/import", "/engage", "/groups"]),
    payloads,
    st.sampled_from([(200, b"1"), (200, b"0"), (400, PARTIAL), (413, b""), (200, b"")]),
)
@settings(deadline=None)
def test_any_payload(endpoint: str, payload: dict[str, Any], answer: tuple[int, bytes]) -> None:
    """Whatever JSON object an operation has, and whatever is answered, it has one status."""
    operation = {"endpoint": endpoint, "host": US, "payload": payload}
    line = json.dumps({"id": "odd", "operation": operation}).encode()
    summary = resend([line, GOOD], Answering(*answer))
    assert summary["read"] == 2
    assert summary["skipped"] == 0
