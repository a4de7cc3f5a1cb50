"""Text that is safe to print on a terminal."""

import re

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""What moves the cursor, changes colours or turns the direction of text; not tab and newline."""


def printable(text: str) -> str:
    """A text in which each control character is written as a JSON escape.

    In JSON text the escape means the same character.
    """
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
