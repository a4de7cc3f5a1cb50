"""The options of `run` that other commands share, and how their values are read."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from conformance.errors import (
    DataError,
    UsageError,
)
from conformance.runner.outcomes import LEVELS
from conformance.spec.scenarios.loading import Json
from conformance.spec.yaml_text import YamlTextError, parse_yaml

MODES = ["cloud", "web", "ios", "android"]


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose scenarios; the command gets them under Selection's names."""
    for option in reversed(
        [
            click.argument("ids", nargs=-1, metavar="[ID|GLOB]..."),
            click.option(
                "-k",
                "keyword",
                metavar="EXPR",
                help="Only ids and titles that match, such as 'alias and not web'.",
            ),
            click.option(
                "--tag",
                "tags",
                multiple=True,
                metavar="TAG",
                help="Only this tag: a folder, a level, a rule set or a tag of the file. May be"
                " repeated.",
            ),
            click.option(
                "--heading",
                "headings",
                multiple=True,
                metavar="SLUG",
                help="Only scenarios that cite this heading of the destination doc, such as alias."
                " May be repeated.",
            ),
            click.option(
                "--level",
                "levels",
                multiple=True,
                type=click.Choice(LEVELS),
                help="Only this level. May be repeated.",
            ),
            click.option("--mode", type=click.Choice(MODES), help="Only this mode."),
            click.option(
                "--rules",
                type=click.Choice(["documented", "observed"]),
                help="Only what is written for this rule set.",
            ),
            click.option(
                "--scenarios",
                "folder",
                type=click.Path(exists=True, file_okay=False, path_type=Path),
                help="Use your own scenarios, in files DIRECTORY/FOLDER/NAME.yaml, instead of the"
                " bundled ones.",
            ),
        ]
    ):
        command = option(command)
    return command


markdown_option = click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a summary in Markdown, for a comment on a pull request.",
)


def project_options(words: Sequence[str]) -> Json:
    """The options in words such as `identity=simplified`. Raises UsageError for another word."""
    found: Json = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise UsageError(f"--project {word!r}: use NAME=VALUE, such as identity=simplified")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def read_settings(path: Path) -> Json:
    """The object in a JSON or YAML file. Raises DataError if it has no object."""
    try:
        value = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YamlTextError) as error:
        raise DataError(f"{path}: {error}") from error
    if not isinstance(value, dict):
        raise DataError(f"{path}: settings must be an object")
    return value
