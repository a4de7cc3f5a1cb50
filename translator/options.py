"""Options that several commands share, and the files that the options name.

This module reads the clock, files and the environment; the core does not.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import click

from translator.compression import CompressedInputError, decompressed, standard_input
from translator.core.errors import MappingError, SettingsError
from translator.core.properties.mapping import STANDARD, PropertyMap
from translator.core.rules import Rules
from translator.core.settings import Settings
from translator.core.values.timestamps import parse
from translator.device.sdk import Browser
from translator.terminal_text import printable
from translator.yaml_text import parse_yaml

RULE_SETS = {"documented": Rules.documented, "observed": Rules.observed}

_settings = partial(
    click.option,
    "--settings",
    "settings_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the destination settings: a JSON or YAML object.",
)
settings_option = _settings(required=True)
optional_settings_option = _settings()
rules_option = click.option(
    "--rules",
    "rule_set",
    type=click.Choice(list(RULE_SETS)),
    default="documented",
    show_default=True,
    help="Follow Segment's documentation, or the observed behaviour of the classic integration.",
)
mapping_option = click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with changes to the mapping tables: a JSON or YAML object; see `mapping`.",
)
now_option = click.option(
    "--now",
    "now_text",
    metavar="TIME",
    help="Translate as if it were this ISO 8601 time.  [default: the current time]",
)
browser_option = click.option(
    "--browser",
    "browser_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Mode web: JSON or YAML file with url, referrer, user_agent, vendor and screen of the"
    " browser.",
)
seed_option = click.option(
    "--seed",
    default="",
    help="Device modes: seed of the random ids. Another seed stands for another device.",
)
input_argument = click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)
base_url_option = click.option(
    "--base-url", metavar="URL", help="Send to this address instead of https://api.mixpanel.com."
)
eu_base_url_option = click.option(
    "--eu-base-url",
    metavar="URL",
    help="Send to this address instead of https://api-eu.mixpanel.com.",
)
live_option = click.option(
    "--live",
    is_flag=True,
    help="Allow sending to other machines, such as the real Mixpanel. Without it, only this machine"
    " is allowed.",
)
allow_host_option = click.option(
    "--allow-host",
    "allowed_names",
    multiple=True,
    metavar="NAME",
    help="Allow this host name in --base-url, such as mock in a compose network. May be repeated.",
)


def read_settings(path: Path) -> Settings:
    """The settings in a JSON or YAML file; a problem ends the program with status 2."""
    try:
        return Settings.from_json(read_object(path))
    except (SettingsError, ValueError, OSError) as error:
        usage_error(f"{path}: {error}")


def read_mapping(path: Path | None) -> PropertyMap:
    """The mapping in a JSON or YAML file; a problem ends the program with status 2."""
    if path is None:
        return STANDARD
    try:
        return PropertyMap.from_json(read_object(path))
    except (MappingError, ValueError, OSError) as error:
        usage_error(f"{path}: {error}")


def read_browser(path: Path | None) -> Browser:
    """The browser in a JSON or YAML file; a problem ends the program with status 2."""
    if path is None:
        return Browser()
    try:
        return Browser.from_json(read_object(path))
    except (ValueError, OSError) as error:
        usage_error(f"{path}: {error}")


def read_object(path: Path) -> Any:
    """The value in a JSON or YAML file; a repeated key is an error.

    Raises ValueError or OSError.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} is not UTF-8; save the file as UTF-8") from error
    if not text.strip():
        raise ValueError("the file is empty")
    if path.suffix != ".json":
        return parse_yaml(text)
    try:
        return json.loads(text, object_pairs_hook=_without_repeated_keys)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"{where}: not valid JSON: {error.msg}") from error


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} appears twice")
        found[key] = value
    return found


def moment(text: str | None) -> int:
    """`--now` in milliseconds since 1970; without it the current time."""
    now_ms = parse(datetime.now(UTC).isoformat() if text is None else text)
    if now_ms is None:
        usage_error(f"--now {text!r} is not an ISO 8601 time such as 2026-06-15T12:00:00Z")
    return now_ms


def check_distinct(files: Mapping[str, Path | None]) -> None:
    """End the program with status 2 if two of these options or arguments name the same file.

    `files` has each path under the name of its option. Devices such as /dev/null may be shared.
    """
    seen: dict[Path, str] = {}
    for option, path in files.items():
        if path is None or (path.exists() and not path.is_file()):
            continue
        other = seen.setdefault(path.resolve(), option)
        if other != option:
            usage_error(f"{other} and {option} name the same file, {path}; give two")


def opened(file: str | None, *, raw_stdin: bool = False) -> Any:
    """The input as a binary stream, decompressed; standard input if there is no file.

    `raw_stdin` gives standard input itself, for code that waits on its file descriptor. Wrong
    compression ends the program with status 2.
    """
    if file not in (None, "-"):
        return _opened_file(Path(str(file)))
    if file is None and sys.stdin.isatty():
        click.echo("Reading messages from the terminal; end with Ctrl-D, or give a FILE.", err=True)
    with suppress(OSError):  # a stand-in for standard input has no file descriptor
        # A non-blocking standard input would look like its end while no data is there yet.
        os.set_blocking(sys.stdin.buffer.fileno(), True)
    if raw_stdin:
        return nullcontext(sys.stdin.buffer)
    return closing(_decompressed(standard_input(), "standard input"))


@contextmanager
def _opened_file(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as raw:
        yield _decompressed(raw, str(path))


def _decompressed(source: BinaryIO, name: str) -> BinaryIO:
    try:
        return decompressed(source)
    except CompressedInputError as error:
        usage_error(f"{name} {error}")


class UsageProblem(click.ClickException):
    """Wrong usage or settings: click prints the text and ends the program with status 2."""

    exit_code = 2


def usage_error(text: str) -> NoReturn:
    """Print the error and end the program with status 2."""
    raise UsageProblem(printable(text))
