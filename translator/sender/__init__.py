"""Delivery: from operations to HTTP requests, and from responses to results."""

from translator.sender.commands.run import run_send
from translator.sender.deliver import Sender
from translator.sender.delivery_status import DeliveryResult, DeliveryStatus
from translator.sender.dispatch.alias_hold import AliasPolicy
from translator.sender.dispatch.batching import BatchLimits
from translator.sender.dispatch.retry import RetryPolicy
from translator.sender.http.destination_guard import DestinationError, base_urls

__all__ = [
    "AliasPolicy",
    "BatchLimits",
    "DeliveryResult",
    "DeliveryStatus",
    "DestinationError",
    "RetryPolicy",
    "Sender",
    "base_urls",
    "run_send",
]
