"""A corpus that Spark reads: JSON lines (plain, gzip, zstd) and Parquet, local or on any store.

Each line keeps its position: the number of its file and of the line in it. Spark cuts large files
into blocks and reads them in any order, so the lines of each block are counted first. The text of a
line is bytes, as the local engine reads it.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from translator.options import usage_error
from translator.spark.options import is_url

_PARQUET = (".parquet", ".parq")
BLOCK_BYTES = 1 << 20
"""Lines are handed over in blocks of about this size."""

_GLOB = str.maketrans({character: f"\\{character}" for character in "\\*?[]{}^"})


class LineBlock(NamedTuple):
    """Following lines of one file: its number in the corpus, its name, and the first line's number.

    Files are numbered from 0, lines from 1. `place` is the number of the first line in the corpus.
    """

    file: int
    name: str
    first_line: int
    place: int
    lines: list[bytes]


class BlockStart(NamedTuple):
    """Where a block of a file begins in the corpus."""

    file: int
    name: str
    first_line: int
    place: int


BlockStarts = dict[tuple[str, int], list[BlockStart]]
"""Key of a file and number of the block's first byte -> its place; several for a repeated file."""

Work = Callable[[Iterator[LineBlock]], Iterable[tuple[int, bytes]]]
"""Turns the lines of one partition into results, each with the place of its first line.

It is sent to the workers, so it must be a function of a module, or `partial` of one.
"""


def local_files(name: str) -> list[str]:
    """The files that a name stands for: those in a folder, without those with `_` or `.` first."""
    if is_url(name) or not Path(name).is_dir():
        return [name]
    found = (path for path in Path(name).rglob("*") if path.is_file())
    return sorted(
        str(path)
        for path in found
        if not any(part.startswith((".", "_")) for part in path.relative_to(name).parts)
    )


def is_parquet(name: str) -> bool:
    """Whether a file is a Parquet table, by the end of its name."""
    return name.lower().endswith(_PARQUET)


class SparkCorpus:
    """The files of a corpus, in order, and the number of their lines.

    `names` are paths, which are shown as they are, and URLs, which may name folders or have globs.
    Names that Spark cannot read, and standard input, end the program with status 2.
    """

    def __init__(self, session: Any, names: Sequence[str]) -> None:
        self._session = session
        self.files = [file for name in names for file in self._files(name)]
        if not self.files:
            usage_error("the input has no files")
        paths = {key: path for key, path, _ in self.files}
        tables = {key for key in paths if is_parquet(key)}
        texts = [path for key, path in paths.items() if key not in tables]
        self._texts = self._read_texts(texts) if texts else None
        self._tables = self._read_tables([paths[key] for key in tables]) if tables else None
        places, self.lines = self._placed()
        self._places = session.sparkContext.broadcast(places)

    @property
    def names(self) -> list[str]:
        """The names of the files, in order, as reports show them."""
        return [name for _, _, name in self.files]

    def map(self, work: Work) -> Any:
        """The results of some work on all lines, as a table with the columns `place` and `value`.

        The table is computed when it is read. Its rows have no order.
        """
        found = None
        for table in (self._texts, self._tables):
            if table is not None:
                mapped = partial(_mapped, work=work, places=self._places)
                part = table.mapInArrow(mapped, "place long, value binary")
                found = part if found is None else found.unionAll(part)
        return found

    def _files(self, name: str) -> list[tuple[str, str, str]]:
        """The key, the path for Spark and the shown name of each file that a name stands for."""
        if name == "-":
            usage_error("--engine spark reads files; it cannot read standard input")
        if not is_url(name):
            path = os.path.abspath(name)  # noqa: PTH100 - a link keeps its own name
            if ":" in Path(path).name:
                usage_error(
                    f"Spark cannot read {name}: the name of the file has a colon; rename the file,"
                    " or use --engine local"
                )
            # Spark leaves out a table without a byte, which was cut off, without notice.
            if is_parquet(path) and not Path(path).stat().st_size:
                usage_error(f"{name} is not a Parquet file: it is empty")
            return [(path, f"file:{path.translate(_GLOB)}", name)]
        found = sorted(self._session.read.text(name).inputFiles())
        return [(_key(each), unquote(each).translate(_GLOB), unquote(each)) for each in found]

    def _read_texts(self, paths: list[str]) -> Any:
        table = self._session.read.option("lineSep", "\n").text(paths)
        self._check_all_found(table, paths)
        return table.selectExpr(
            "cast(value as binary) as line",
            "_metadata.file_path as file",
            "_metadata.file_block_start as number",
        )

    def _read_tables(self, paths: list[str]) -> Any:
        table = self._session.read.option("mergeSchema", "true").parquet(*paths)
        self._check_all_found(table, paths)
        columns = table.schema.fields
        if len(columns) == 1 and columns[0].dataType.typeName() in ("string", "binary"):
            name = columns[0].name.replace("`", "``")
            line = f"cast(`{name}` as binary)"
        else:
            line = "cast(to_json(struct(*)) as binary)"
        return table.selectExpr(
            f"{line} as line", "_metadata.file_path as file", "_metadata.row_index as number"
        )

    def _check_all_found(self, table: Any, paths: list[str]) -> None:
        """Name a file that Spark would leave out without notice, because of its name."""
        if len(table.inputFiles()) == len(paths):
            return
        found = {_key(each) for each in table.inputFiles()}
        missing = [name for key, _, name in self.files if key not in found]
        usage_error(
            f"Spark does not read {missing[0]} (files left out: {len(missing)}): a name must not"
            " begin with _ or . or end with ._COPYING_; rename the file, or use --engine local"
        )

    def _placed(self) -> tuple[BlockStarts, int]:
        """The places of all blocks, and the number of all lines."""
        counts: dict[str, dict[int, int]] = {}
        if self._texts is not None:
            for row in self._texts.groupBy("file", "number").count().collect():
                counts.setdefault(_key(row[0]), {})[row[1]] = row[2]
        if self._tables is not None:
            for row in self._tables.groupBy("file").count().collect():
                counts.setdefault(_key(row[0]), {})[0] = row[1]
        places: BlockStarts = {}
        total = 0
        for number, (key, _, name) in enumerate(self.files):
            blocks = sorted(counts.get(key, {}).items())
            starts = accumulate((count for _, count in blocks), initial=0)
            for (block, _), start in zip(blocks, starts, strict=False):
                place = BlockStart(number, name, start + 1, total + start)
                places.setdefault((key, block), []).append(place)
            total += sum(count for _, count in blocks)
        return places, total


def _key(uri: str) -> str:
    """A key for a file, because Spark writes the URI of a file in several ways."""
    parts = urlsplit(uri)
    return unquote(parts.path if parts.scheme == "file" else uri)


def _mapped(batches: Iterable[Any], *, work: Work, places: Any) -> Iterator[Any]:
    import pyarrow

    for place, value in work(_blocks(batches, places.value)):
        columns = [
            pyarrow.array([place], pyarrow.int64()),
            pyarrow.array([value], pyarrow.binary()),
        ]
        yield pyarrow.RecordBatch.from_arrays(columns, ["place", "value"])


def _blocks(batches: Iterable[Any], places: BlockStarts) -> Iterator[LineBlock]:
    """The lines of one partition in blocks. The lines of a block of a file follow each other."""
    current: tuple[str, int] | None = None
    begun = 0
    for batch in batches:
        for file, number, lines in _runs(batch):
            key = _key(file), number
            if is_parquet(file):
                # The rows of a table have their numbers: the file is one block.
                current, begun = (key[0], 0), number
            elif key != current:
                current, begun = key, 0
            for place in places[current]:
                yield from _cut(place, begun, lines)
            begun += len(lines)


def _runs(batch: Any) -> Iterator[tuple[str, int, list[bytes]]]:
    """The lines of a batch that follow each other in one block, with file and number."""
    lines, files, numbers = (batch.column(index).to_pylist() for index in range(3))
    start = 0
    for index in range(1, len(lines) + 1):
        if index < len(lines) and files[index] == files[start]:
            # The rows of a table are numbered, the lines of a block have its number.
            step = index - start if is_parquet(files[start]) else 0
            if numbers[index] == numbers[start] + step:
                continue
        yield files[start], numbers[start], lines[start:index]
        start = index


def _cut(place: BlockStart, begun: int, lines: list[bytes]) -> Iterator[LineBlock]:
    """The lines in blocks of about BLOCK_BYTES; `begun` lines of the place were read before."""
    start, size = 0, 0
    for index, line in enumerate(lines, 1):
        size += len(line or b"")
        if size >= BLOCK_BYTES or index == len(lines):
            read = begun + start
            found = [each or b"" for each in lines[start:index]]
            yield LineBlock(
                place.file, place.name, place.first_line + read, place.place + read, found
            )
            start, size = index, 0
