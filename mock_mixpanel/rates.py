"""How much a project may send in any minute (facts/mixpanel-http-api 1.4, 8).

Counted is what is read, refused records too: a 400 counts in Mixpanel as well. What a 429 refuses
does not count (choice). Time is the virtual clock's, so waiting is `advance`.
"""

import threading
from collections import deque
from typing import NamedTuple

from mock_mixpanel.config import Limits


class Sent(NamedTuple):
    """What one request brought; `at` is in virtual seconds."""

    at: float
    records: int
    size: int


class Rates:
    """What each project sent in the last `rate_seconds`; kept for those with a limit only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: dict[str, deque[Sent]] = {}

    def exceeded(self, token: str, limits: Limits, new: Sent) -> str | None:
        """Why a request is too much for a project; if it is not, it is counted."""
        if limits.rate_records is None and limits.rate_bytes is None:
            return None
        with self._lock:
            sent = self._sent.setdefault(token, deque())
            # A clock that was set back leaves requests of the future: they are gone too.
            while sent and not new.at - limits.rate_seconds < sent[0].at <= new.at:
                sent.popleft()
            records = new.records + sum(each.records for each in sent)
            size = new.size + sum(each.size for each in sent)
            for name, count, most in (
                ("records", records, limits.rate_records),
                ("bytes", size, limits.rate_bytes),
            ):
                if most is not None and count > most:
                    return f"rate: more than {most} {name} in {limits.rate_seconds} seconds"
            sent.append(new)
        return None

    def forget(self, token: str | None) -> None:
        """What all projects sent, or one."""
        with self._lock:
            if token is None:
                self._sent.clear()
            self._sent.pop(token or "", None)
