"""When a message arrived, by the corpus's own times.

A translator judges a message as at its arrival: Mixpanel takes events older than five days on
another endpoint, and refuses others. Without a time given for all messages, each is judged as at
the end of the hour in which it arrived, so that messages of one hour are translated together.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from translator.core.values.timestamps import parse

FIELDS = ("receivedAt", "sentAt", "timestamp", "originalTimestamp")
"""The times of a message, the nearest to its arrival first."""

_HOUR_MS = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS_MS = range(253_370_764_800_000)
"""1970 to 9998: other times are mistakes."""


def arrival(message: Any) -> datetime | None:
    """The end of the hour in which a message arrived, or None if it has no usable time."""
    if type(message) is not dict:
        return None
    for field in FIELDS:
        value = message.get(field)
        ms = parse(value) if type(value) is str else None
        if ms is not None and ms in _YEARS_MS:
            return _end_of_hour(-(-ms // _HOUR_MS))
    return None


@lru_cache(maxsize=4096)
def _end_of_hour(hours: int) -> datetime:
    """The time so many hours after 1970."""
    return _EPOCH + timedelta(hours=hours)
