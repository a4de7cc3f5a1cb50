"""Whether an input begins with the one that a finished run has delivered.

The spool keeps digests of the first 1, 2, 4, 8, ... lines of that input, and of all its lines.
Lines that agree with them are held back until it is known which it is:

- the whole finished input, perhaps with more lines after it: only these are delivered;
- another input: all its lines are delivered.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import IO

from translator.sender.books.spool_records import FinishedRun
from translator.sender.commands.stdin_reader import Lines

HELD_IN_MEMORY = 16 * 1024 * 1024
"""Maximum bytes of held-back lines in memory; more are in a temporary file."""


class InputDigest:
    """The digest of the lines that were read, and those of the first 1, 2, 4, 8, ... of them."""

    def __init__(self) -> None:
        self.lines = 0
        self._digests: dict[str, str] = {}
        self._hash = hashlib.blake2b(digest_size=16)

    def add(self, line: bytes) -> None:
        """Read a line."""
        self._hash.update(b"%d " % len(line))
        self._hash.update(line)
        self.lines += 1
        if self.lines & (self.lines - 1) == 0:
            self._digests[str(self.lines)] = self._hash.hexdigest()

    def digests(self) -> dict[str, str]:
        """All digests, by the number of lines."""
        return {**self._digests, str(self.lines): self._hash.hexdigest()}

    def agrees(self, finished: FinishedRun) -> bool:
        """Whether the lines that were read so far may be the beginning of a finished input."""
        expected = finished.digests.get(str(self.lines))
        return expected is None or expected == self._hash.hexdigest()


class HistoricInput:
    """The lines of an input without those that a finished run has delivered.

    `begin` is called when it is certain that they are another input. `delivered` is the number of
    lines that were left out. `wake` asks for another call of `take`.
    """

    def __init__(
        self,
        lines: Lines,
        finished: FinishedRun | None,
        begin: Callable[[], object],
        wake: Callable[[], object],
    ) -> None:
        self.digest = InputDigest()
        self.delivered = 0
        self._lines = lines
        self._finished = finished if finished is not None and finished.lines else None
        self._begin = begin
        self._wake = wake
        self._held: IO[bytes] | None = None
        if self._finished is not None:
            self._held = tempfile.SpooledTemporaryFile(HELD_IN_MEMORY)  # noqa: SIM115
        self._replayed: Iterator[bytes] | None = None
        self._begins = self._finished is None
        """Whether another input begins, and `begin` is still to be called."""

    def take(self, room: int) -> Sequence[bytes] | None:
        """About `room` lines; an empty list if none is available now; None after the last.

        Raises what `begin` raises; then it may be called again.
        """
        if self._begins:
            self._begin()
            self._begins = False
        if self._replayed is not None:
            held = list(islice(self._replayed, room))
            if held:
                return held
            self._replayed = None
            self.close()
        lines = self._lines.take(room)
        if self._finished is None:
            for line in lines or ():
                self.digest.add(line)
            return lines
        return self._compare(lines, self._finished)

    def _compare(
        self, lines: Sequence[bytes] | None, finished: FinishedRun
    ) -> Sequence[bytes] | None:
        if lines is None:  # it ends before the finished input does
            return self._another_input()
        for place, line in enumerate(lines):
            self.digest.add(line)
            self._hold(line)
            if not self.digest.agrees(finished):
                for rest in lines[place + 1 :]:
                    self.digest.add(rest)
                    self._hold(rest)
                return self._another_input()
            if self.digest.lines == finished.lines:
                self._finished = None
                self.close()
                self.delivered = finished.lines
                added = lines[place + 1 :]
                for new in added:
                    self.digest.add(new)
                self._wake()
                return added
        if lines:
            self._wake()
        return ()

    def close(self) -> None:
        """Remove the temporary file."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def _hold(self, line: bytes) -> None:
        assert self._held is not None
        self._held.write(len(line).to_bytes(8, "big") + line)

    def _another_input(self) -> Sequence[bytes]:
        self._finished = None
        self._begins = True
        assert self._held is not None
        self._held.seek(0)
        self._replayed = _replay(self._held)
        self._wake()
        return ()


def _replay(held: IO[bytes]) -> Iterator[bytes]:
    """The lines that were held back."""
    while size := held.read(8):
        yield held.read(int.from_bytes(size, "big"))
