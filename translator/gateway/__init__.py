"""A Segment-compatible HTTP API that translates calls and delivers them to Mixpanel."""

from translator.gateway.app import Gateway
from translator.gateway.pipeline import DeliveryOptions, Pipeline
from translator.gateway.sources import Sources

__all__ = ["DeliveryOptions", "Gateway", "Pipeline", "Sources"]
