"""Batches: the records of a request, and its JSON body."""

from typing import NamedTuple

from translator.sender.queue.queued_operation import QueuedOperation

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
