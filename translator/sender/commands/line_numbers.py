"""The numbers of lines in an input whose blank lines are left out."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from translator.bulk import is_blank


class LineNumbers:
    """Leaves out blank lines, and gives the number that each other line has in its file.

    Each blank line takes eight bytes of memory.
    """

    def __init__(self) -> None:
        self._filled = 0
        self._blanks = array("q")
        """For each blank line, the number of the filled line after it, from 1."""

    def filled(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The lines that are not blank; call it for each piece of the input, in order."""
        for line in lines:
            if is_blank(line):
                self._blanks.append(self._filled + 1)
            else:
                self._filled += 1
                yield line

    def of(self, place: int) -> int:
        """The number in the file, from 1, of the filled line at a place, from 1."""
        return place + bisect_right(self._blanks, place)
