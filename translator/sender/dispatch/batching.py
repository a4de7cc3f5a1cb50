"""Batches: which records a request carries, and its JSON body."""

import json
import re
from typing import Any, NamedTuple

import orjson

from translator.sender.dispatch.queued_operation import QueuedOperation

_LONG_NUMBER = re.compile(rb"\d{19}")
"""What orjson may read as a floating point number, which is another value."""

BRACKET = 1
"""Bytes of the first bracket; each record adds one more byte, for the comma or bracket after it."""


class BatchLimits(NamedTuple):
    """The largest request: records, and bytes of JSON before compression.

    Mixpanel takes 2000 records and 10 MB; 2 MB is the limit its 413 answer still names
    (docs/facts/mixpanel-http-api.md#import-requests).
    """

    records: int = 2000
    bytes: int = 2_000_000


class Route(NamedTuple):
    """The host and the endpoint that a request goes to."""

    host: str
    endpoint: str


class Batch(NamedTuple):
    """Operations for one route, in order, that share a request."""

    route: Route
    operations: tuple[QueuedOperation, ...]

    def body(self) -> bytes:
        """The request's body: a JSON array of records."""
        return b"[" + b",".join([queued.text for queued in self.operations]) + b"]"

    def halves(self) -> tuple["Batch", "Batch"]:
        """The same operations in two batches, in order."""
        middle = len(self.operations) // 2
        first, second = self.operations[:middle], self.operations[middle:]
        return self._replace(operations=first), self._replace(operations=second)


def encode(payload: Any) -> bytes:
    """A payload as JSON in UTF-8.

    The standard library writes what orjson refuses: numbers beyond 64 bits, and lone surrogates,
    which stay escaped.

    Raises ValueError for a value that JSON does not have, and RecursionError for endless nesting.
    """
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        try:
            return json.dumps(payload, allow_nan=False, separators=(",", ":")).encode()
        except TypeError as error:
            raise ValueError(str(error)) from error


def decode(text: bytes) -> Any:
    """A JSON value as `encode` writes it, whole numbers beyond 64 bits included.

    Raises ValueError for text that is not JSON.
    """
    if not _LONG_NUMBER.search(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # half of a surrogate pair
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
