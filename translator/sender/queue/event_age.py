"""The age of an event: /track silently drops events older than five days, /import accepts them.

The translation chooses the endpoint by the age at that time. An event may become too old later: in
the spool, among the dead letters, or in a long outage.
"""

from collections.abc import Sequence
from typing import Any

from translator.core.operations import Operation
from translator.core.values.timestamps import IMPORT_AGE_MS
from translator.sender.queue.queued_operation import QueuedOperation, Sharing

MARGIN_MS = 3_600_000
"""An event that is so close to the limit may be too old when it arrives."""

FIRST_MILLISECONDS = 1e11
"""Times below this are in seconds, others in milliseconds
(docs/facts/mixpanel-http-api.md#track)."""

OUTDATED = "by now older than five days, which /track drops in silence: set apiSecret for /import"


def is_too_old(time: Any, now_ms: float, margin_ms: float = MARGIN_MS) -> bool:
    """Whether a `time` property is older than /track takes, or will be within `margin_ms`."""
    if type(time) not in (int, float):
        return False
    time_ms: float = time * 1000 if abs(time) < FIRST_MILLISECONDS else time
    return now_ms - time_ms > IMPORT_AGE_MS - margin_ms


def too_old_for_track(operation: Operation, now_ms: float) -> bool:
    """Whether an operation goes to /track, which would drop it for its age."""
    properties = operation.payload.get("properties")
    time = properties.get("time") if isinstance(properties, dict) else None
    return operation.endpoint == "/track" and is_too_old(time, now_ms, margin_ms=0)


def with_current_endpoint(operation: Operation, now_ms: float) -> Operation:
    """The operation of an earlier run, moved to /import if it has become too old for /track."""
    old = too_old_for_track(operation, now_ms)
    return operation._replace(endpoint="/import") if old else operation


def outdated(operations: Sequence[QueuedOperation], now: float) -> int:
    """The number of operations that have become too old for /track since they were queued.

    `now` is in seconds since 1970. One that was too old from the beginning does not count: its
    endpoint was chosen with that in mind.
    """
    oldest = operations[0]
    if oldest.sharing is not Sharing.ALONE and now - oldest.at < MARGIN_MS / 1000:
        return 0  # each had more time left than that when it was queued
    return sum(
        too_old_for_track(queued.operation, now * 1000)
        and not too_old_for_track(queued.operation, queued.at * 1000)
        for queued in operations
    )
