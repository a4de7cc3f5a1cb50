"""Text as TOML writes it."""

import json


def toml_text(text: str) -> str:
    """Text as TOML has it; a JSON string is one, but for a character or two."""
    return json.dumps(text).replace("\x7f", "\\u007f")
