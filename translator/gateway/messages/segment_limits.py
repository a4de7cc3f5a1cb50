"""The limits of Segment's Tracking API, and its responses to requests that exceed them.

Sources: Segment's documentation of the HTTP API source, sections "Max request size" and "Errors"
(segmentio/segment-docs, http-api/index.md; segmentio/segment-docs#7023, #6893, #7422).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from translator.core.errors import TranslationError
from translator.core.operations import Failure

KB = 1024
"""Bytes; Segment's own SDKs count its limits in units of 1024."""


@dataclass(frozen=True)
class Limits:
    """The limits of one request. Sizes are in bytes, before and after decompression.

    `None` means no limit. `too_large_status` is the HTTP status for a body that is too large;
    `ids_required`: a message needs a userId or an anonymousId.
    """

    call_bytes: int
    batch_bytes: int
    message_bytes: int | None
    batch_messages: int | None
    message_id_characters: int | None
    ids_required: bool
    too_large_status: int

    def body_bytes(self, *, batch: bool) -> int:
        """Maximum size of the body of a request, in bytes."""
        return self.batch_bytes if batch else self.call_bytes

    def problem(self, message: Mapping[str, Any], place: int, size: int) -> Failure | None:
        """The reason if Segment would refuse a message of `size` bytes, else None.

        `place` is that of the message in its batch, counted from 0.
        """
        if self.batch_messages is not None and place >= self.batch_messages:
            text = f"the batch has more than Segment's {self.batch_messages} messages"
            return _failure("batch_too_long", f"{text}; send the rest in another request")
        if self.message_bytes is not None and size > self.message_bytes:
            text = f"the message has {size} bytes, more than Segment's {self.message_bytes}"
            return _failure("message_too_large", f"{text}; send less in one call")
        longest = self.message_id_characters
        message_id = message.get("messageId")
        if longest is not None and isinstance(message_id, str) and len(message_id) > longest:
            text = f"messageId has {len(message_id)} characters, more than Segment's {longest}"
            return _failure("message_id_too_long", f"{text}; send a shorter one, such as a UUID")
        if self.ids_required and not (_is_id(message, "userId") or _is_id(message, "anonymousId")):
            text = "no_user_anon_id: the message has neither userId nor anonymousId"
            return _failure("no_user_anon_id", f"{text}, and Segment requires one of them")
        return None


def _is_id(message: Mapping[str, Any], field: str) -> bool:
    value = message.get(field)
    return value is not None and value != ""


def _failure(code: str, text: str) -> Failure:
    return TranslationError(code, text).failure


SEGMENT = Limits(
    call_bytes=32 * KB,
    batch_bytes=500 * KB,
    message_bytes=32 * KB,
    batch_messages=2500,
    message_id_characters=100,
    ids_required=True,
    too_large_status=400,
)
"""Segment's own. Its documentation says both "fewer than 100 characters" and "limited to 100": an
id of exactly 100 is accepted."""

NONE = Limits(
    call_bytes=4 * KB * KB,
    batch_bytes=4 * KB * KB,
    message_bytes=None,
    batch_messages=None,
    message_id_characters=None,
    ids_required=False,
    too_large_status=413,
)
"""Only the limits that bound the memory of the gateway."""

LIMITS: Mapping[str, Limits] = {"segment": SEGMENT, "none": NONE}
"""The values of the option `--limits`."""
