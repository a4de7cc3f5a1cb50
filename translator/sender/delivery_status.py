"""The status of an operation, and its result."""

from enum import StrEnum
from typing import NamedTuple

from translator.core.operations import Operation


class DeliveryStatus(StrEnum):
    """The final status of an operation, or of a whole message."""

    DELIVERED = "delivered"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    DEAD_LETTERED = "dead_lettered"


class DeliveryResult(NamedTuple):
    """The result of one operation.

    `status` is `delivered`, `rejected` (Mixpanel refuses it, another attempt is useless) or
    `dead_lettered` (it could not be delivered). `reason` says why, for a person to read; it is
    `None` for a delivered operation and never holds the API secret.
    """

    operation: Operation
    status: DeliveryStatus
    reason: str | None = None
