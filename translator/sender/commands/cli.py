"""The command line of delivery: `send` and `resend`."""

import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import click

from translator.bulk import lines, pieces
from translator.compression import decompressed
from translator.options import (
    allow_host_option,
    base_url_option,
    check_distinct,
    eu_base_url_option,
    input_argument,
    live_option,
    mapping_option,
    moment,
    now_option,
    opened,
    rules_option,
    settings_option,
    usage_error,
)
from translator.sender.books.dead_letters import (
    claim,
    has_dead_letter,
    of_line,
    of_read_line,
    read_line,
    unique,
)
from translator.sender.books.storage import is_database
from translator.sender.commands.delivery_setup import Opened, open_delivery
from translator.sender.commands.line_numbers import LineNumbers
from translator.sender.commands.run import run_send
from translator.sender.commands.stdin_reader import Arriving, Lines
from translator.sender.dispatch.alias_hold import HOLD_SECONDS, AliasPolicy
from translator.sender.logs import DEFAULT_LEVEL, LEVELS

WORKERS = 4
EXIT_INTERRUPTED = 130
"""The status that shells use for a program that Ctrl-C ended."""

FILE_OPTIONS = {
    "settings_file": "--settings",
    "mapping_file": "--mapping",
    "dead_letters": "--dead-letters",
}

path_option = partial(click.option, type=click.Path(dir_okay=False, path_type=Path))
spool_option = path_option(
    "--spool", help="SQLite file that keeps messages until they are delivered, even after a crash."
)
dead_letters_option = path_option(
    "--dead-letters",
    help="File for dead letters: operations and messages that could not be delivered, one JSON"
    " object on each line.  [default: with a spool, the name of the spool and .dead]",
)
alias_option = click.option(
    "--alias",
    type=click.Choice([one.value for one in AliasPolicy]),
    default=AliasPolicy.HOLD.value,
    show_default=True,
    help="When to send the calls of a person that follow an alias: together with the alias (none),"
    " after its response (flush), or --alias-hold seconds after its response (hold).",
)
hold_option = click.option(
    "--alias-hold",
    type=click.FloatRange(0, 60),
    default=HOLD_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Wait of `--alias hold` after the response to an alias.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=WORKERS,
    show_default=True,
    help="Number of requests at the same time.",
)
log_level_option = click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    default=DEFAULT_LEVEL,
    show_default=True,
    help="Lowest level of the log on the error stream, which has one JSON object on each line.",
)


def delivery_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that delivers."""
    return settings_option(options_besides_settings(command))


def options_besides_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that delivers, less `--settings`."""
    for option in (
        log_level_option,
        workers_option,
        hold_option,
        alias_option,
        dead_letters_option,
        allow_host_option,
        live_option,
        eu_base_url_option,
        base_url_option,
        mapping_option,
        rules_option,
    ):
        command = option(command)
    return command


@click.command()
@delivery_options
@spool_option
@click.option(
    "--again",
    metavar="RUN",
    help="With --spool: send the same input again, although the run RUN has delivered it.",
)
@now_option
@input_argument
def send(
    now_text: str | None, file: str | None, spool: Path | None, again: str | None, **options: Any
) -> None:
    """Translate Segment messages and deliver them.

    Reads one JSON object on each line. Prints one JSON object with the counts of all messages, and
    each loss on the error stream. With a spool, the same command with the same input continues
    after a crash. If the input is already delivered, it sends nothing; --again sends the input
    again.

    Exit status: 0 if nothing was lost, 1 if a message was lost, 2 for wrong usage.
    """
    if again is not None and spool is None:
        usage_error("--again needs --spool: without a spool no run is remembered")
    given = None if file in (None, "-") else Path(str(file))
    check_distinct({"FILE": given, "--spool": spool, **_files(options)})
    numbers = LineNumbers()
    with opened(file, raw_stdin=True) as source:
        read = partial(_input, source, numbers)
        status, _ = _deliver(
            read, now_text=now_text, spool=spool, again=again, line_number=numbers.of, **options
        )
    sys.exit(status)


@click.command()
@delivery_options
@now_option
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def resend(now_text: str | None, file: Path, dead_letters: Path | None, **options: Any) -> None:
    """Send the dead letters in FILE again. Those that still cannot be delivered stay in FILE.

    First check the dead letters whose reason says that they may have arrived: Mixpanel would count
    them twice. After a crash, the same command continues from the same place. A gateway may append
    to FILE at the same time.

    Exit status: 0 if nothing was lost, 1 if a message was lost, 2 for wrong usage.
    """
    given, file = file, file.resolve()  # what is renamed must be the file, not a link to it
    if file.exists() and not file.is_file():
        usage_error(f"{given} is not a regular file; only those hold dead letters to send")
    if file.exists() and is_database(file):
        usage_error(f"{given} is a spool or another database; its dead letters are in {given}.dead")
    dead_letters = None if dead_letters is None else dead_letters.resolve()
    dead_letters = None if dead_letters == file else dead_letters
    check_distinct({"FILE": file, **_files({**options, "dead_letters": dead_letters})})
    taken = file.with_name(file.name + ".resending")
    spool = file.with_name(file.name + ".spool")
    if not taken.exists():
        if not file.exists():
            usage_error(f"{given} does not exist; there are no dead letters to send")
        with file.open("rb") as source:
            if not has_dead_letter(LineNumbers().filled(lines(source))):
                usage_error(
                    f"{given} has no dead letters, so it stays as it is: a dead letter has"
                    " 'operation' or 'message'. To send messages, use `send`"
                )
    with ExitStack() as stack:

        def read(opened: Opened) -> Iterable[bytes]:
            # The spool is open now, so no other `resend` works on this file.
            if not taken.exists():
                if opened.spool is not None and opened.spool.finished is not None:
                    # It was left behind by a `resend` that ended: this is another input.
                    opened.spool.begin_input()
                claim(file, taken)
            return unique(LineNumbers().filled(lines(stack.enter_context(taken.open("rb")))))

        status, finished = _deliver(
            read,
            now_text=now_text,
            spool=spool,
            dead_letters=dead_letters or file,
            resent=True,
            **options,
        )
    if finished:
        taken.unlink()
        for ending in ("-wal", "-shm", ""):
            spool.with_name(spool.name + ending).unlink(missing_ok=True)
    sys.exit(status)


def _files(options: Mapping[str, Any]) -> dict[str, Path | None]:
    """The files among the options of every command that delivers, under the names of these."""
    return {option: options[name] for name, option in FILE_OPTIONS.items()}


def _input(source: BinaryIO, numbers: LineNumbers, opened: Opened) -> Iterable[bytes] | Lines:
    """The lines of a file, or of a pipe or terminal, where the next one may take long.

    Blank lines are left out.
    """
    try:
        number = source.fileno()
    except OSError:
        return numbers.filled(lines(source))
    if stat.S_ISREG(os.fstat(number).st_mode):
        return numbers.filled(lines(source))
    return Arriving(_arriving(number, numbers), opened.sender.wake)


def _arriving(number: int, numbers: LineNumbers) -> Iterator[list[bytes]]:
    """The lines of an open pipe or terminal in the pieces that arrive, decompressed if need be."""
    # Not the buffer of standard input: it must not be in use when the process ends.
    source = decompressed(open(number, "rb", closefd=False))  # noqa: SIM115 - it stays open
    for piece in pieces(source):
        yield list(numbers.filled(piece))


def _deliver(
    given: Callable[[Opened], Iterable[bytes] | Lines],
    *,
    now_text: str | None,
    spool: Path | None,
    resent: bool = False,
    again: str | None = None,
    line_number: Callable[[int], int] = int,
    **options: Any,
) -> tuple[int, bool]:
    """Deliver lines: messages or, if `resent`, dead letters.

    Gives the exit code, and whether the spool remembers that all lines are delivered. `given` gives
    the lines when everything else is open.
    """
    fixed = None if now_text is None else moment(now_text) / 1000

    def now() -> float:
        return time.time() if fixed is None else fixed

    with open_delivery(spool, now=now, **options) as opened:
        translate = opened.translate
        try:
            status = run_send(
                given(opened),
                (lambda line: read_line(line, translate, now() * 1000)) if resent else translate,
                opened.sender,
                opened.host,
                out=sys.stdout,
                err=sys.stderr,
                progress=sys.stderr.isatty(),
                spool=opened.spool,
                dead_letters=opened.dead_letters,
                content=of_read_line if resent else of_line,
                again=again,
                line_number=line_number,
            )
            return status, opened.spool is not None and opened.spool.finished is not None
        except KeyboardInterrupt:
            # As after a crash: no response is awaited, and the next run continues from the spool.
            click.echo("\nAborted!", err=True)
            os._exit(EXIT_INTERRUPTED)
