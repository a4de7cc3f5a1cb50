"""The commands `translate`, `reference` and `mapping`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import yaml

from translator.bulk import PARALLEL_FROM_BYTES, Job, translate_session_stream, translate_stream
from translator.compression import CompressedInputError
from translator.device.session import Session
from translator.options import (
    RULE_SETS,
    browser_option,
    mapping_option,
    moment,
    now_option,
    opened,
    read_browser,
    read_mapping,
    read_settings,
    rules_option,
    seed_option,
    settings_option,
    usage_error,
)
from translator.reference import SECTIONS, page, section
from translator.spark.options import InputPath, SparkOptions, is_url, spark_options
from translator.terminal_text import json_output


@click.command()
@settings_option
@click.option(
    "--mode",
    type=click.Choice(["cloud", "web", "ios", "android"]),
    default="cloud",
    show_default=True,
    help="Cloud mode, or a device mode. In a device mode the input is one session of a web page or"
    " an app.",
)
@rules_option
@mapping_option
@now_option
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Number of processes in cloud mode.  [default: one for each core for large files, else 1]",
)
@browser_option
@seed_option
@click.option(
    "--output",
    metavar="FOLDER",
    help="With --engine spark: a new folder for the results, or its URL.  [default: standard"
    " output]",
)
@spark_options
@click.argument("file", required=False, type=InputPath())
def translate(
    settings_file: Path,
    mode: str,
    rule_set: str,
    mapping_file: Path | None,
    now_text: str | None,
    workers: int | None,
    browser_file: Path | None,
    seed: str,
    output: str | None,
    spark: SparkOptions | None,
    file: str | None,
) -> None:
    """Translate Segment messages to operations for Mixpanel.

    Reads one JSON object on each line. Each line of the output is the result of one message.

    FILE can be plain, gzip or zstd; without FILE, standard input is read. Blank lines are ignored.
    With --engine spark, FILE can also be Parquet, a folder, or a URL that Spark reads, such as
    s3a://bucket/folder/*.gz.

    Exit status: 0 if every line was translated, 1 if any had an error, 2 for wrong usage.
    """
    if spark is None:
        _check_local(file, output)
    if browser_file and mode != "web":
        usage_error(f"--browser is for --mode web, not --mode {mode}")
    if seed and mode == "cloud":
        usage_error("--seed is for the device modes; cloud mode has no random ids")
    if mode != "cloud":
        if spark:
            usage_error(f"--engine spark is for cloud mode; --mode {mode} replays one session")
        if mapping_file:
            usage_error(f"--mapping is for cloud mode; --mode {mode} has its own tables")
        session = Session(
            settings=read_settings(settings_file),
            mode=mode,
            rules=RULE_SETS[rule_set](),
            clock=lambda: moment(now_text),
            browser=read_browser(browser_file),
            seed=seed,
        )
        with opened(file) as source, _readable(file):
            sys.exit(1 if translate_session_stream(source, json_output(), session) else 0)
    settings, mapping = read_settings(settings_file), read_mapping(mapping_file)
    job = Job(settings, RULE_SETS[rule_set](), moment(now_text), mapping)
    if spark:
        sys.exit(1 if _translate_on_spark(spark, file, job, output) else 0)
    if workers is None:
        large = file not in (None, "-") and Path(str(file)).stat().st_size >= PARALLEL_FROM_BYTES
        workers = (os.cpu_count() or 1) if large else 1
    with opened(file) as source, _readable(file):
        errors = translate_stream(source, json_output(), job, workers=workers)
    sys.exit(1 if errors else 0)


def _check_local(file: str | None, output: str | None) -> None:
    """End the program with status 2 if the input or output is one that only Spark has."""
    if output:
        usage_error("--output is for --engine spark; without it results go to standard output")
    if file and is_url(file):
        usage_error(f"{file} is a URL; only --engine spark reads URLs")
    if file and Path(file).is_dir():
        usage_error(f"{file} is a folder; give a file, or --engine spark to read a folder")


def _check_new_folder(output: Path) -> None:
    """End the program with status 2 if the folder exists already or cannot be made."""
    if output.exists():
        usage_error(f"--output {output} already exists; name a new folder")
    above = next(folder for folder in output.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        usage_error(f"--output {output} cannot be made: no folder can be made in {above}")


def _translate_on_spark(
    options: SparkOptions, file: str | None, job: Job, output: str | None
) -> int:
    """Translate on Spark, and print the counts on the error stream. Returns the error count."""
    # pyspark and pyarrow are imported only where Spark is used.
    from translator.spark.corpus import SparkCorpus, local_files
    from translator.spark.session import spark_session
    from translator.spark.translate import translate_corpus

    if output and not is_url(output):
        _check_new_folder(Path(output))
    names = local_files(file or "-")
    with spark_session(options, "translate", [*names, output or ""]) as session:
        corpus = SparkCorpus(session, names)
        codes = translate_corpus(corpus, job, output or json_output())
    errors = {code: count for code, count in sorted(codes.items()) if code}
    by_code = "".join(f"\n  {count:,} {code}" for code, count in errors.items())
    click.echo(f"{codes.total():,} messages, {sum(errors.values()):,} errors{by_code}", err=True)
    return sum(errors.values())


@contextmanager
def _readable(file: str | None) -> Iterator[None]:
    """End with status 2 if the input is compressed and cannot be decompressed to its end."""
    try:
        yield
    except CompressedInputError as error:
        usage_error(f"{file or 'standard input'} cannot be read to its end: {error}")


@click.command()
@click.argument("name", required=False, type=click.Choice(list(SECTIONS)))
def reference(name: str | None) -> None:
    """Print the reference of settings, rules and codes.

    The output is Markdown. A name prints one table only.
    """
    click.echo(section(name) if name else page(), nl=False)


@click.command()
@mapping_option
def mapping(mapping_file: Path | None) -> None:
    """Print the mapping tables as a mapping file, to copy rows from."""
    rows = read_mapping(mapping_file).as_json()
    click.echo(yaml.safe_dump(rows, sort_keys=False, default_flow_style=False), nl=False)
