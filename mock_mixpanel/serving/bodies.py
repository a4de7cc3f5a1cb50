"""The body of an HTTP request, read from its connection: of a known length, or in chunks.

A body that ends too early, or that is not what its headers say, is a BodyError. werkzeug's own
reader of chunks writes past its buffer when a chunk is cut, which ends the whole process.
"""

import re
from contextlib import suppress
from typing import BinaryIO, Protocol

LONGEST_LINE = 1024
"""Bytes of the line before a chunk, with all that may stand after its size."""
MOST_TRAILERS = 100

_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_LENGTH = re.compile(r"[0-9]{1,15}")


class BodyError(OSError):
    """A body that cannot be read to its end; the message says why."""


class Source(Protocol):
    """The connection."""

    def read(self, size: int, /) -> bytes:
        """So many bytes; fewer only at its end."""

    def readline(self, size: int, /) -> bytes:
        """A line with its end, or so many bytes of it."""


class Lines:
    """A connection that knows the last line that was read from it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.last = b""
        self.read, self.close = source.read, source.close

    def readline(self, size: int = -1, /) -> bytes:
        """A line with its end, or so many bytes of it."""
        self.last = self._source.readline(size)
        return self.last


class Body:
    """What WSGI calls the input. `length` is that header's value, "" if there is none."""

    def __init__(self, source: Source, length: str, *, chunked: bool) -> None:
        self._source, self._chunked = source, chunked
        known = _LENGTH.fullmatch(length.strip() or "0")
        self._length = int(known[0]) if known and not chunked else 0
        self._left = self._length
        """Bytes to come: of the body, or of the chunk at hand."""
        self._got = 0
        self._broken = "" if known or chunked else "Content-Length is no length"
        self._ended = not (chunked or self._left or self._broken)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all if it is negative; b"" at the end. Raises BodyError."""
        if size < 0:
            return b"".join(iter(lambda: self.read(65536), b""))
        if self._broken:
            raise BodyError(self._broken)
        try:
            return self._read(size)
        except OSError as error:
            self._broken = str(error) or type(error).__name__
            raise BodyError(self._broken) from error

    def readinto(self, buffer: memoryview) -> int:
        """Like read, into a buffer; the number of bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def drained(self, most: int) -> bool:
        """Read away what is left, if it is at most so many bytes; whether nothing is left then."""
        with suppress(BodyError):
            while most > 0 and not self._ended:
                most -= len(self.read(min(most, 65536)))
        return self._ended

    def _read(self, size: int) -> bytes:
        if self._ended or not size:
            return b""
        if self._chunked and not self._left:
            self._left = self._next_chunk()
            if not self._left:
                self._end_of_chunks()
                return b""
        wanted = min(size, self._left)
        data = self._source.read(wanted)
        self._got += len(data)
        self._left -= len(data)
        if len(data) < wanted:
            whole = "" if self._chunked else f" of {self._length}"
            raise BodyError(f"the connection ended after {self._got}{whole} bytes")
        if self._chunked and not self._left and self._line() != b"":
            raise BodyError("a chunk is longer than its size")
        self._ended = not self._chunked and not self._left
        return data

    def _next_chunk(self) -> int:
        size = self._line().partition(b";")[0].strip()
        if not _SIZE.fullmatch(size):
            raise BodyError("a chunk without its size")
        return int(size, 16)

    def _end_of_chunks(self) -> None:
        for _ in range(MOST_TRAILERS):
            if self._line() == b"":
                self._ended = True
                return
        raise BodyError(f"more than {MOST_TRAILERS} trailers")

    def _line(self) -> bytes:
        """The next line, without its end."""
        line = self._source.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            what = "a line of a chunk is too long" if len(line) == LONGEST_LINE else ""
            raise BodyError(what or f"the connection ended after {self._got} bytes")
        return line.rstrip(b"\r\n")
