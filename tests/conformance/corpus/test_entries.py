"""A line of a corpus: a message, an entry with settings and time, or a capture."""

import re
from datetime import UTC, datetime

import pytest

from conformance.corpus.entries import BadLine, CorpusEntry, read_entry


def test_a_message() -> None:
    """A line with a type is a message, whatever else it has."""
    line = b'{"type": "track", "messageId": 7, "message": {}}'
    assert read_entry(line, "f:1") == CorpusEntry(
        "f:1", {"type": "track", "messageId": 7, "message": {}}, "7", plain=True
    )


def test_an_entry() -> None:
    """An entry brings its own settings, time and id."""
    line = (
        b'{"message": {"type": "x"}, "settings": {"a": 1},'
        b' "now": "2026-06-15T12:00:00Z", "id": "i"}'
    )
    now = datetime(2026, 6, 15, 12, tzinfo=UTC)
    assert read_entry(line, "f:1") == CorpusEntry(
        "f:1", {"type": "x"}, "i", {"a": 1}, now, plain=True
    )


def test_an_entry_may_have_a_message_only() -> None:
    """Then the message's id is its own, and the rest is left to who translates it."""
    assert read_entry(b'{"message":{"messageId":"m"}}', "f:1") == CorpusEntry(
        "f:1", {"messageId": "m"}, "m", plain=True
    )


def test_a_capture() -> None:
    """The classic integration's keys become ours, and its switches are off unless set."""
    line = b'{"message": {}, "settings": {"token": "T", "apiKey": "S"}, "requests": []}'
    settings = read_entry(line, "f:1").settings
    assert settings is not None
    assert (settings["apiSecret"], settings["people"]) == ("S", False)
    assert "apiKey" not in settings


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"{", "not JSON: "),
        (b"\xff", "not JSON: "),
        (b"[1]", "not an object: [1]"),
        (b'"text"', 'not an object: "text"'),
        (b'{"message": {}, "settings": []}', "settings must be an object"),
        (b'{"message": {}, "now": "today"}', "now must be ISO 8601 with a zone"),
        (b'{"message": {}, "now": "2026-06-15T12:00:00"}', "now must be ISO 8601 with a zone"),
        (b'{"message": {}, "now": 5}', "now must be ISO 8601 with a zone"),
    ],
)
def test_bad_lines(line: bytes, text: str) -> None:
    """The error for an invalid entry has the reason."""
    with pytest.raises(BadLine, match=re.escape(text)):
        read_entry(line, "f:1")


def test_deep_messages_are_told() -> None:
    """A line that could be nested too deeply is not plain, so it is checked."""
    deep = b'{"type": "track", "properties": ' + b'{"a":' * 100 + b"1" + b"}" * 101
    assert not read_entry(deep, "f:1").plain


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551617", 2**64 + 1),
        ("-9223372036854775809", -(2**63) - 1),
        ("9" * 400, 10**400 - 1),
        ("100000000000000000000", 1e20),
        ("1.5e300", 1.5e300),
    ],
)
def test_numbers_keep_their_digits(text: str, number: float) -> None:
    """A whole number is read exactly; one that JavaScript prints for a float is that float."""
    line = f'{{"type": "track", "properties": {{"n": {text}}}}}'.encode()
    found = read_entry(line, "f:1").message["properties"]["n"]
    assert (found, type(found)) == (number, type(number))


def test_long_numbers_are_checked() -> None:
    """A line with a long number is not plain, so the translator refuses it by its field."""
    assert not read_entry(b'{"type": "track", "userId": 123456789012345678901}', "f:1").plain


def test_a_session() -> None:
    """A line with a session is one entry; of its options those that are settings count."""
    line = b'{"id": "s", "session": [], "settings": {"token": "T", "nameTag": true}}'
    found = read_entry(line, "f:1")
    assert (found.session, found.id, found.settings) == (True, "s", {"token": "T"})
    with pytest.raises(BadLine, match="session must be a list of messages"):
        read_entry(b'{"session": {}}', "f:1")
