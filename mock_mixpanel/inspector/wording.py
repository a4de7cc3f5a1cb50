"""The words of the pages for the API's values."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from mock_mixpanel.simulation.clock import iso

LONGEST_TEXT = 4096
"""Characters of a value that a page shows; the JSON API gives the whole value."""

LONGEST_IN_LIST = 80
"""Characters of a value in a list; its own page shows more."""


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that are invisible or change the direction of text; not tab and newline."""


class Exact(str):
    """A text that a page sends back unchanged, such as the value of a hidden field."""

    __slots__ = ()


def exact(value: Any) -> Any:
    """A value that `visible` leaves as it is."""
    return Exact(value) if isinstance(value, str) else value


def visible(value: Any) -> Any:
    """A value as a page prints it: control characters of a text are written as JSON escapes.

    So stored text cannot change the appearance of the text beside it.
    """
    if type(value) is not str:
        return value
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", value)


class Mark(NamedTuple):
    """A verdict as a word, a shape and a style, so that it does not depend on colour."""

    word: str
    shape: str
    style: str


VERDICTS = {
    "a": Mark("accepted", "✓", "good"),
    "n": Mark("accepted with a note", "!", "warn"),
    "r": Mark("rejected", "✕", "bad"),
}

RECORD_STATUSES = {
    "seen": Mark("visible in queries", "✓", "good"),
    "applied": Mark("applied", "✓", "good"),
    "stored": Mark("stored, changes nothing", "•", "plain"),
    "duplicate": Mark("replaced as a duplicate", "=", "warn"),
    "waiting": Mark("waiting", "…", "warn"),
    "split": Mark("in a split profile", "≠", "bad"),
    "erased": Mark("erased", "⌫", "warn"),
    "rejected": Mark("rejected", "✕", "bad"),
}

MESSAGE_STATUSES = {
    "delivered": Mark("delivered", "✓", "good"),
    "waiting": Mark("waiting", "…", "warn"),
    "skipped": Mark("skipped", "•", "warn"),
    "rejected": Mark("rejected", "✕", "bad"),
    "dead_lettered": Mark("dead-lettered", "✕", "bad"),
}
"""The statuses of a gateway's messages and operations."""

LINK_STATES = {
    "pending": Mark("pending", "…", "warn"),
    "in_effect": Mark("in effect", "✓", "good"),
    "repeated": Mark("repeated", "=", "plain"),
    "ignored": Mark("ignored", "•", "warn"),
    "refused": Mark("refused", "✕", "bad"),
}


def verdict(record: Mapping[str, Any]) -> Mark:
    """The verdict on a record."""
    if not record["accepted"]:
        return VERDICTS["r"]
    return VERDICTS["n" if record["reasons"] else "a"]


def fate(record: Mapping[str, Any]) -> Mark:
    """The status of a record."""
    return RECORD_STATUSES[record["fate"]["state"]]


def runs(text: str) -> list[tuple[str, int]]:
    """Each character of a text with how often it stands there in a row."""
    return [(letter, len(list(group))) for letter, group in groupby(text)]


def moment(text: str | None) -> str:
    """An ISO time as a person reads it: `2026-06-15 12:00:00`, with milliseconds unless 0."""
    if not text:
        return ""
    return text.replace("T", " ").removesuffix("Z").removesuffix(".000")


def moment_of_ms(milliseconds: int) -> str:
    """The ISO time of a number of milliseconds since 1970."""
    return iso(milliseconds / 1000)


def seconds_between(earlier: str, later: str) -> float:
    """The time between two ISO times, in seconds."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun: `1 record`, `1,200 records`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def as_json(value: Any, indent: int | None = 2) -> str:
    """A value as JSON text, cut to what a page shows."""
    return shortened(json.dumps(value, indent=indent, ensure_ascii=False))


def brief(value: Any) -> str:
    """A value in one line: a text as it is, anything else as JSON."""
    return shortened(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def clipped(value: Any) -> str:
    """A value in one line of a list: its beginning, if it is long."""
    text = brief(value)
    return text if len(text) <= LONGEST_IN_LIST else f"{text[:LONGEST_IN_LIST]}…"


def shortened(text: str) -> str:
    """A text, cut to what a page shows."""
    rest = len(text) - LONGEST_TEXT
    return text if rest <= 0 else f"{text[:LONGEST_TEXT]}… ({rest:,} more characters)"
