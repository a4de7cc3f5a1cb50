"""Writing a corpus: a file or standard output, compressed as the name of the file says."""

import gzip
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, cast

import click

from conformance.corpus.reading import STDIN
from conformance.errors import UsageError
from translator.terminal_text import json_output

LINES_AT_ONCE = 1_000

output_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Output file, compressed if its name ends in .gz or .zst.  [default: standard output]",
)


def check_output(output: Path | None, names: Iterable[str]) -> None:
    """Raise UsageError if the output would replace one of the inputs."""
    if output is None or not output.exists():
        return
    for name in names:
        if name != STDIN and output.samefile(name):
            raise UsageError(f"--output {output} is also an input; give another file")


@contextmanager
def written(path: Path | None) -> Iterator[BinaryIO]:
    """The output, opened for lines.

    `path` is None for standard output. Raises UsageError if the file cannot be written.
    """
    if path is None:
        yield json_output()
        return
    try:
        with path.open("wb") as raw, _compressed(raw, path.suffix) as sink:
            yield sink
    except OSError as error:
        raise UsageError(f"--output {path}: {error}") from error


def _compressed(raw: BinaryIO, suffix: str) -> AbstractContextManager[BinaryIO]:
    if suffix == ".gz":
        # No name and no time in the header: the same messages give the same bytes.
        return cast(
            AbstractContextManager[BinaryIO],
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0),
        )
    if suffix in (".zst", ".zstd"):
        try:
            import zstandard
        except ImportError:
            text = "install the package for zstd: pip install 'mockpanel[zstd]'"
            raise UsageError(f"--output: {text}") from None
        return cast(
            AbstractContextManager[BinaryIO],
            zstandard.ZstdCompressor().stream_writer(raw, closefd=False),
        )
    return nullcontext(raw)


def write_lines(sink: BinaryIO, lines: Iterable[bytes]) -> None:
    """Write the lines, each with its line break; if one cannot be made, those before it too."""
    buffer: list[bytes] = []
    try:
        for line in lines:
            buffer.append(line)
            if len(buffer) == LINES_AT_ONCE:
                sink.write(b"\n".join(buffer) + b"\n")
                buffer.clear()
    finally:
        if buffer:
            sink.write(b"\n".join(buffer) + b"\n")
        sink.flush()
