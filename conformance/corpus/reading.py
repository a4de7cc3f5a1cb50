"""Reading corpora: files, globs and standard input, plain, gzip or zstd, in chunks of whole lines.

Memory stays bounded: one chunk is in memory at a time, however large the corpus is.
"""

import glob
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from conformance.errors import DataError, UsageError
from translator.bulk import chunks
from translator.compression import decompressed, standard_input

STDIN = "-"


class Chunk(NamedTuple):
    """Some whole lines of a corpus file.

    `first_line` is the number of the first line, from 1. `position` counts the stored (compressed)
    bytes of the corpus that were read so far. `file` is the number of the file, from 0.
    """

    name: str
    first_line: int
    data: bytes
    position: int
    file: int = 0

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line with its number; blank lines are left out."""
        for number, line in enumerate(self.data.split(b"\n"), self.first_line):
            if line and not line.isspace():
                yield number, line


def corpus_files(names: Iterable[str], option: str = "--corpus") -> list[str]:
    """The files that names, folders and globs stand for, in order; `-` is standard input.

    A folder, named or matched by a glob, stands for the files in it and in its folders, without
    those whose names begin with a dot or an underscore. `option` is named in the errors.

    Raises UsageError for a name, a folder or a glob without a file.
    """
    files: list[str] = []
    for name in names:
        if name == STDIN or Path(name).is_file():
            files.append(name)
        elif found := _matches(name):
            files += found
        elif Path(name).is_dir():
            raise UsageError(f"{option} {name}: the folder has no files")
        else:
            raise UsageError(f"{option} {name}: there is no such file")
    if not files:
        raise UsageError(f"{option} is missing: give files of messages, one JSON object a line")
    if files.count(STDIN) > 1:
        raise UsageError(f"{option} - can be given once only")
    return files


def corpus_bytes(files: Iterable[str]) -> int | None:
    """Stored size of the files in bytes; None if standard input is one of them."""
    sizes = [None if name == STDIN else Path(name).stat().st_size for name in files]
    return None if None in sizes else sum(size or 0 for size in sizes)


def read_corpus(files: Iterable[str]) -> Generator[Chunk, None, None]:
    """The corpus in chunks of whole lines. `close` closes the file that is open.

    Raises DataError for a file that cannot be read to its end.
    """
    done = 0
    for file, name in enumerate(files):
        position = 0
        try:
            # The stream closes the file when it is no longer used, and the file has the position.
            with opened(name) as raw, decompressed(raw) as stream:
                first_line = 1
                for data in chunks(stream):
                    position = done if name == STDIN else done + raw.tell()
                    yield Chunk(name, first_line, data, position, file)
                    first_line += data.count(b"\n")
        except OSError as error:
            raise DataError(f"{name}: cannot be read to its end: {error}") from error
        done = position


def _matches(pattern: str) -> list[str]:
    found: set[str] = set()
    is_folder = Path(pattern).is_dir()
    # The pattern may be absolute.
    for name in [pattern] if is_folder else glob.glob(pattern, recursive=True):  # noqa: PTH207
        found.update([name] if Path(name).is_file() else _files_in(Path(name)))
    return sorted(found)


def _files_in(folder: Path) -> Iterator[str]:
    """The files below a folder; marker files such as `_SUCCESS` are not data."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith((".", "_")) for part in parts):
            yield str(path)


def opened(name: str) -> BinaryIO:
    """The file, or standard input for `-`, for reading its stored bytes."""
    return standard_input() if name == STDIN else Path(name).open("rb")
