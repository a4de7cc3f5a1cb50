"""Hide tokens and secrets in values that a report shows."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from conformance.spec.scenarios.loading import Json
from translator.core.settings import SECRETS

HIDDEN = "***"

SHORT_CHARACTERS = 8
"""A secret shorter than this may equal an ordinary value, which is then hidden too."""

LONG_CHARACTERS = 16
"""A secret of this length is also hidden where it stands as a word of its own in a longer text."""


class SecretFilter:
    """Hides the given secrets: a text that is a secret is shown as `***`.

    A text that only contains a secret is shown, unless the secret is long and stands between
    characters that no secret has: `Basic 0123456789abcdef` is hidden in part.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = frozenset(secrets)
        long = sorted(map(re.escape, filter(_is_long, self.secrets)), key=len, reverse=True)
        self._within = re.compile(rf"(?<!\w)(?:{'|'.join(long)})(?!\w)") if long else None

    def __call__(self, value: Any) -> Any:
        """The value without secrets, keys of objects included."""
        if not self.secrets:
            return value
        if type(value) is str:
            return self._text(value)
        if type(value) is dict:
            return {self._text(key): self(item) for key, item in value.items()}
        return [self(item) for item in value] if type(value) in (list, tuple) else value

    def _text(self, text: str) -> str:
        if text in self.secrets:
            return HIDDEN
        return self._within.sub(HIDDEN, text) if self._within else text


def secrets_in(settings: Iterable[Json | None], known: Json) -> Iterator[str]:
    """The tokens and secrets in some settings, but not those of `known`, which are public."""
    for source in settings:
        for key in SECRETS:
            value = (source or {}).get(key)
            if isinstance(value, str) and value and value != known.get(key):
                yield value


def _is_long(secret: str) -> bool:
    return len(secret) >= LONG_CHARACTERS
