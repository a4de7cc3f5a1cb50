"""The parser of shallow records gives what the full parser gives, or leaves the text to it."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given

from mock_mixpanel.ingest.decoding.shallow_json import DEPTH, MOST_MEMBERS, parse_shallow
from tests.mock_mixpanel.ingest.verdicts.test_fast_path import RECORDS, VALUES


@given(record=VALUES | RECORDS)
def test_shallow_json_is_read_the_same(record: Any) -> None:
    """A text that the schema accepts gives what the JSON parser gives."""
    for text in (json.dumps(record).encode(), json.dumps([record, record]).encode()):
        records = parse_shallow(text)
        if records is not None:
            assert records == orjson.loads(text)


def nested(depth: int, kind: type) -> Any:
    """A value with so many lists or objects inside each other."""
    value: Any = 1
    for _ in range(depth):
        value = [value] if kind is list else {"a": value}
    return value


SHALLOW = {
    "no record": [],
    "one record": {"event": "A", "properties": {"a": 1}},
    "several": [{"event": "A", "properties": {"a": [1, {"b": [None]}]}}, {}],
    "lists": [{"properties": {"a": nested(DEPTH - 3, list)}}],
    "objects": [{"properties": {"a": nested(DEPTH - 3, dict)}}],
    "many elements": [{"a": [0] * MOST_MEMBERS}],
    "many members": [{"a": dict.fromkeys(map(str, range(MOST_MEMBERS)))}],
    "largest integer": [{"a": 2**63 - 1}],
    "smallest integer": [{"a": -(2**63)}],
    "many records": [{}] * (MOST_MEMBERS + 1),
}
NOT_SHALLOW = {
    "no object": [1],
    "text": "a",
    "null": None,
    "deep lists": [{"properties": {"a": nested(DEPTH - 2, list)}}],
    "deep objects": [{"properties": {"a": nested(DEPTH - 2, dict)}}],
    "too many elements": [{"a": [0] * (MOST_MEMBERS + 1)}],
    "too many members": [{"a": dict.fromkeys(map(str, range(MOST_MEMBERS + 1)))}],
    "too large an integer": [{"a": 2**63}],
    "too small an integer": [{"a": -(2**63) - 1}],
    "a lone surrogate": [{"a": "\ud800"}],
}


@pytest.mark.parametrize("case", SHALLOW)
def test_shallow(case: str) -> None:
    """Records up to the limits are read by the fast parser."""
    assert parse_shallow(json.dumps(SHALLOW[case]).encode()) == SHALLOW[case]


@pytest.mark.parametrize("case", NOT_SHALLOW)
def test_not_shallow(case: str) -> None:
    """What is deeper or larger is left to the parser that reads everything."""
    assert parse_shallow(json.dumps(NOT_SHALLOW[case]).encode()) is None


@pytest.mark.parametrize(
    "text", [b"", b"[", b"[{}", b'[{"a":NaN}]', b'[{"a":1e999}]', b'[{"a":"\xff"}]', b"[{}]x"]
)
def test_malformed_is_not_shallow(text: bytes) -> None:
    """A text that is not JSON is left to the parser that says what is wrong."""
    assert parse_shallow(text) is None
