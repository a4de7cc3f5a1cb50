"""Text as TOML writes it."""

import json
import re

_SURROGATES = re.compile("[\ud800-\udfff]")


def toml_text(text: str) -> str:
    """Text as TOML has it; a JSON string is one, but for a character or two.

    TOML has no lone surrogates. Each becomes `?`, which as a glob matches it.
    """
    quoted = json.dumps(_SURROGATES.sub("?", text), ensure_ascii=False)
    return quoted.replace("\x7f", "\\u007f")
