"""The options of commands that run on this machine or on Spark."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from translator.options import usage_error


class SparkOptions(NamedTuple):
    """How to reach Spark, the packages to send to its workers, and its configuration.

    `master` is None where Spark's own configuration names it, or for all cores of this machine.
    """

    master: str | None = None
    py_files: tuple[Path, ...] = ()
    conf: tuple[tuple[str, str], ...] = ()


def is_url(name: str) -> bool:
    """Whether a name of input or output is a URL, such as `s3a://bucket/key`, and not a path."""
    return "://" in name


class InputPath(click.Path):
    """A file that exists, `-`, or a URL that only Spark can read."""

    def __init__(self) -> None:
        super().__init__(exists=True, allow_dash=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path or URL. Fails for a path that does not exist."""
        if isinstance(value, str) and is_url(value):
            return value
        return super().convert(value, param, ctx)


def spark_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--engine` and the options of Spark; the command gets them as one argument `spark`.

    It is a SparkOptions for `--engine spark`, and None for the local engine.
    """

    @wraps(command)
    def with_spark(
        *args: Any,
        engine: str,
        master: str | None,
        py_files: tuple[Path, ...],
        spark_conf: tuple[str, ...],
        **kwargs: Any,
    ) -> Any:
        if engine == "spark":
            spark = SparkOptions(master, py_files, tuple(map(_pair, spark_conf)))
            return command(*args, spark=spark, **kwargs)
        given = {"--master": master, "--py-files": py_files, "--spark-conf": spark_conf}
        for name, value in given.items():
            if value:
                usage_error(f"{name} is for --engine spark")
        return command(*args, spark=None, **kwargs)

    for option in reversed(_OPTIONS):
        with_spark = option(with_spark)
    return with_spark


_OPTIONS = (
    click.option(
        "--engine",
        type=click.Choice(["local", "spark"]),
        default="local",
        show_default=True,
        help="Run on this machine, or on Apache Spark for corpora that are too large for it.",
    ),
    click.option(
        "--master",
        metavar="URL",
        help="Spark's master, such as spark://host:7077.  [default: that of Spark's own"
        " configuration, else local[*]]",
    ),
    click.option(
        "--py-files",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        multiple=True,
        help="Wheel or zip file to send to Spark's workers, such as that of mockpanel.",
    ),
    click.option(
        "--spark-conf",
        multiple=True,
        metavar="KEY=VALUE",
        help="Option of Spark, such as spark.executor.memory=4g.",
    ),
)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        usage_error(f"--spark-conf {text!r} is not KEY=VALUE, such as spark.executor.memory=4g")
    return key, value
