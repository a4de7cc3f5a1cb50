"""The commands `corpus synth` and `corpus redact`."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import orjson

from conformance.corpus.entries import BadLine, read_entry
from conformance.corpus.reading import corpus_files, read_corpus
from conformance.corpus.redact import Redactor
from conformance.corpus.synth import synth
from conformance.errors import UsageError
from conformance.targets.destination_guard import answers_errors

LINES_AT_ONCE = 1_000

output_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write there.  [default: standard output]",
)


@click.group()
def corpus() -> None:
    """Corpora of messages: made up, or real and made safe."""


@corpus.command("synth")
@click.option("--messages", type=click.IntRange(min=1), required=True, help="How many.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another, other traffic.")
@output_option
@answers_errors
def synth_command(messages: int, seed: int, output: Path | None) -> None:
    """Make up traffic: one Segment message a line, always the same for a seed.

    It begins on 2026-06-12; give `diff` a --now soon after, such as 2026-06-15T12:00:00Z.
    """
    with _written(output) as sink:
        _write(sink, (orjson.dumps(message) for message in synth(messages, seed)))


@corpus.command("redact")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The secret behind the pseudonyms, made if it is not there.  [default: a new one]",
)
@click.option(
    "--keep", multiple=True, metavar="PATH", help="Leave this field as it is, as in traits.plan."
)
@output_option
@answers_errors
def redact_command(
    files: tuple[str, ...], key_file: Path | None, keep: tuple[str, ...], output: Path | None
) -> None:
    """Replace what is people's by stable pseudonyms; types and forms stay.

    FILE is as in `diff`: plain, gzip or zstd, globs, - for standard input (the default). Read what
    comes out before you show it: what --keep names and names of fields are as they were.
    """
    redactor = Redactor(_key(key_file), keep)
    bad = 0

    def lines() -> Iterator[bytes]:
        nonlocal bad
        for chunk in read_corpus(corpus_files(files or ["-"])):
            for number, line in chunk.lines():
                try:
                    entry = read_entry(line, f"{chunk.name}:{number}")
                except BadLine as error:
                    bad += 1
                    # Not its text: that is not redacted.
                    click.echo(f"{chunk.name}:{number}: left out: {error.problem}", err=True)
                    continue
                if entry.session:
                    bad += 1
                    click.echo(f"{chunk.name}:{number}: left out: a session", err=True)
                else:
                    yield orjson.dumps(redactor.entry(entry))

    with _written(output) as sink:
        _write(sink, lines())
    if bad:
        click.echo(f"{bad} lines were no messages and are left out", err=True)


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
        raise UsageError(f"--key-file {path}: a key of less than 16 bytes can be guessed")
    return key


@contextmanager
def _written(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        return
    try:
        sink = path.open("wb")
    except OSError as error:
        raise UsageError(f"--output {path}: {error}") from error
    with sink:
        yield sink


def _write(sink: BinaryIO, lines: Iterable[bytes]) -> None:
    buffer: list[bytes] = []
    for line in lines:
        buffer.append(line)
        if len(buffer) == LINES_AT_ONCE:
            sink.write(b"\n".join(buffer) + b"\n")
            buffer.clear()
    if buffer:
        sink.write(b"\n".join(buffer) + b"\n")
    sink.flush()
