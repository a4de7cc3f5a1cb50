"""Delivery: operations to HTTP requests, answers to verdicts."""

from translator.sender.batching import Limits
from translator.sender.command import run_send
from translator.sender.deliver import Sender
from translator.sender.dispatch import Alias
from translator.sender.live import DestinationError, base_urls
from translator.sender.records import Fate, Verdict
from translator.sender.retry import RetryPolicy

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
