"""What became of an operation: plain immutable records."""

from enum import StrEnum
from typing import NamedTuple

from translator.core.operations import Operation


class DeliveryStatus(StrEnum):
    """Where an operation, or a whole message, ended up."""

    DELIVERED = "delivered"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    DEAD_LETTERED = "dead_lettered"


class DeliveryResult(NamedTuple):
    """What became of one operation.

    `fate` is `delivered`, `rejected` (Mixpanel said no, asking again is useless) or
    `dead_lettered` (it could not be delivered). `reason` says why, for a person to read; it is
    `None` for a delivered operation and never holds the API secret.
    """

    operation: Operation
    fate: DeliveryStatus
    reason: str | None = None
