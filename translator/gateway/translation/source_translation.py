"""The translation of one source's messages: from a message to what is stored of it.

Pure: the time is an argument, so that other processes can do it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from translator.bulk import needs_check, translate_parsed
from translator.core.compiled_settings import CompiledSettings, compile_settings
from translator.core.operations import Failure, Json, Result, Skip
from translator.core.properties.mapping import STANDARD, PropertyMap
from translator.core.rules import Rules
from translator.core.settings import Settings
from translator.gateway.messages.deduplication import key_of, significant_text
from translator.gateway.messages.json_text import json_line
from translator.gateway.messages.visitor_address import with_address
from translator.sender.books.dead_letters import of_line
from translator.sender.books.ledger import losses_of
from translator.sender.queue.preparation import Preparation
from translator.sender.queue.queued_operation import PreparedOperation

TranslatedMessage = tuple[
    bytes,
    str | float | None,
    str,
    Failure | None,
    Sequence[Skip],
    Sequence[PreparedOperation],
    Sequence[tuple[Json, Json]],
]
"""A message that is translated, as plain values, which one process can give to another.

The members are a key that recognises it when it is sent again, its message id, its type or an empty
text, why it could not be translated, its skips, its operations, and its losses as
`ledger.losses_of` gives them. pickle takes three times as long for a named tuple.
"""


@dataclass(frozen=True)
class SourceTranslation:
    """Translates messages with the settings of a source.

    `base_urls`, `live` and `allowed` are those of its sender.
    """

    settings: Settings
    rules: Rules
    mapping: PropertyMap = STANDARD
    base_urls: Mapping[str, str] | None = None
    live: bool = False
    allowed: Collection[str] = ()

    @cached_property
    def compiled(self) -> CompiledSettings:
        """The settings, compiled."""
        return compile_settings(self.settings, self.rules, self.mapping)

    @cached_property
    def _preparation(self) -> Preparation:
        return Preparation(
            self.base_urls,
            live=self.live,
            allowed=self.allowed,
            has_secret=bool(self.settings.apiSecret),
        )

    def translate(
        self,
        message: Any,
        now: float,
        refused: Failure | None = None,
        *,
        address: str | None = None,
        strict: bool = True,
    ) -> TranslatedMessage:
        """Translate a message at `now`, in seconds since 1970.

        `refused` is why it must not be translated, if that is known already. `address` is the
        visitor's; it is added to the message, but does not make it another one: a client may send
        a message again from another network. Without `strict` the message may hold what JSON does
        not allow. Raises RecursionError for a message that is nested too deep to be written as
        JSON.
        """
        kind = message_id = None
        if isinstance(message, dict):
            text = significant_text(message, strict=strict)
            kind, message_id = message.get("type"), message.get("messageId")
        else:
            text = json_line(message, strict=strict)
        if address is not None:
            with_address(message, address)
        if refused is None:
            checked = strict and not needs_check(json_line(message))
            result = translate_parsed(message, self.compiled, int(now * 1000), checked=checked)
        else:
            result = Result(message_id, error=refused)
        again = {} if result.error is None else of_line(json_line(message, strict=strict))
        operations, undeliverable = self._preparation.of_result(result, now)
        losses = losses_of(result, again, undeliverable) if again or undeliverable else ()
        return (
            key_of(text),
            result.message_id,
            kind if isinstance(kind, str) else "",
            result.error,
            result.skipped,
            operations,
            losses,
        )
