"""Translates Segment calls to Mixpanel operations, and delivers them.

from translator import translate, Settings, Rules

result = translate(message, Settings(token="..."), now=datetime.now(UTC))
"""

from datetime import datetime
from typing import Any

from translator.cloud.translate import translate_message
from translator.core.compiled_settings import compile_settings
from translator.core.errors import MappingError, SettingsError, TranslationError
from translator.core.message import message_id
from translator.core.operations import Failure, Operation, Result, Skip
from translator.core.properties.mapping import STANDARD, PropertyMap
from translator.core.rules import Rules
from translator.core.settings import Settings
from translator.core.values.json_values import check
from translator.core.values.timestamps import to_ms
from translator.device.session import Session, translate_session

__version__ = "0.1.0"
__all__ = [
    "Failure",
    "MappingError",
    "Operation",
    "PropertyMap",
    "Result",
    "Rules",
    "Session",
    "Settings",
    "SettingsError",
    "Skip",
    "translate",
    "translate_session",
]


def translate(
    message: Any,
    settings: Settings,
    *,
    now: datetime | None = None,
    mode: str = "cloud",
    rules: Rules | None = None,
    mapping: PropertyMap = STANDARD,
) -> Result:
    """Translate one Segment message. Pure; a bad message gives a result with an error.

    `now` is an aware datetime that decides whether the message is old. Without it, the message's
    own time of arrival decides (`receivedAt`, else `sentAt`); without that it counts as new, and if
    it has no timestamp either, Mixpanel uses its own time of arrival.
    `rules` are `Rules.documented()` unless given; `mapping` changes which source becomes which
    property. `mode` is `cloud`, or `web`, `ios` or `android`, where the message is all of a
    session: see `Session` for several. Raises ValueError for a mode that does not exist or a naive
    `now`.
    """
    if mode != "cloud":
        rules = rules or Rules.documented()
        return translate_session([message], settings, mode=mode, now=now, rules=rules)[0]
    compiled = compile_settings(settings, rules or Rules.documented(), mapping)
    try:
        check(message)
    except TranslationError as error:
        return Result(message_id(message), error=error.failure)
    return translate_message(message, compiled, None if now is None else to_ms(now))
