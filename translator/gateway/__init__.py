"""A Segment-compatible HTTP API that translates calls and delivers them to Mixpanel."""

from translator.gateway.http.app import Gateway
from translator.gateway.sources.pipeline import DeliveryOptions, Pipeline
from translator.gateway.sources.sources import Sources

__all__ = ["DeliveryOptions", "Gateway", "Pipeline", "Sources"]
