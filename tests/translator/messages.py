"""Messages and settings that the translator's tests share."""

from datetime import UTC, datetime
from typing import Any

from translator import Result, Rules, Settings, translate

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
NOW_MS = 1_781_524_800_000


def track(**fields: Any) -> dict[str, Any]:
    """A small track call, with the given fields on top."""
    return {
        "type": "track",
        "messageId": "m1",
        "event": "Signed Up",
        "userId": "u-1",
        "timestamp": "2026-06-15T11:59:00.000Z",
        **fields,
    }


def run(message: Any, rules: Rules | None = None, **settings: Any) -> Result:
    """The message translated at NOW."""
    return translate(message, Settings(**{"token": "T", **settings}), now=NOW, rules=rules)


def properties(message: Any, rules: Rules | None = None, **settings: Any) -> dict[str, Any]:
    """The properties of the one event that the message becomes."""
    (operation,) = run(message, rules, **settings).operations
    found: dict[str, Any] = operation.payload["properties"]
    return found
