"""Reads compressed input. The first bytes tell gzip and zstd; the name of the file does not matter.

Memory stays bounded: a stream decompresses only what is read from it.
"""

import gzip
import io
import sys
import zlib
from typing import Any, BinaryIO, cast

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

_ZSTD_READ_BYTES = 8 << 10
"""Compressed bytes per step; all that they decompress to is in memory at once."""


class CompressedInputError(OSError):
    """Compressed input is cut off or damaged, or its package is not installed."""


def decompressed(raw: BinaryIO) -> BinaryIO:
    """A stream of the plain bytes of `raw`, which must be a buffered reader (it has `peek`).

    Reading raises CompressedInputError if the compressed data ends early or is damaged. Raises
    CompressedInputError at once for zstd without the package `zstandard`.
    """
    start = cast(io.BufferedReader, raw).peek(4)[:4]
    if not start:  # a terminal would wait for its end again
        return cast(BinaryIO, io.BytesIO())
    if start.startswith(GZIP_MAGIC):
        return cast(BinaryIO, io.BufferedReader(_Gzip(raw)))
    if start == ZSTD_MAGIC:
        return cast(BinaryIO, io.BufferedReader(_Zstd(raw, _zstd_decompressor())))
    return raw


def standard_input() -> BinaryIO:
    """Standard input as a buffered reader; to close it leaves the real standard input open."""
    return cast(BinaryIO, io.BufferedReader(_Unclosed(sys.stdin.buffer)))


class _Unclosed(io.RawIOBase):
    """A stream that stays open when its reader is closed."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._source.fileno()

    def readinto(self, buffer: Any) -> int:
        read = getattr(self._source, "read1", self._source.read)
        data: bytes = read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Gzip(io.RawIOBase):
    """The plain bytes of a gzip stream, in one or several members."""

    def __init__(self, raw: BinaryIO) -> None:
        self._file = gzip.GzipFile(fileobj=raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read1(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            raise CompressedInputError(str(error)) from error
        buffer[: len(data)] = data
        return len(data)


class _Zstd(io.RawIOBase):
    """The plain bytes of zstd frames; the package's own reader accepts a truncated frame."""

    def __init__(self, raw: BinaryIO, decompressor: Any) -> None:
        self._raw = raw
        self._decompressor = decompressor
        self._frame: Any = None
        self._input = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._output:
            if not self._input:
                self._input = self._raw.read(_ZSTD_READ_BYTES)
                if not self._input:
                    if self._frame is not None:
                        raise CompressedInputError("the last zstd frame is cut off")
                    return 0
            self._decompress()
        size = min(len(buffer), len(self._output))
        buffer[:size] = self._output[:size]
        self._output = self._output[size:]
        return size

    def _decompress(self) -> None:
        if self._frame is None:
            self._frame = self._decompressor.decompressobj()
        try:
            self._output = memoryview(self._frame.decompress(self._input))
        except Exception as error:
            raise CompressedInputError(str(error)) from error
        self._input = b""
        if self._frame.eof:
            self._input, self._frame = self._frame.unused_data, None


def _zstd_decompressor() -> Any:
    try:
        import zstandard
    except ImportError:
        text = "is compressed with zstd; install the package: pip install 'mockpanel[zstd]'"
        raise CompressedInputError(text) from None
    return zstandard.ZstdDecompressor()
