"""The command `migrate`."""

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from conformance.command_errors import exits_on_errors
from conformance.corpus.options import comparison_options, spark_files
from conformance.corpus.reading import STDIN, corpus_files
from conformance.errors import (
    EXIT_CONFORMANT,
    EXIT_FAILURES,
    EXIT_USAGE,
    EngineError,
    UsageError,
)
from conformance.migration.contents import ProjectContents, SideOptions
from conformance.migration.delivery import deliver_corpus
from conformance.migration.differences.comparison import compare
from conformance.migration.differences.counting import ProjectDifferences
from conformance.migration.report import report_folder, write_report
from conformance.migration.result import Migration
from conformance.migration.text import text
from conformance.regression.command import now_option
from conformance.regression.progress import FIRST_SECONDS, LOG_SECONDS
from conformance.regression.redaction import SecretFilter, secrets_in
from conformance.regression.report.approvals import match_approvals, read_approvals
from conformance.regression.report.result import plural
from conformance.regression.sides.refs import (
    STAND_IN_SETTINGS,
    Ref,
    parse_ref,
    read_rules,
    read_settings,
)
from conformance.regression.sides.revisions import checked_out
from conformance.runner.options import project_options
from translator.compression import standard_input
from translator.garbage_collection import rare_collection
from translator.spark.options import SparkOptions


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@comparison_options
@click.option("--from", "old", required=True, metavar="REF", help="The translator in use now.")
@click.option("--to", "new", required=True, metavar="REF", help="The translator to change to.")
@click.option(
    "--project",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Option of both projects in the mock, such as identity=simplified.",
)
@click.option(
    "--to-project",
    "new_options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Option of the new project only.",
)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write migration.html and migration.json into this folder.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Processes; more than two are not used, one for each side.",
)
@exits_on_errors
def migrate(
    old: str,
    new: str,
    corpora: tuple[str, ...],
    files: tuple[str, ...],
    settings_file: Path | None,
    rules: str,
    now: str | None,
    options: tuple[str, ...],
    new_options: tuple[str, ...],
    approvals: Path | None,
    report: Path | None,
    show_all: bool,
    max_bad_lines: int,
    workers: int,
    spark: SparkOptions | None,
) -> None:
    """Compare what Mixpanel would hold after two translators have translated a corpus.

    Both translators' requests for your messages go into two projects of the mock; the report
    compares people, events, properties, profiles, charges and counters. A REF is as in `diff`.

    Exit status: 0 if every difference is approved, 1 if one is not or an approval is stale,
    2 for wrong usage or lines that are not messages, 3 if a translator cannot be run.
    """
    read_rules(rules, f"--rules {rules}")
    settings = read_settings(settings_file) if settings_file else STAND_IN_SETTINGS
    clock, moment = datetime.now(UTC), now_option(now)
    options_of_sides = [
        SideOptions(settings, moment, clock, project_options(each))
        for each in (options, options + new_options)
    ]
    refs = [parse_ref(old, rules=rules), parse_ref(new, rules=rules)]
    wanted = read_approvals(approvals) if approvals else []
    if report:
        report_folder(report)
    redact = SecretFilter(
        secrets_in([settings, *(ref.settings for ref in refs)], STAND_IN_SETTINGS)
    )
    given = [*corpora, *files]
    comparison, one, shown = _compared(given, refs, options_of_sides, redact, spark, workers)
    if not one.messages:
        raise UsageError(f"the corpus has no message; {plural(one.bad_lines, 'bad line')}")
    migration = Migration(
        old,
        new,
        comparison,
        match_approvals(comparison.counts, wanted, clock.date()),
        one,
        redact(settings),
        tuple(shown),
        clock.date(),
        max_bad_lines,
    )
    click.echo(text(migration, show_all=show_all))
    if report:
        write_report(report, migration)
    if migration.changed:
        sys.exit(EXIT_FAILURES)
    sys.exit(EXIT_USAGE if migration.has_bad_lines else EXIT_CONFORMANT)


def _compared(
    given: list[str],
    refs: Sequence[Ref],
    options: Sequence[SideOptions],
    redact: SecretFilter,
    spark: SparkOptions | None,
    workers: int,
) -> tuple[ProjectDifferences, ProjectContents, list[str]]:
    """The differences, the contents of the old project, and the names of the files."""
    if spark:
        # pyspark and pyarrow are imported only where Spark is used.
        from conformance.migration.spark_engine import BothSides, migrate_on_spark

        both = BothSides((refs[0], refs[1]), (options[0], options[1]), redact)
        return migrate_on_spark(spark_files(given), both, spark)
    # The contents of two projects are many objects without cycles.
    with rare_collection(), _readable_twice(corpus_files(given)) as shown:
        one, two = _both_sides(refs, shown, options, workers)
        return compare(one, two, redact), one, shown


@contextmanager
def _readable_twice(names: Sequence[str]) -> Iterator[list[str]]:
    """The names of the files, with a copy of standard input: both sides read the corpus."""
    if STDIN not in names:
        yield list(names)
        return
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        copy = Path(folder, "stdin")
        with copy.open("wb") as sink:
            shutil.copyfileobj(standard_input(), sink)
        yield [str(copy) if name == STDIN else name for name in names]


def _both_sides(
    refs: Sequence[Ref], names: list[str], options_of_sides: Sequence[SideOptions], workers: int
) -> tuple[ProjectContents, ProjectContents]:
    with checked_out(refs[0]) as old, checked_out(refs[1]) as new:
        if workers == 1:
            return deliver_corpus(old, names, options_of_sides[0]), deliver_corpus(
                new, names, options_of_sides[1]
            )
        try:
            with ProcessPoolExecutor(2, initializer=_leave_interrupts_to_the_parent) as pool:
                one = pool.submit(deliver_corpus, old, names, options_of_sides[0])
                two = pool.submit(deliver_corpus, new, names, options_of_sides[1])
                _show_progress([one, two])
                return one.result(), two.result()
        except BrokenProcessPool as error:
            raise EngineError("a worker process ended before it answered") from error


def _show_progress(sides: Sequence[Future[ProjectContents]]) -> None:
    """A line on the error stream every few seconds until both sides are delivered."""
    begun, seconds = time.monotonic(), FIRST_SECONDS
    while wait(sides, timeout=seconds, return_when=FIRST_EXCEPTION).not_done:
        if any(side.done() and side.exception() for side in sides):
            return
        click.echo(f"delivering both sides: {time.monotonic() - begun:.0f} s", err=True)
        seconds = LOG_SECONDS


def _leave_interrupts_to_the_parent() -> None:
    # Ctrl-C reaches every process; a worker that it ends leaves the parent waiting endlessly.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
