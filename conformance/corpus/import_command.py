"""The command `corpus import`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from conformance.command_errors import exits_on_errors
from conformance.corpus.output import check_output, output_option, write_lines, written
from conformance.corpus.reading import STDIN, corpus_files
from conformance.corpus.sources.column_mapping import load_mapping
from conformance.corpus.sources.event_dumps import rudderstack_rows, segment_rows
from conformance.corpus.sources.recordings import har_rows, journal_rows
from conformance.corpus.sources.rows import ImportSummary, RowError, Rows
from conformance.corpus.sources.tables import csv_rows, parquet_rows
from conformance.errors import EXIT_FAILURES, UsageError
from translator.terminal_text import printable

DUMPS = {"segment-s3": segment_rows, "rudderstack": rudderstack_rows}
TABLES = {"csv": csv_rows, "parquet": parquet_rows}
RECORDINGS = {"har": har_rows, "journal": journal_rows}
"""Value of --from -> its reader, for the three kinds of sources."""


@click.command("import", short_help="Convert existing traffic to messages.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--from",
    "source",
    type=click.Choice([*DUMPS, *TABLES, *RECORDINGS]),
    required=True,
    help="Format of the files.",
)
@click.option(
    "--mapping",
    type=click.Path(dir_okay=False, path_type=Path),
    help="For csv and parquet: YAML file with the meaning of each column.",
)
@output_option
@exits_on_errors
def import_command(
    files: tuple[str, ...], source: str, mapping: Path | None, output: Path | None
) -> None:
    """Convert existing traffic to Segment messages, one JSON object on each line.

    FILE can be plain, gzip or zstd, a folder or a glob; - is standard input (the default). A row
    that gives no message is left out, and counted on the error stream. Write keys and other
    credentials are removed. Personal data stays: see `corpus redact`.

    Exit status: 0 if every row gave a message, 1 if rows were left out or nothing was found, 2 for
    wrong usage or a file that cannot be read.
    """
    names = corpus_files(files or [STDIN], "FILE")
    check_output(output, names)
    summary = ImportSummary()
    rows = _rows(source, mapping, names, summary)

    def lines() -> Iterator[bytes]:
        for row in rows:
            summary.add(row)
            if not isinstance(row.message, RowError):
                yield row.line

    with written(output) as sink:
        try:
            write_lines(sink, lines())
        finally:
            click.echo(printable(summary.text()), err=True)
    if summary.left_out or not summary.messages:
        sys.exit(EXIT_FAILURES)


def _rows(source: str, mapping: Path | None, names: list[str], summary: ImportSummary) -> Rows:
    if source in TABLES:
        if mapping is None:
            raise UsageError(f"--from {source} needs --mapping FILE, which names the columns")
        return TABLES[source](names, load_mapping(mapping))
    if mapping is not None:
        raise UsageError(f"--mapping is for csv and parquet, not for {source}")
    if source in DUMPS:
        return DUMPS[source](names)
    return RECORDINGS[source](names, summary.ignored)
