"""The options of commands that compare two translators over a corpus."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from conformance.corpus.reading import corpus_files
from translator.spark.options import is_url, spark_options

existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)


def comparison_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what `diff` and `migrate` share: the corpus, how it is judged, and the engine.

    The command gets `corpora`, `files`, `settings_file`, `rules`, `now`, `approvals`, `show_all`,
    `max_bad_lines` and `spark`.
    """
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "--corpus",
        "corpora",
        multiple=True,
        metavar="FILE...",
        help="Messages, one JSON object a line: files, folders or globs, plain, gzip or zstd; - is"
        " stdin. With --engine spark also Parquet, and URLs that Spark reads.",
    ),
    click.argument("files", nargs=-1, metavar="[FILE]..."),
    click.option(
        "--settings",
        "settings_file",
        type=existing_file,
        help="JSON or YAML file with the destination settings, for messages without settings of"
        " their own.",
    ),
    click.option(
        "--rules",
        default="documented",
        show_default=True,
        metavar="SET",
        help="Rule set for each REF that names none: documented, observed, or a mix such as"
        " observed+group_calls.",
    ),
    click.option(
        "--now",
        metavar="TIME",
        help="Translate all messages as if it were this ISO 8601 time.  [default: each message at"
        " its own time of arrival]",
    ),
    click.option(
        "--approvals",
        type=existing_file,
        help="TOML file with accepted differences, each with a reason and a last day.",
    ),
    click.option(
        "--all", "show_all", is_flag=True, help="Show every group in full, also the rare ones."
    ),
    click.option(
        "--max-bad-lines",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Largest number of lines that may be unreadable.",
    ),
    spark_options,
)


def spark_files(names: list[str]) -> list[str]:
    """The files that names, folders and globs of this machine stand for, and the URLs, in order.

    Raises UsageError for a name without a file.
    """
    if not names:
        return corpus_files(names)
    return [file for name in names for file in ([name] if is_url(name) else corpus_files([name]))]
