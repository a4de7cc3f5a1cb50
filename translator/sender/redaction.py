"""Secrets are replaced in every text that people read."""

import base64
import re
from collections.abc import Iterable

REDACTED = "[redacted]"


SHORT_CHARACTERS = 8
"""A secret shorter than this may be a part of an ordinary word."""


class Redactor:
    """Replaces secrets in a text, also in the form of Basic credentials.

    `tokens`, and secrets of less than SHORT_CHARACTERS, are replaced only as whole words, with no
    letter or digit beside them.
    """

    def __init__(self, secrets: Iterable[str], tokens: Iterable[str] = ()) -> None:
        self._hidden: list[str] = []
        words = [token for token in tokens if token]
        for secret in filter(None, secrets):
            credentials = base64.b64encode(f"{secret}:".encode()).decode()
            forms = [secret, credentials, credentials.rstrip("=")]
            if len(secret) < SHORT_CHARACTERS:
                words += forms
            else:
                self._hidden += forms
        either = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
        self._words = re.compile(rf"(?<!\w)(?:{either})(?!\w)") if either else None

    def body(self, body: bytes) -> bytes:
        """A response body without secrets; an excerpt of it then holds no part of one either."""
        return self(body.decode(errors="surrogateescape")).encode(errors="surrogateescape")

    def __call__(self, text: str) -> str:
        for hidden in self._hidden:
            text = text.replace(hidden, REDACTED)
        return self._words.sub(REDACTED, text) if self._words else text
