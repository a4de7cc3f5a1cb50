"""The command `diff`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from conformance.corpus.reading import corpus_bytes, corpus_files
from conformance.errors import EXIT_CONFORMANT, EXIT_FAILURES, UsageError
from conformance.regression.approvals import judge, read_approvals
from conformance.regression.comparison import Job
from conformance.regression.engine import Progress as Told
from conformance.regression.engine import compare_corpus
from conformance.regression.outcome import Outcome, plural
from conformance.regression.refs import STAND_IN_SETTINGS, parse_ref, read_settings
from conformance.regression.report import write_report
from conformance.regression.text import text
from conformance.targets.destination_guard import answers_errors
from conformance.targets.target import RULE_SETS

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--corpus",
    "corpora",
    multiple=True,
    metavar="FILE...",
    help="Messages, one JSON object a line: files or globs, plain, gzip or zstd; - is stdin.",
)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--old", required=True, metavar="REF", help="What was.")
@click.option("--new", default="tree", show_default=True, metavar="REF", help="What will be.")
@click.option("--settings", "settings_file", type=_file, help="Of messages without their own.")
@click.option(
    "--rules",
    type=click.Choice(list(RULE_SETS)),
    default="documented",
    show_default=True,
    help="The rule set of a side that names none.",
)
@click.option("--now", help="Judge messages as at this ISO 8601 time.  [default: the clock]")
@click.option("--approvals", type=_file, help="TOML file of changes that are wanted.")
@click.option(
    "--report", type=click.Path(file_okay=False, path_type=Path), help="Write diff.html and .json."
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: all cores]")
@answers_errors
def diff(
    corpora: tuple[str, ...],
    files: tuple[str, ...],
    old: str,
    new: str,
    settings_file: Path | None,
    rules: str,
    now: str | None,
    approvals: Path | None,
    report: Path | None,
    workers: int | None,
) -> None:
    """What a change of the translator or its mapping changes for a corpus of messages.

    REF is tree (this installation), rules:SET, settings:FILE, mapping:FILE, git:REV or exec:CMD.
    Exit status: 0 if nothing changed without an approval, 1 if something did or an approval is
    stale, 2 for wrong usage or data, 3 if a side could not be asked.
    """
    job = Job(
        parse_ref(old, rules=rules),
        parse_ref(new, rules=rules),
        read_settings(settings_file) if settings_file else STAND_IN_SETTINGS,
        _moment(now),
    )
    wanted = read_approvals(approvals) if approvals else []
    names = corpus_files([*corpora, *files])
    with _progress(corpus_bytes(names)) as told:
        tally = compare_corpus(names, job, workers=workers, progress=told)
    if not tally.messages:
        raise UsageError(f"the corpus has no message; {plural(tally.bad_lines, 'bad line')}")
    outcome = Outcome(old, new, tally, judge(tally, wanted, datetime.now(UTC).date()))
    click.echo(text(outcome))
    if report:
        write_report(report, outcome)
    sys.exit(EXIT_FAILURES if outcome.red else EXIT_CONFORMANT)


def _moment(now: str | None) -> datetime:
    if now is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(now)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(f"--now {now!r} is no ISO 8601 time with a zone: 2026-06-15T12:00:00Z")
    return moment


@contextmanager
def _progress(total_bytes: int | None) -> Iterator[Told]:
    """A bar on the error stream, if that is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("comparing"),
        BarColumn(),
        TextColumn("{task.fields[messages]:,} messages"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns,
        console=console,
        transient=True,
        # A thread that refreshes would be in the way of starting processes.
        auto_refresh=False,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("comparing", total=total_bytes, messages=0)
        yield lambda done, messages: progress.update(
            task, completed=done, messages=messages, refresh=True
        )
