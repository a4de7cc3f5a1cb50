"""What a request carries, and how much of it."""

import json
from typing import Any, NamedTuple

import orjson

from translator.sender.dispatch.queued_operation import Letter

BRACKET = 1
"""Bytes of the first bracket; each record then costs one more byte, for what follows it."""


class Limits(NamedTuple):
    """How large a request may be: records, and bytes of JSON before compression.

    Mixpanel takes 2000 records and 10 MB; 2 MB is the limit its 413 answer still names
    (docs/facts/mixpanel-http-api.md#import-requests).
    """

    records: int = 2000
    bytes: int = 2_000_000


class Place(NamedTuple):
    """Where a request goes: host and endpoint of its operations."""

    host: str
    endpoint: str


class Batch(NamedTuple):
    """Letters for one place, in order, that share a request."""

    place: Place
    letters: tuple[Letter, ...]

    def body(self) -> bytes:
        """The request's body: a JSON array of records."""
        return b"[" + b",".join([letter.text for letter in self.letters]) + b"]"

    def halves(self) -> tuple["Batch", "Batch"]:
        """The same letters in two batches, in order."""
        middle = len(self.letters) // 2
        first, second = self.letters[:middle], self.letters[middle:]
        return self._replace(letters=first), self._replace(letters=second)


def encode(payload: Any) -> bytes:
    """A payload as JSON in UTF-8.

    The standard library steps in for what orjson refuses: numbers beyond 64 bits and lone
    surrogates, which stay escaped.

    Raises ValueError for what JSON cannot say, and RecursionError for endless nesting.
    """
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        try:
            return json.dumps(payload, allow_nan=False, separators=(",", ":")).encode()
        except TypeError as error:
            raise ValueError(str(error)) from error
