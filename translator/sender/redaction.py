"""Keeping secrets out of what people read."""

import base64
from collections.abc import Iterable

REDACTED = "[redacted]"


class Redactor:
    """Replaces secrets in a text, also where they stand as Basic credentials."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._hidden: list[str] = []
        for secret in secrets:
            credentials = base64.b64encode(f"{secret}:".encode()).decode()
            self._hidden += [secret, credentials, credentials.rstrip("=")]

    def __call__(self, text: str) -> str:
        for hidden in self._hidden:
            text = text.replace(hidden, REDACTED)
        return text
