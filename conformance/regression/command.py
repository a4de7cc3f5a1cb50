"""The command `diff`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from conformance.command_errors import exits_on_errors
from conformance.corpus.options import comparison_options, spark_files
from conformance.corpus.reading import corpus_bytes, corpus_files
from conformance.errors import EXIT_CONFORMANT, EXIT_FAILURES, EXIT_USAGE, UsageError
from conformance.output_files import prepare_file, writing
from conformance.regression.differences.comparison import DiffJob
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.engine import compare_corpus
from conformance.regression.progress import progress
from conformance.regression.report.approvals import match_approvals, read_approvals
from conformance.regression.report.diff_files import report_folder, write_report
from conformance.regression.report.markdown import diff_markdown
from conformance.regression.report.result import DiffResult, plural
from conformance.regression.report.text import text
from conformance.regression.sides.refs import (
    STAND_IN_SETTINGS,
    parse_ref,
    read_rules,
    read_settings,
)
from conformance.runner.options import markdown_option
from translator.spark.options import SparkOptions


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@comparison_options
@click.option("--old", required=True, metavar="REF", help="The translator before the change.")
@click.option(
    "--new",
    default="tree",
    show_default=True,
    metavar="REF",
    help="The translator after the change.",
)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write diff.html and diff.json into this folder.",
)
@markdown_option
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Number of processes.  [default: one for each core]",
)
@exits_on_errors
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
    markdown: Path | None,
    show_all: bool,
    max_bad_lines: int,
    workers: int | None,
    spark: SparkOptions | None,
) -> None:
    """Compare the requests of two translators, or of two mappings, for a corpus of messages.

    REF is tree (this installation), rules:SET, settings:FILE, mapping:FILE, git:REV:PATH (the
    mapping file in a revision of your repository), git:REV (a revision of this project) or
    exec:CMD (any translator). With --engine spark the report is the same.

    Exit status: 0 if every change is approved, 1 if a change is not approved or an approval is
    stale, 2 for wrong usage or lines that are not messages, 3 if a translator cannot be run.
    """
    read_rules(rules, f"--rules {rules}")
    clock = datetime.now(UTC)
    job = DiffJob(
        parse_ref(old, rules=rules),
        parse_ref(new, rules=rules),
        read_settings(settings_file) if settings_file else STAND_IN_SETTINGS,
        now_option(now),
        clock,
    )
    wanted = read_approvals(approvals) if approvals else []
    given = [*corpora, *files]
    found_files = spark_files(given) if spark else corpus_files(given)
    if report:
        report_folder(report)
    if markdown:
        prepare_file("--markdown", markdown)
    counts, names = _counted(found_files, job, spark, workers)
    if not counts.messages:
        raise UsageError(f"the corpus has no message; {plural(counts.bad_lines, 'bad line')}")
    matches = match_approvals(counts, wanted, clock.date())
    result = DiffResult(job, counts, matches, tuple(names), clock.date(), max_bad_lines)
    click.echo(text(result, show_all=show_all))
    if report:
        write_report(report, result)
    if markdown:
        with writing("--markdown", markdown):
            markdown.write_text(diff_markdown(result), encoding="utf-8")
    if result.changed:
        sys.exit(EXIT_FAILURES)
    sys.exit(EXIT_USAGE if result.has_bad_lines else EXIT_CONFORMANT)


def _counted(
    names: list[str], job: DiffJob, spark: SparkOptions | None, workers: int | None
) -> tuple[DiffCounts, list[str]]:
    """The differences for the messages of some files, and the names of the files that were read."""
    if spark:
        # pyspark and pyarrow are imported only where Spark is used.
        from conformance.regression.spark_engine import compare_on_spark

        return compare_on_spark(names, job, spark)
    with progress("comparing", corpus_bytes(names)) as told:
        return compare_corpus(names, job, workers=workers, progress=told), names


def now_option(now: str | None) -> datetime | None:
    """The time that `--now` gives. Raises UsageError if it is not ISO 8601 with a zone."""
    if now is None:
        return None
    try:
        moment = datetime.fromisoformat(now)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(f"--now {now!r} is not ISO 8601 with a zone: 2026-06-15T12:00:00Z")
    return moment
