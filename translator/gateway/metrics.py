"""What a gateway tells Prometheus."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from translator.gateway.intake import Intake


class Metrics(Collector):
    """The metrics of one gateway, in a registry of its own."""

    CONTENT_TYPE = CONTENT_TYPE_LATEST

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self.requests = Counter(
            "gateway_requests", "Requests answered.", ["status"], registry=self._registry
        )
        self.duplicates = Counter(
            "gateway_duplicates", "Messages that were known already.", registry=self._registry
        )

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """What is counted elsewhere."""
        settled = CounterMetricFamily(
            "gateway_messages", "Messages by what became of them.", labels=["fate"]
        )
        for fate, count in self._intake.counts().items():
            if fate != "read":
                settled.add_metric([fate], count)
        waiting = GaugeMetricFamily("gateway_waiting", "Operations that have no verdict yet.")
        waiting.add_metric([], self._intake.waiting())
        return [settled, waiting]
