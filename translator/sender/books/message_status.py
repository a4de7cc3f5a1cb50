"""The account of messages: how many were read, and what became of each."""

from collections import Counter

from translator.core.operations import Json, Operation, Result
from translator.sender.delivery_status import DeliveryStatus

_FROM_BAD_TO_GOOD = (
    DeliveryStatus.REJECTED,
    DeliveryStatus.DEAD_LETTERED,
    DeliveryStatus.DELIVERED,
)


class MessageStatus:
    """A message with what is known of its operations.

    `line` is its place in the input, from 1; `number` and `key` are those of the spool, if any.
    """

    __slots__ = ("fates", "key", "left", "line", "message_id", "number")

    def __init__(
        self,
        line: int,
        message_id: object,
        left: int,
        fates: set[DeliveryStatus] | None = None,
        *,
        number: int = 0,
        key: bytes = b"",
    ) -> None:
        self.line = line
        self.message_id = message_id
        self.left = left
        self.fates: set[DeliveryStatus] = fates or set()
        self.number = number
        self.key = key

    def settle(self, fate: DeliveryStatus) -> None:
        """One of its operations is settled."""
        self.fates.add(fate)
        self.left -= 1

    @property
    def fate(self) -> DeliveryStatus | None:
        """The worst that happened to an operation; None while some are open."""
        return None if self.left else self.worst

    @property
    def worst(self) -> DeliveryStatus:
        """The worst that has happened until now; skipped, if nothing has."""
        return next(
            (fate for fate in _FROM_BAD_TO_GOOD if fate in self.fates), DeliveryStatus.SKIPPED
        )


class Account:
    """Each message is in exactly one bucket; `read` is the sum of them."""

    def __init__(self) -> None:
        self._counts: Counter[DeliveryStatus] = Counter()

    def add(self, fate: DeliveryStatus) -> None:
        """Count a message."""
        self._counts[fate] += 1

    @property
    def lost(self) -> int:
        """How many are not in Mixpanel though they should be."""
        return self._counts[DeliveryStatus.REJECTED] + self._counts[DeliveryStatus.DEAD_LETTERED]

    def summary(self) -> Json:
        """The number of messages in each bucket."""
        fates = (
            DeliveryStatus.DELIVERED,
            DeliveryStatus.SKIPPED,
            DeliveryStatus.REJECTED,
            DeliveryStatus.DEAD_LETTERED,
        )
        return {"read": self._counts.total(), **{fate.value: self._counts[fate] for fate in fates}}


def message_loss(result: Result) -> Json:
    """What a person must know of a message that could not be translated."""
    assert result.error is not None
    code, message = result.error
    return {"fate": DeliveryStatus.REJECTED, "code": code, "reason": message}


def operation_loss(operation: Operation, fate: DeliveryStatus, reason: str | None) -> Json:
    """What a person must know of an operation that is not in Mixpanel."""
    return {"fate": fate, "endpoint": operation.endpoint, "reason": reason}
