"""Deduplication: the key by which a repeated message is recognised."""

import hashlib
from collections.abc import Mapping
from typing import Any

from translator.gateway.messages.json_text import json_line

SIGNIFICANT = frozenset(
    [
        "type",
        "messageId",
        "userId",
        "anonymousId",
        "previousId",
        "groupId",
        "sessionId",
        "event",
        "name",
        "category",
        "properties",
        "traits",
        "originalTimestamp",
    ]
)
"""The members of a message that say what was called, for whom, when and with which data.

All others, known or not, describe the circumstances or the transport: `context` and `integrations`
(a batch adds its own), `_metadata`, `sentAt`, `writeKey`, `receivedAt`, ... A client that sends a
message again may change them (segmentio/analytics-ruby#73, #241; decision:same-message). The time
of the call is `originalTimestamp`; `timestamp` is corrected by the gateway's clock, so it changes
too.
"""

KEY_BYTES = 16


def significant_text(message: Mapping[str, Any], *, strict: bool = True) -> bytes:
    """The members that repeated messages share, of a message as `calls.messages_of` gives it.

    The message id is not enough: a client with a defect may send different messages with one id,
    and all but the first would be lost. `strict` is as in `json_line`. Raises RecursionError for a
    message that is nested too deep to be written as JSON.
    """
    significant = {name: value for name, value in message.items() if name in SIGNIFICANT}
    return json_line(significant, sort_keys=True, strict=strict)


def key_of(text: bytes) -> bytes:
    """The key of a text: a hash of fixed size."""
    return hashlib.blake2b(text, digest_size=KEY_BYTES).digest()
