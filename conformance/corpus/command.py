"""The commands `corpus synth`, `corpus redact` and `corpus import`."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import orjson

from conformance.command_errors import exits_on_errors
from conformance.corpus.entries import BadLine, read_entry
from conformance.corpus.import_command import import_command
from conformance.corpus.output import check_output, output_option, write_lines, written
from conformance.corpus.reading import STDIN, corpus_files, read_corpus
from conformance.corpus.redact import CorpusRedactor
from conformance.corpus.synth import synth
from conformance.errors import EXIT_FAILURES, UsageError
from conformance.spec.scenarios.loading import Json


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def corpus() -> None:
    """Generate, import and redact files of Segment messages."""


corpus.add_command(import_command)


@corpus.command("synth", short_help="Generate synthetic messages.")
@click.option("--messages", type=click.IntRange(min=1), required=True, help="Number of messages.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed gives the same messages."
)
@click.option(
    "--clean",
    is_flag=True,
    help="Leave out hostile messages, and those stored for more than five days.",
)
@output_option
@exits_on_errors
def synth_command(messages: int, seed: int, clean: bool, output: Path | None) -> None:
    """Generate synthetic Segment messages, one JSON object on each line.

    The messages begin on 2026-06-12. Three messages in a hundred are hostile: they have wrong
    types, strange ids and times, deep nesting or reserved names.
    """
    with written(output) as sink:
        write_lines(sink, (orjson.dumps(message) for message in synth(messages, seed, clean=clean)))


@corpus.command("redact", short_help="Replace personal data with pseudonyms.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Key of the pseudonyms; the file is created if missing.  [default: a new key]",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="PATH",
    help="Do not redact this field, such as traits.plan. May be repeated.",
)
@output_option
@exits_on_errors
def redact_command(
    files: tuple[str, ...], key_file: Path | None, keep: tuple[str, ...], output: Path | None
) -> None:
    """Replace personal data with stable pseudonyms of the same type and form.

    FILE can be plain, gzip or zstd, or a glob; - is standard input (the default). Read the output
    before you publish it: names of fields and what --keep names are not changed.

    Exit status: 0 if every line was redacted, 1 if lines were left out, 2 for wrong usage.
    """
    names = corpus_files(files or [STDIN], "FILE")
    check_output(output, names)
    redactor = CorpusRedactor(_key(key_file), keep)
    bad = 0

    def lines() -> Iterator[bytes]:
        nonlocal bad
        for chunk in read_corpus(names):
            for number, line in chunk.lines():
                try:
                    entry = read_entry(line, f"{chunk.name}:{number}")
                except BadLine as error:
                    bad += 1
                    # The text of the line is not shown: it is not redacted.
                    click.echo(f"{chunk.name}:{number}: left out: {error.problem}", err=True)
                    continue
                if entry.session:
                    bad += 1
                    click.echo(f"{chunk.name}:{number}: left out: a session", err=True)
                else:
                    yield _line(redactor.entry(entry))

    with written(output) as sink:
        write_lines(sink, lines())
    if bad:
        click.echo(f"lines left out, because they are not messages: {bad}", err=True)
        sys.exit(EXIT_FAILURES)


def _line(entry: Json) -> bytes:
    try:
        return orjson.dumps(entry)
    except TypeError:
        # Whole numbers of more than 64 bits are JSON too.
        return json.dumps(entry, separators=(",", ":")).encode()


def _key(path: Path | None) -> bytes:
    if path is None:
        return os.urandom(32)
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(os.urandom(32).hex() + "\n")
        key = path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"--key-file {path}: {error}") from error
    if len(key) < 16:
        raise UsageError(f"--key-file {path}: the key must have at least 16 bytes")
    return key
