"""Text that is safe to print on a terminal."""

import re
import sys
from typing import BinaryIO, cast

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""Characters that move the cursor, change colours or turn the direction of text; not tab and
newline."""


def printable(text: str) -> str:
    """A text in which each control character is written as a JSON escape.

    In JSON text the escape means the same character.
    """
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def json_output() -> BinaryIO:
    """Standard output for lines of JSON; on a terminal their control characters are escaped."""
    output = sys.stdout.buffer
    return cast(BinaryIO, _TerminalOutput(output)) if sys.stdout.isatty() else output


class _TerminalOutput:
    """Writes whole lines of JSON text to a terminal."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output

    def write(self, data: bytes) -> int:
        """Write lines."""
        self._output.write(printable(data.decode(errors="replace")).encode())
        return len(data)

    def flush(self) -> None:
        """Write what is buffered."""
        self._output.flush()
