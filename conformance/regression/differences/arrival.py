"""The time of arrival of a message, by the times in the corpus.

A message is translated as of its arrival: Mixpanel accepts events older than five days at another
endpoint, and refuses much older ones. Without one time for all messages, each is translated as of
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
"""1970 to 9998; other times are errors."""


def arrival(message: Any) -> datetime | None:
    """The end of the hour in which a message arrived; None if it has no usable time."""
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
    """The time at the start of an hour, counted from 1970."""
    return _EPOCH + timedelta(hours=hours)
