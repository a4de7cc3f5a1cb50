"""The status of messages, and the account of a run: how many were read, and the status of each."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from translator.core.operations import Json, Operation, Result
from translator.sender.delivery_status import DeliveryStatus

_FROM_BAD_TO_GOOD = (
    DeliveryStatus.REJECTED,
    DeliveryStatus.DEAD_LETTERED,
    DeliveryStatus.DELIVERED,
)


class MessageStatus:
    """A message with what is known of its operations.

    `line` is its place in the input, from 1. `left` is the number of operations without a result,
    `statuses` are those of the others. `number` and `key` are those of the spool, if there is one.
    """

    __slots__ = ("key", "left", "line", "message_id", "number", "statuses")

    def __init__(
        self,
        line: int,
        message_id: object,
        left: int,
        statuses: set[DeliveryStatus] | None = None,
        *,
        number: int = 0,
        key: bytes = b"",
    ) -> None:
        self.line = line
        self.message_id = message_id
        self.left = left
        self.statuses: set[DeliveryStatus] = statuses or set()
        self.number = number
        self.key = key

    def settle(self, statuses: Iterable[DeliveryStatus]) -> None:
        """Some of its operations have results."""
        for status in statuses:
            self.statuses.add(status)
            self.left -= 1

    def worst_with(self, statuses: Sequence[DeliveryStatus]) -> DeliveryStatus:
        """The worst status once some more operations have these."""
        if len(statuses) == 1 and not self.statuses:  # as nearly always
            return statuses[0]
        return worst(self.statuses.union(statuses))

    @property
    def worst(self) -> DeliveryStatus:
        """The worst status until now; skipped, if no operation has one."""
        return worst(self.statuses)


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

    def add(self, status: DeliveryStatus) -> None:
        """Count a message."""
        self._counts[status] += 1

    def add_code(self, code: str) -> None:
        """Count a reason for a skip or for an error, by its code."""
        self._codes[code] += 1

    def merge(self, other: "Account") -> None:
        """Add the counts of another account."""
        self._counts.update(other._counts)
        self._codes.update(other._codes)

    @property
    def lost(self) -> int:
        """How many messages are not in Mixpanel though they should be."""
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


def worst(statuses: Collection[DeliveryStatus]) -> DeliveryStatus:
    """The worst of the statuses of a message's operations; skipped if empty."""
    if len(statuses) == 1:  # as nearly always
        return next(iter(statuses))
    return next((one for one in _FROM_BAD_TO_GOOD if one in statuses), DeliveryStatus.SKIPPED)


def message_loss(result: Result) -> Json:
    """What a person must know of a message that could not be translated."""
    assert result.error is not None
    code, message = result.error
    return {"fate": DeliveryStatus.REJECTED, "code": code, "reason": message}


def operation_loss(operation: Operation, status: DeliveryStatus, reason: str | None) -> Json:
    """What a person must know of an operation that is not in Mixpanel."""
    return {"fate": status, "endpoint": operation.endpoint, "reason": reason}
