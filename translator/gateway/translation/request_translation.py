"""The translation of one request: from its body to its translated messages, in order."""

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

from translator.gateway.messages.bodies import BadRequestError, Parsed, parse_body
from translator.gateway.messages.calls import BATCHES, messages_of
from translator.gateway.messages.json_text import json_line
from translator.gateway.messages.segment_limits import Limits
from translator.gateway.messages.visitor_address import comes_from_client
from translator.gateway.translation.source_translation import SourceTranslation, TranslatedMessage

PIECE_MESSAGES = 500
"""A request with more messages is stored in pieces, so that those of others come in between. If a
later piece cannot be stored, the client sends all of it again, and the first ones are known."""


SMALL_BODY = 4 * 1024
"""Smaller bodies, in bytes, are translated at once: to ask another process would take as long."""


class Call(NamedTuple):
    """A request as it arrived.

    `name` is the last part of its path, `encoding` its Content-Encoding, `origin` its Origin, each
    empty if absent; `visitor` is the visitor's address. `now` is in seconds since 1970. `places`
    are those of the messages to translate, counted from 0; None for all of them.
    """

    name: str
    body: bytes
    encoding: str
    origin: str
    visitor: str
    now: float
    limits: Limits
    places: frozenset[int] | None = None

    @property
    def is_small(self) -> bool:
        """Whether it is one message that is translated in a moment."""
        return len(self.body) < SMALL_BODY and not self.encoding and self.name not in BATCHES

    def parsed(self) -> Parsed:
        """The JSON value of the body. Raises BadRequestError."""
        limit = self.limits.body_bytes(batch=self.name in BATCHES)
        return parse_body(self.body, self.encoding, limit, self.limits.too_large_status)

    def messages(self, body: Any) -> list[Any]:
        """The messages of the body's value, not translated. Raises BadRequestError."""
        return messages_of(self.name, body, int(self.now * 1000), _new_id)


def translate_request(call: Call, source: SourceTranslation) -> Iterator[TranslatedMessage]:
    """Translate the messages of a request one by one.

    Raises BadRequestError if the request as a whole is bad, or a message cannot be kept.
    """
    body = call.parsed()
    messages = call.messages(body.value)
    sizes = _sizes(call, body)
    limits, now, strict = call.limits, call.now, body.strict
    try:
        for place, message in enumerate(messages):
            refused, address = None, None
            size = next(sizes, 0) if isinstance(message, dict) else 0
            if call.places is not None and place not in call.places:
                continue
            if isinstance(message, dict):
                refused = limits.problem(message, place, size)
                if comes_from_client(call.name, call.origin, message):
                    address = call.visitor
            yield source.translate(message, now, refused, address=address, strict=strict)
    except RecursionError:
        raise BadRequestError(400, "a message is nested too deep to be kept") from None


def _sizes(call: Call, body: Parsed) -> Iterator[int]:
    """The sizes of the objects of a batch, if one of them may be too large; else nothing."""
    most = call.limits.message_bytes
    if call.name in BATCHES and most is not None and body.size > most:
        for message in body.value["batch"]:
            if isinstance(message, dict):
                yield len(json_line(message, strict=body.strict))


def _new_id() -> str:
    return f"gateway-{uuid.uuid4()}"
