"""Delivery: operations to HTTP requests, answers to verdicts."""

from translator.sender.commands.run import run_send
from translator.sender.deliver import Sender
from translator.sender.delivery_status import Fate, Verdict
from translator.sender.dispatch.batching import Limits
from translator.sender.dispatch.dispatch import Alias
from translator.sender.dispatch.retry import RetryPolicy
from translator.sender.http.destination_guard import DestinationError, base_urls

__all__ = [
    "Alias",
    "DestinationError",
    "Fate",
    "Limits",
    "RetryPolicy",
    "Sender",
    "Verdict",
    "base_urls",
    "run_send",
]
