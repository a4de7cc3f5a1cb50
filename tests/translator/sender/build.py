"""Short ways to write operations, and a retry policy that never waits."""

from typing import Any

from translator.core.operations import Operation
from translator.sender import DeliveryResult, DeliveryStatus, RetryPolicy

US = "https://api.mixpanel.com"
EU = "https://api-eu.mixpanel.com"
NOW = 1781524800.0
"""Noon of 2026-06-15, in seconds since 1970."""


def event(name: str, endpoint: str = "/track", host: str = US, **properties: Any) -> Operation:
    """An event of ann with an insert id made of its name."""
    return Operation(
        endpoint,
        host,
        {
            "event": name,
            "properties": {
                "token": "T",
                "distinct_id": "ann",
                "$insert_id": f"id-{name}",
                **properties,
            },
        },
    )


def update(person: str, operation: str, value: Any, host: str = US) -> Operation:
    """A profile update such as `update("ann", "$set", {"plan": "pro"})`."""
    return Operation("/engage", host, {"$token": "T", "$distinct_id": person, operation: value})


def recorded_retry(sleeps: list[float], attempts: int = 5) -> RetryPolicy:
    """The default policy, with waits written to `sleeps` and jitter fixed at one half.

    Time passes by these waits alone.
    """
    return RetryPolicy(
        attempts=attempts, sleep=sleeps.append, jitter=lambda: 0.5, clock=lambda: sum(sleeps)
    )


def statuses(verdicts: list[DeliveryResult]) -> list[DeliveryStatus]:
    """The status of each operation, without the reasons."""
    return [verdict.status for verdict in verdicts]
