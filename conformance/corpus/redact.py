"""Redact real traffic: replace personal data with pseudonyms, and keep everything else.

Not changed, so that a translator treats the redacted message like the real one: the call, event and
page names, names of properties and traits, types, times of the message, context of devices and
libraries, and texts without a meaning (`null`, `undefined`, ...). Everything else gets a pseudonym
of the same form (pseudonyms.py).
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from conformance.corpus.entries import CorpusEntry
from conformance.corpus.pseudonyms import Pseudonyms
from conformance.spec.scenarios.loading import Json
from translator.core.message import FORBIDDEN_IDS
from translator.core.settings import SECRETS
from translator.core.values.json_values import normalised

KEPT = (
    *("type", "channel", "version", "event", "timestamp", "originalTimestamp", "sentAt"),
    *("receivedAt", "context.active", "context.app", "context.device.manufacturer"),
    *("context.device.model", "context.device.type", "context.library", "context.locale"),
    *("context.network", "context.os", "context.screen", "context.timezone", "context.userAgent"),
)
"""Paths of a message whose values stay, with everything below them."""

KEPT_OF_PAGES = ("category", "name")
"""Paths that stay in page and screen calls."""

MEANINGLESS = FORBIDDEN_IDS | {"nan", "infinity", "-infinity", "1"}
"""Texts that stay, because translators treat them in a special way."""

_TIMES = re.compile(r"(at|date|day|time|timestamp|created|seen|since|until|expires)$")
_SECONDS, _MILLISECONDS = range(10**8, 10**10), range(10**11, 10**13)
_TELLING_NAME = re.compile(r"@|\d{6}")


class CorpusRedactor:
    """Redacts entries with the pseudonyms of one key; `keep` are further paths that stay."""

    def __init__(self, key: bytes, keep: Iterable[str] = ()) -> None:
        self._pseudonyms = Pseudonyms(key)
        self._keep = frozenset((*KEPT, *keep))

    def entry(self, entry: CorpusEntry) -> Json:
        """The redacted line: a message, or an entry if it has settings or a time of its own."""
        message = self.message(entry.message)
        if entry.settings is None and entry.now is None:
            return message if isinstance(message, dict) else {"message": message}
        redacted: Json = {"message": message}
        if entry.settings is not None:
            redacted["settings"] = {
                key: self._value(value, key, key) if key in SECRETS else value
                for key, value in entry.settings.items()
            }
        if entry.now is not None:
            redacted["now"] = entry.now.isoformat()
        return redacted

    def message(self, message: Any) -> Any:
        """The redacted message. The one given is not changed."""
        if type(message) is not dict:
            return self._value(message, "", "")
        kept = self._keep
        if message.get("type") in ("page", "screen"):
            kept = kept | {*KEPT_OF_PAGES}
        # Old clients put the context into `options`.
        return {
            key: self._field(value, key.replace("options", "context"), key, kept)
            for key, value in message.items()
        }

    def _field(self, value: Any, path: str, name: str, kept: frozenset[str]) -> Any:
        if path in kept:
            return self._kept(value)
        if type(value) is dict:
            return {
                self._name(key): self._field(item, f"{path}.{key}", key, kept)
                for key, item in value.items()
            }
        if type(value) is list:
            return [self._field(item, path, name, kept) for item in value]
        return self._value(value, path, name)

    def _kept(self, value: Any) -> Any:
        """A value that stays, except for the e-mail addresses in it."""
        if type(value) is str:
            return self._pseudonyms.emails(value, only=True) if "@" in value else value
        if type(value) is dict:
            return {self._name(key): self._kept(item) for key, item in value.items()}
        return [self._kept(item) for item in value] if type(value) is list else value

    def _name(self, name: str) -> str:
        """A name stays, unless it is an e-mail address or a long number: these identify people."""
        return self._pseudonyms.text(name) if _TELLING_NAME.search(name) else name

    def _value(self, value: Any, path: str, name: str) -> Any:
        if type(value) is str:
            return value if _meaningless(value) else self._text(value)
        if type(value) is int or type(value) is float:
            moment = self._moment(value) if _TIMES.search(normalised(name)) else None
            return self._pseudonyms.number(value) if moment is None else moment
        if type(value) is dict or type(value) is list:
            return self._field(value, path, name, frozenset())
        return value

    def _text(self, value: str) -> str:
        """The first pseudonym that is not a text with a special meaning for translators."""
        found = self._pseudonyms.text(value)
        while _meaningless(found):
            found = self._pseudonyms.text(found)
        return found

    def _moment(self, value: float) -> float | None:
        """A UNIX time on another day of the same year, at the same time of the day."""
        unit = 1 if int(value) in _SECONDS else 1000 if int(value) in _MILLISECONDS else 0
        if not unit:
            return None
        day = datetime.fromtimestamp(value / unit, UTC).date()
        return value + (self._pseudonyms.day(day) - day).days * 86_400 * unit


def _meaningless(text: str) -> bool:
    return text.strip().lower() in MEANINGLESS
