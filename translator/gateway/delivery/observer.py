"""Observes the messages of one source, for metrics, health and recent messages."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from translator.gateway.delivery.recent_messages import RecentMessages
from translator.sender.books.spool_records import IncomingMessage
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.request_results import Settled

DELAY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
"""Upper bounds of the histogram of delivery delays, in seconds."""

REFUSED_IN_A_ROW = 3
"""Consecutive refused operations after which the target counts as refusing everything. One is
enough if no operation was ever delivered."""


class Observer:
    """Counts messages and operations by their results. Any thread may use it."""

    def __init__(self, source: str = "", recent: RecentMessages | None = None) -> None:
        self._source = source
        self._recent = recent
        self._lock = threading.Lock()
        self._reasons: Counter[tuple[str, str]] = Counter()
        self._delays = [0] * (len(DELAY_BUCKETS) + 1)
        self._delay_sum = 0.0
        self._delivered = 0
        self._refused = 0
        self._last_refusal = ""

    def taken(self, messages: Sequence[IncomingMessage], now: float) -> None:
        """Messages are stored; `now` is in seconds since 1970."""
        with self._lock:
            for message in [each for each in messages if each.skipped or each.losses]:
                for code, _ in message.skipped:
                    self._reasons[DeliveryStatus.SKIPPED.value, code] += 1
                for loss in message.losses:
                    code = loss.shown.get("code", "undeliverable")
                    self._reasons[loss.shown["fate"], code] += 1
        if self._recent:
            self._recent.taken(self._source, messages, now)

    def settled(self, settled: Sequence[Settled], delays: Sequence[tuple[float, int]]) -> None:
        """Count final results. `delays` maps seconds since arrival to a number of operations."""
        with self._lock:
            for operations, status, reason in settled:
                if status is DeliveryStatus.DELIVERED:
                    self._delivered += len(operations)
                    self._refused = 0
                    continue
                code = "refused" if status is DeliveryStatus.REJECTED else "undeliverable"
                self._reasons[status.value, code] += len(operations)
                if status is DeliveryStatus.REJECTED:
                    self._refused += len(operations)
                    self._last_refusal = reason or ""
            for seconds, count in delays:
                self._delays[bisect_left(DELAY_BUCKETS, seconds)] += count
                self._delay_sum += max(0.0, seconds) * count
        if self._recent:
            self._recent.settled(self._source, settled)

    def reasons(self) -> dict[tuple[str, str], int]:
        """The number of parts of messages that are not delivered, by status and code."""
        with self._lock:
            return dict(self._reasons)

    def delays(self) -> tuple[list[int], float]:
        """The number of delivered operations in each bucket of delay, and the sum of the delays."""
        with self._lock:
            return list(self._delays), self._delay_sum

    def refusal(self) -> str | None:
        """The reason if the target refuses everything, else None."""
        with self._lock:
            needed = REFUSED_IN_A_ROW if self._delivered else 1
            return (self._last_refusal or "no reason") if self._refused >= needed else None
