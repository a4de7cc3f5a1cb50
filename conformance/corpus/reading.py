"""Reading corpora: files, globs and standard input, plain, gzip or zstd, in chunks of whole lines.

Memory stays bounded: nothing but the chunk at hand is kept, however large the corpus.
"""

import glob
import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from conformance.errors import DataError, UsageError
from translator.bulk import chunks

STDIN = "-"
_ZSTD_READ_BYTES = 8 << 10  # what comes of them is in memory at once
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class Chunk(NamedTuple):
    """Some whole lines of a corpus: whence, the number of the first, and how far we are.

    `position` counts the bytes of the corpus that were read so far, as they are stored.
    """

    name: str
    first_line: int
    data: bytes
    position: int

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line with its number; lines of white space are left out."""
        for number, line in enumerate(self.data.split(b"\n"), self.first_line):
            if line and not line.isspace():
                yield number, line


def corpus_files(names: Iterable[str]) -> list[str]:
    """The files that names and globs stand for, `-` being standard input.

    Raises UsageError for a name that is no file and a glob that matches none.
    """
    files: list[str] = []
    for name in names:
        if name == STDIN or Path(name).is_file():
            files.append(name)
        elif found := _matches(name):
            files += found
        elif Path(name).is_dir():
            raise UsageError(f"--corpus {name} is a folder; give its files, such as '{name}/*'")
        else:
            raise UsageError(f"--corpus {name}: there is no such file")
    if not files:
        raise UsageError("--corpus is missing: give files of messages, one JSON object a line")
    if files.count(STDIN) > 1:
        raise UsageError("--corpus - can be given once only")
    return files


def corpus_bytes(files: Iterable[str]) -> int | None:
    """How large the files are as they are stored; None if standard input is among them."""
    sizes = [None if name == STDIN else Path(name).stat().st_size for name in files]
    return None if None in sizes else sum(size or 0 for size in sizes)


def read_corpus(files: Iterable[str]) -> Iterator[Chunk]:
    """The corpus in chunks. Raises DataError for a file that cannot be read to its end."""
    done = 0
    for name in files:
        position = 0
        try:
            with _opened(name) as raw:
                first_line = 1
                for data in chunks(_plain(raw, name)):
                    position = done if name == STDIN else done + raw.tell()
                    yield Chunk(name, first_line, data, position)
                    first_line += data.count(b"\n")
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{name}: cannot be read to its end: {error}") from error
        done = position


def _matches(pattern: str) -> list[str]:
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207 - the pattern may be absolute
    return sorted(name for name in found if Path(name).is_file())


def _opened(name: str) -> BinaryIO:
    if name != STDIN:
        return Path(name).open("rb")
    source: BinaryIO = sys.stdin.buffer
    # Closing it is not ours to do.
    return cast(BinaryIO, io.BufferedReader(_Unclosed(source)))


class _Unclosed(io.RawIOBase):
    """A stream that stays open when its reader is closed."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = getattr(self._source, "read1", self._source.read)
        data: bytes = read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _plain(raw: BinaryIO, name: str) -> BinaryIO:
    """The stream without its compression, which is told by its first bytes."""
    start = cast(io.BufferedReader, raw).peek(4)[:4]
    if start.startswith(_GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if start == _ZSTD:
        return _zstd(raw, name)
    return raw


def _zstd(raw: BinaryIO, name: str) -> BinaryIO:
    try:
        import zstandard
    except ImportError:
        text = "is compressed with zstd; for that pip install 'mockpanel[zstd]'"
        raise UsageError(f"{name} {text}") from None
    return cast(BinaryIO, io.BufferedReader(_Zstd(raw, zstandard.ZstdDecompressor())))


class _Zstd(io.RawIOBase):
    """Frame after frame, decompressed; the package's own reader takes half a frame for a whole."""

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
                        raise EOFError("the last frame is cut off")
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
            raise OSError(str(error)) from error
        self._input = b""
        if self._frame.eof:
            self._input, self._frame = self._frame.unused_data, None
