"""The metrics of a gateway, for Prometheus."""

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from translator.gateway.delivery.observer import DELAY_BUCKETS
from translator.gateway.sources.pipeline import Pipeline
from translator.gateway.translation.pool import TranslationPool


class Metrics(Collector):
    """The metrics of one gateway, in a registry of its own; `pipelines` gives those of now."""

    CONTENT_TYPE = CONTENT_TYPE_LATEST

    def __init__(
        self, pipelines: Callable[[], Sequence[Pipeline]], pool: TranslationPool | None = None
    ) -> None:
        self._pipelines = pipelines
        self._pool = pool
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._requests: Counts[int] = Counts()
        self.duplicates = Counter(
            "gateway_duplicates", "Messages that had been received before.", registry=self._registry
        )
        self.unknown = Counter(
            "gateway_unknown_write_key",
            "Messages that were not accepted because their write key is unknown.",
            registry=self._registry,
        )

    def answered(self, status: int) -> None:
        """Count a request by the status of its answer."""
        self._requests[status] += 1

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """The metrics that are counted elsewhere, summed over all sources."""
        pipelines = self._pipelines()
        statuses: Counts[str] = Counts()
        reasons: Counts[tuple[str, str]] = Counts()
        buckets, delay_sum = [0] * (len(DELAY_BUCKETS) + 1), 0.0
        for each in pipelines:
            statuses.update(each.intake.counts())
            reasons.update(each.observer.reasons())
            counts, seconds = each.observer.delays()
            buckets = [a + b for a, b in zip(buckets, counts, strict=True)]
            delay_sum += seconds
        requests = CounterMetricFamily("gateway_requests", "Requests answered.", labels=["status"])
        for status, count in sorted(self._requests.items()):
            requests.add_metric([str(status)], count)
        messages = CounterMetricFamily("gateway_messages", "Messages by status.", labels=["fate"])
        for name, count in statuses.items():
            if name != "read":
                messages.add_metric([name], count)
        parts = CounterMetricFamily(
            "gateway_reasons",
            "Messages or parts of them that are not in Mixpanel, by status and code of the reason.",
            labels=["fate", "code"],
        )
        for key, count in sorted(reasons.items()):
            parts.add_metric(key, count)
        waiting = GaugeMetricFamily("gateway_waiting", "Operations without a result.")
        waiting.add_metric([], sum(each.delivery.waiting for each in pipelines))
        oldest = GaugeMetricFamily("gateway_oldest_waiting_seconds", "Age of the oldest of them.")
        oldest.add_metric(
            [], max((each.delivery.oldest_waiting() for each in pipelines), default=0)
        )
        delay = HistogramMetricFamily(
            "gateway_delivery_delay_seconds", "From the arrival of operations to their delivery."
        )
        total, bounds = 0, []
        for bound, count in zip((*map(str, DELAY_BUCKETS), "+Inf"), buckets, strict=True):
            total += count
            bounds.append((bound, total))
        delay.add_metric([], bounds, delay_sum)
        paused = GaugeMetricFamily(
            "gateway_paused_seconds",
            "Remaining pause of a host that asked to wait or failed.",
            labels=["host"],
        )
        waits: dict[str, float] = {}
        for each in pipelines:
            for host, (seconds, _) in each.sender.paused_hosts().items():
                waits[host] = max(seconds, waits.get(host, 0.0))
        for host, seconds in sorted(waits.items()):
            paused.add_metric([host], seconds)
        processes = GaugeMetricFamily(
            "gateway_translation_processes", "Processes that are ready to translate."
        )
        processes.add_metric([], self._pool.ready if self._pool else 0)
        return [requests, messages, parts, waiting, oldest, delay, paused, processes]
