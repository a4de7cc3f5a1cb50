"""Calls with a write key that no source has."""

import logging
import time
from collections.abc import Callable, Sequence

from translator.gateway.http.metrics import Metrics
from translator.gateway.http.responses import Response, refusal, success
from translator.gateway.sources.sources import source_name
from translator.sender.logs import LogEvent

log = logging.getLogger("translator.gateway")

LOG_EVERY_SECONDS = 10.0


class UnknownKeys:
    """Answers calls with a write key that is not known, as Segment does: 200, and nothing is kept.

    An empty write key is answered 400 (segmentio/analytics-go#205). So that the loss is seen here,
    it is counted, and logged at most every ten seconds, by the name that the source would have.
    """

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._logged_at: float | None = None
        self._messages = 0

    def count(self, write_key: str, messages: int) -> None:
        """Count this number of messages, which are not accepted."""
        self._metrics.unknown.inc(messages)
        self._messages += messages
        now = self._clock()
        if self._logged_at is None or now - self._logged_at >= LOG_EVERY_SECONDS:
            source = source_name(write_key) if write_key else ""
            log.warning(LogEvent("unknown_write_key", source=source, messages=self._messages))
            self._logged_at, self._messages = now, 0

    def response(self, write_keys: Sequence[str]) -> Response:
        """The response to a request none of whose messages is accepted; its write keys."""
        if not any(write_keys):
            problem = "the write key is missing; send it as the Basic user"
            return refusal(400, problem, len(write_keys))
        return success(len(write_keys))
