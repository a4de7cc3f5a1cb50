"""The alias hold: calls of a person wait until Mixpanel knows the person's new id.

Mixpanel needs about a second to process an alias (doc#alias-using-cloud-mode). A call that arrives
earlier creates a second person.
"""

from enum import StrEnum

from translator.sender.delivery_status import DeliveryStatus
from translator.sender.queue.queued_operation import QueuedOperation

HOLD_SECONDS = 1.5
"""Seconds that the calls of a person wait after an alias: the doc's "~1 second" and a margin."""


class AliasPolicy(StrEnum):
    """When the calls of a person that follow an alias are sent (doc#alias-using-cloud-mode).

    `none`: with it, they may share its request. `flush`: after the response to it. `hold`: some
    seconds after that, so that Mixpanel knows the new id when they arrive.
    """

    NONE = "none"
    FLUSH = "flush"
    HOLD = "hold"


class AliasHoldTimer:
    """Computes the wait of calls after an alias, and the end of the last wait.

    `seconds` is the wait after a delivered alias; it applies only with `AliasPolicy.HOLD`.
    """

    def __init__(self, policy: AliasPolicy, seconds: float) -> None:
        self._policy = policy
        self._seconds = seconds if policy is AliasPolicy.HOLD else 0.0
        self._last_end = 0.0

    def ends_request(self, queued: QueuedOperation) -> bool:
        """Whether no later operation of the person may share the request of this one."""
        return queued.is_alias and self._policy is not AliasPolicy.NONE

    def begin(self, queued: QueuedOperation, status: DeliveryStatus, now: float) -> float:
        """The wait, in seconds, after an operation with this result; 0 for no wait."""
        if not queued.is_alias or status is not DeliveryStatus.DELIVERED or not self._seconds:
            return 0.0
        self._last_end = now + self._seconds
        return self._seconds

    def remaining(self, now: float, *, after_crash: bool = False) -> float:
        """The seconds until the last wait ends.

        After a crash it is unknown which aliases had just been sent: then a whole wait.
        """
        return self._seconds if after_crash else max(0.0, self._last_end - now)
