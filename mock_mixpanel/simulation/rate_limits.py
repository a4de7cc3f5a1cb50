"""Rate limits: the records and bytes that a project may send, and its number of reads
(docs/facts/mixpanel-http-api.md#event-limits, docs/facts/mixpanel-http-api.md#reading-back,
docs/facts/mixpanel-http-api.md#rate-limits-errors-and-retries).

All records that are read count, also refused ones: a 400 counts in Mixpanel as well. Requests that
a 429 refuses do not count (choice). Times are those of the virtual clock, so a test waits by
`advance`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from mock_mixpanel.log.shared_settings import SharedSettings
from mock_mixpanel.projects.config import MixpanelLimits

PART = "rates"
CALLS = "calls"


class SentVolume(NamedTuple):
    """The volume of one request; `at` is in virtual seconds."""

    at: float
    records: int
    size: int


class Window(NamedTuple):
    """The maximum number of calls in a number of seconds; None means no limit."""

    most: int | None
    seconds: int


class Full(NamedTuple):
    """A window that is full, and the seconds until the next call is allowed."""

    window: Window
    after: float


class Rates:
    """The volume of each project in the last `rate_seconds`, for projects with a limit."""

    def __init__(self, shared: SharedSettings) -> None:
        self._shared = shared

    def exceeded(self, token: str, limits: MixpanelLimits, new: SentVolume) -> str | None:
        """The reason if a request exceeds a limit of a project; else the request is counted."""
        if not limits.rated:
            return None
        with self._shared.changing(PART) as part:
            # After the clock was set back, requests of the future are removed too.
            since = new.at - limits.rate_seconds
            sent = [each for each in part.get(token, []) if since < each[0] <= new.at]
            records = new.records + sum(each[1] for each in sent)
            size = new.size + sum(each[2] for each in sent)
            for name, count, most in (
                ("records", records, limits.rate_records),
                ("bytes", size, limits.rate_bytes),
            ):
                if most is not None and count > most:
                    return f"rate: more than {most} {name} in {limits.rate_seconds} seconds"
            part[token] = [*sent, tuple(new)]
        return None

    def call(self, token: str, kind: str, windows: Iterable[Window], at: float) -> Full | None:
        """The first full window; without one, the call is counted. Times are virtual."""
        limited = [window for window in windows if window.most is not None]
        if not limited:
            return None
        longest = max(window.seconds for window in limited)
        with self._shared.changing(CALLS) as part:
            kinds = part.setdefault(token, {})
            before = [each for each in kinds.get(kind, []) if at - longest < each <= at]
            for window in limited:
                recent = [each for each in before if each > at - window.seconds]
                if len(recent) >= (window.most or 0):
                    oldest = recent[-window.most] if window.most else at
                    return Full(window, oldest + window.seconds - at)
            kinds[kind] = [*before, at]
        return None

    def forget(self, token: str | None) -> None:
        """Forget the volume and calls of all projects, or of one."""
        for name in (PART, CALLS):
            with self._shared.changing(name) as part:
                if token is None:
                    part.clear()
                part.pop(token or "", None)
