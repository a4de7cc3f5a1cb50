"""A Segment-compatible HTTP API that translates what it gets and delivers it to Mixpanel."""

from translator.gateway.app import create_app
from translator.gateway.intake import Intake

__all__ = ["Intake", "create_app"]
