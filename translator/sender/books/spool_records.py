"""The records that go into a spool: messages with their operations and losses, results, runs."""

from collections.abc import Sequence
from typing import NamedTuple

from translator.core.operations import Failure, Json, Skip
from translator.sender.books.message_status import MessageStatus
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.queue.queued_operation import QueuedOperation


class Loss(NamedTuple):
    """A part of a message that is lost: the line of its dead letter, and what people must know."""

    line: bytes
    shown: Json


class IncomingMessage(NamedTuple):
    """A message to take in: its operations, its losses, and the skips of its translation.

    The tag of each operation is `status`. `kind` is the type of the message, empty if unknown;
    `error` is why it could not be translated.
    """

    status: MessageStatus
    operations: Sequence[QueuedOperation]
    losses: Sequence[Loss] = ()
    skipped: Sequence[Skip] = ()
    kind: str = ""
    error: Failure | None = None

    @property
    def size(self) -> int:
        """The bytes of its operations and losses, as JSON text."""
        size = sum(len(queued.text) for queued in self.operations)
        return size + sum(len(loss.line) for loss in self.losses)


class Settlement(NamedTuple):
    """The state of some messages after some of their operations are settled.

    `left` operations of each are left, and `worst` is the worst status of the others.
    """

    left: int
    worst: DeliveryStatus
    messages: Sequence[MessageStatus]


class FinishedRun(NamedTuple):
    """A run that delivered its whole input.

    `digests` are the digests of its first 1, 2, 4, 8, ... and of all `lines`, by their number.
    `summary` is what the run printed. `at` is in seconds since 1970. `repeats` is the id of the
    finished run whose input it delivered again on purpose.
    """

    id: str
    at: float
    lines: int
    digests: dict[str, str]
    summary: Json
    repeats: str | None = None
