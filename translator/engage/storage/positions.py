"""The positions of a run in its input and output, so that the next run can continue there."""

import os
import select
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

from translator.bulk import chunks

HEAD_BYTES = 64 << 10
"""Bytes at the start of a file that identify it after it has grown."""
_READ_BYTES = 1 << 20


class PositionError(Exception):
    """A file is not the one to continue in; the text says what is different."""


class FilePosition(NamedTuple):
    """A place in a file: bytes before it, lines before it, and the digest of the file's start."""

    offset: int = 0
    lines: int = 0
    digest: str = sha256().hexdigest()


START = FilePosition()


class _Counted:
    """A stream that counts what is read from it, and knows where the last whole line ends."""

    def __init__(self, source: BinaryIO) -> None:
        self._read = getattr(source, "read1", source.read)
        self.head = b""
        self.total = 0
        self.line_end = 0

    def read(self, size: int) -> bytes:
        """The next bytes; none at the end."""
        data: bytes = self._read(size)
        if len(self.head) < HEAD_BYTES:
            self.head = (self.head + data)[:HEAD_BYTES]
        if (end := data.rfind(b"\n")) >= 0 or not data:
            self.line_end = self.total + end + 1
        self.total += len(data)
        return data


class PositionedLines:
    """The lines of an input after a position, without line breaks, in blocks as they arrive.

    `lines` counts the lines before the end of the last block. Raises `PositionError` if the input
    is shorter or starts differently.
    """

    def __init__(self, source: BinaryIO, start: FilePosition = START) -> None:
        self._raw = source
        self._source = _Counted(source)
        self._skip(start)
        self.lines = start.lines
        self._block: list[bytes] = []
        self._has_line_break = True
        self._start = self._end = start.offset

    def _skip(self, start: FilePosition) -> None:
        while self._source.total < start.offset:
            if not self._source.read(min(_READ_BYTES, start.offset - self._source.total)):
                raise PositionError(
                    f"has {self._source.total} bytes, but {start.offset} bytes were used before"
                )
        if self._digest(start.offset) != start.digest:
            raise PositionError("does not start with what was used before")

    def __iter__(self) -> Iterator[list[bytes]]:
        for chunk in chunks(self._source):  # type: ignore[arg-type]
            self._block = chunk.removesuffix(b"\n").split(b"\n")
            self._has_line_break = chunk.endswith(b"\n")
            self._start, self._end = self._end, self._source.line_end
            self.lines += len(self._block)
            yield self._block

    def is_at_incomplete_line(self, lines: int) -> bool:
        """Whether the input ends after this number of lines, without a line break at its end."""
        return lines == self.lines and not self._has_line_break

    def may_wait(self) -> bool:
        """Whether the next block may have to be waited for."""
        try:
            return not select.select([self._raw.fileno()], [], [], 0)[0]
        except (OSError, ValueError):  # the input has no file descriptor, or the system no select
            return True

    def position(self, lines: int) -> FilePosition:
        """The position after a number of lines, which must end in the last block or at its
        start."""
        left = self.lines - lines
        offset = self._start
        if left < len(self._block):
            # Counted from the end, because the start of a line that is too long is cut.
            after = self._block[len(self._block) - left :]
            offset = self._end - sum(map(len, after)) - left
        return FilePosition(offset, lines, self._digest(offset))

    def _digest(self, offset: int) -> str:
        return sha256(self._source.head[:offset]).hexdigest()


class PositionedOutput:
    """An output file that is cut to a position and continued there.

    `ended`: the file must end at the position. Raises `PositionError` if the file is not the one
    that was written, and OSError.
    """

    def __init__(self, path: Path, start: FilePosition = START, *, ended: bool = False) -> None:
        if path.exists() and not path.is_file():
            raise PositionError("is not a regular file, so it cannot be cut to a position")
        if start.offset and not path.exists():
            raise PositionError("is missing; what was written to it is needed to continue")
        self._file: BinaryIO = path.open("r+b" if start.offset else "wb")
        try:
            self._head = self._file.read(min(start.offset, HEAD_BYTES)) if start.offset else b""
            self._continue(start, ended=ended)
        except BaseException:
            self._file.close()
            raise

    def _continue(self, start: FilePosition, *, ended: bool) -> None:
        size = self._file.seek(0, os.SEEK_END)
        if size < start.offset or (ended and size > start.offset):
            raise PositionError(f"has {size} bytes, but {start.offset} bytes were written")
        if sha256(self._head).hexdigest() != start.digest:
            raise PositionError("does not start with what was written")
        self._file.truncate(start.offset)
        self._file.seek(start.offset)
        self._size, self._lines = start.offset, start.lines

    def write(self, line: bytes) -> None:
        """Write a line with its line break."""
        if len(self._head) < HEAD_BYTES:
            self._head = (self._head + line)[:HEAD_BYTES]
        self._file.write(line)
        self._size += len(line)
        self._lines += 1

    def sync(self) -> FilePosition:
        """Bring everything to the disk. Returns the position after it."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return FilePosition(self._size, self._lines, sha256(self._head).hexdigest())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
