"""Tables that a warehouse exports, CSV and Parquet, as Segment messages."""

import csv
import io
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from conformance.corpus.reading import STDIN, opened
from conformance.corpus.sources.cells import json_value
from conformance.corpus.sources.column_mapping import ColumnMapping, ColumnTarget
from conformance.corpus.sources.rows import ImportedRow, RowError, Rows, imported
from conformance.errors import DataError, UsageError
from translator.bulk import MAX_LINE_BYTES
from translator.compression import decompressed

ROWS_AT_ONCE = 1_000


def csv_rows(files: Iterable[str], mapping: ColumnMapping) -> Rows:
    """The rows of CSV files (RFC 4180, UTF-8, the first line names the columns).

    Raises DataError for a file that cannot be read to its end or lacks a mapped column.
    """
    csv.field_size_limit(MAX_LINE_BYTES)
    for name in files:
        try:
            with opened(name) as raw:
                text = io.TextIOWrapper(
                    decompressed(raw), "utf-8-sig", errors="surrogateescape", newline=""
                )
                lines = iter(partial(text.readline, MAX_LINE_BYTES), "")
                yield from _csv_rows(name, lines, mapping)
        except OSError as error:
            raise DataError(f"{name}: cannot be read to its end: {error}") from error


def _csv_rows(name: str, lines: Iterable[str], mapping: ColumnMapping) -> Rows:
    reader = csv.reader(lines)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise DataError(f"{name}: the names of the columns cannot be read: {error}") from error
    targets = mapping.targets(name, header)
    while True:
        where = f"{name}:{reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield ImportedRow(where, RowError("not_csv", str(error)))
            continue
        if cells:
            yield imported(where, _csv_message, mapping, targets, header, cells)


def _csv_message(
    mapping: ColumnMapping, targets: dict[str, ColumnTarget], header: list[str], cells: list[str]
) -> Any:
    if len(cells) != len(header):
        reason = f"the row has {len(cells)} cells, the header has {len(header)} columns"
        raise RowError("wrong_cell_count", reason)
    return mapping.message(targets, dict(zip(header, cells, strict=True)))


def parquet_rows(files: Iterable[str], mapping: ColumnMapping) -> Rows:
    """The rows of Parquet files, in batches of 1,000.

    Raises UsageError at once without the package pyarrow or for standard input. Reading raises
    DataError for a file that cannot be read to its end or lacks a mapped column.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        text = "install the package for Parquet: pip install 'mockpanel[parquet]'"
        raise UsageError(f"--from parquet: {text}") from None
    names = list(files)
    if STDIN in names:
        raise UsageError("--from parquet reads files; it cannot read standard input")
    return _parquet_files(names, mapping)


def _parquet_files(names: Iterable[str], mapping: ColumnMapping) -> Rows:
    from pyarrow import ArrowException, parquet

    for name in names:
        try:
            with Path(name).open("rb") as raw, parquet.ParquetFile(raw) as table:
                yield from _parquet_rows(name, table, mapping)
        except (OSError, ArrowException) as error:
            raise DataError(f"{name}: cannot be read to its end: {error}") from error


def _parquet_rows(name: str, table: Any, mapping: ColumnMapping) -> Rows:
    targets = mapping.targets(name, table.schema_arrow.names)
    number = 0
    for batch in map(_in_microseconds, table.iter_batches(ROWS_AT_ONCE, columns=list(targets))):
        for index in range(batch.num_rows):
            number += 1
            where = f"{name}:row {number}"
            yield imported(where, _parquet_message, mapping, targets, batch, index)


def _in_microseconds(batch: Any) -> Any:
    """The batch with times that Python can express: nanoseconds are cut to microseconds."""
    from pyarrow import timestamp, types

    for index, field in enumerate(batch.schema):
        if types.is_timestamp(field.type) and field.type.unit == "ns":
            cut = batch.column(index).cast(timestamp("us", field.type.tz), safe=False)
            batch = batch.set_column(index, field.name, cut)
    return batch


def _parquet_message(
    mapping: ColumnMapping, targets: dict[str, ColumnTarget], batch: Any, index: int
) -> Any:
    cells = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            cells[name] = json_value(column[index].as_py(maps_as_pydicts="strict"))
        except (KeyError, ValueError, OverflowError):  # KeyError: a map has a key twice
            reason = f"the column {name!r} has a value that has no form in JSON"
            raise RowError("bad_value", reason) from None
    return mapping.message(targets, cells)
