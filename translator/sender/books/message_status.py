"""The status of messages, and the account of a run: how many were read, and the status of each."""

from collections import Counter

from translator.core.operations import Json, Operation, Result
from translator.sender.delivery_status import DeliveryStatus

_FROM_GOOD_TO_BAD = (
    DeliveryStatus.SKIPPED,
    DeliveryStatus.DELIVERED,
    DeliveryStatus.DEAD_LETTERED,
    DeliveryStatus.REJECTED,
)


class MessageStatus:
    """A message with what is known of its operations.

    `line` is its place in the input, from 1. `left` is the number of operations without a result,
    `worst` is the worst status of the others; skipped, if there are none. `number` and `key` are
    those of the spool, if there is one.
    """

    __slots__ = ("key", "left", "line", "message_id", "number", "worst")

    def __init__(
        self,
        line: int,
        message_id: object,
        left: int,
        worst: DeliveryStatus = DeliveryStatus.SKIPPED,
        *,
        number: int = 0,
        key: bytes = b"",
    ) -> None:
        self.line = line
        self.message_id = message_id
        self.left = left
        self.worst = worst
        self.number = number
        self.key = key


class Account:
    """The counts of a run: each message is in exactly one bucket; `read` is the sum of them.

    `start` is the summary of a run that this one continues.
    """

    def __init__(self, start: Json | None = None) -> None:
        self._counts: Counter[DeliveryStatus] = Counter()
        self._codes: Counter[str] = Counter()
        if start is not None:
            self._counts.update({status: start.get(status.value, 0) for status in DeliveryStatus})
            self._codes.update(start.get("codes", {}))

    def add(self, status: DeliveryStatus, messages: int = 1) -> None:
        """Count messages with a status."""
        self._counts[status] += messages

    def add_code(self, code: str) -> None:
        """Count a reason for a skip or for an error, by its code."""
        self._codes[code] += 1

    def merge(self, other: "Account") -> None:
        """Add the counts of another account."""
        self._counts.update(other._counts)
        self._codes.update(other._codes)

    @property
    def lost(self) -> int:
        """The number of messages that should be in Mixpanel and are not."""
        return self._counts[DeliveryStatus.REJECTED] + self._counts[DeliveryStatus.DEAD_LETTERED]

    def summary(self) -> Json:
        """The number of messages that were read, and of those in each bucket."""
        counts = {status.value: self._counts[status] for status in DeliveryStatus}
        return {"read": self._counts.total(), **counts}

    def codes(self) -> dict[str, int]:
        """The number of skips and errors by their code."""
        return dict(sorted(self._codes.items()))

    def full(self) -> Json:
        """The summary, with `codes` if there are any."""
        codes = self.codes()
        return {**self.summary(), "codes": codes} if codes else self.summary()


def worse(first: DeliveryStatus, second: DeliveryStatus) -> DeliveryStatus:
    """The worse of two statuses of operations of one message."""
    if first is DeliveryStatus.SKIPPED or first is second:  # as nearly always
        return second
    return max(first, second, key=_FROM_GOOD_TO_BAD.index)


def message_loss(result: Result) -> Json:
    """The report of a message that could not be translated."""
    assert result.error is not None
    code, message = result.error
    return {"fate": DeliveryStatus.REJECTED, "code": code, "reason": message}


def operation_loss(operation: Operation, status: DeliveryStatus, reason: str | None) -> Json:
    """The report of an operation that is not in Mixpanel."""
    return {"fate": status, "endpoint": operation.endpoint, "reason": reason}
