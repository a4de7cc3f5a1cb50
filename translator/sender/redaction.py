"""Secrets are replaced in every text that people read."""

import base64
import re
from collections.abc import Iterable

REDACTED = "[redacted]"


class Redactor:
    """Replaces secrets in a text, also in the form of Basic credentials.

    `tokens` are replaced only as whole words, with no letter or digit beside them.
    """

    def __init__(self, secrets: Iterable[str], tokens: Iterable[str] = ()) -> None:
        self._hidden: list[str] = []
        for secret in filter(None, secrets):
            credentials = base64.b64encode(f"{secret}:".encode()).decode()
            self._hidden += [secret, credentials, credentials.rstrip("=")]
        words = "|".join(re.escape(token) for token in tokens if token)
        self._tokens = re.compile(rf"(?<!\w)(?:{words})(?!\w)") if words else None

    def body(self, body: bytes) -> bytes:
        """A response body without secrets; an excerpt of it then holds no part of one either."""
        for hidden in self._hidden:
            body = body.replace(hidden.encode(), REDACTED.encode())
        return body

    def __call__(self, text: str) -> str:
        for hidden in self._hidden:
            text = text.replace(hidden, REDACTED)
        return self._tokens.sub(REDACTED, text) if self._tokens else text
