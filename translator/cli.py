"""The command line: `python -m translator`, or `mixpanel-translator`.

The edge where clock, files and environment come in.
"""

import json
import os
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import click
import yaml

from translator import __version__
from translator.bulk import PARALLEL_FROM_BYTES, Job, lines, translate_line, translate_stream
from translator.errors import SettingsError
from translator.plan import plan_for
from translator.reference import SECTIONS, page, section
from translator.rules import Rules
from translator.sender import Sender, base_urls, run_send
from translator.settings import Settings
from translator.timestamps import parse

RULE_SETS = {"documented": Rules.documented, "observed": Rules.observed}

settings_option = click.option(
    "--settings",
    "settings_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON or YAML object of destination settings.",
)
rules_option = click.option(
    "--rules",
    "rule_set",
    type=click.Choice(list(RULE_SETS)),
    default="documented",
    show_default=True,
    help="Follow the public doc, or what the classic integration was seen to do.",
)
now_option = click.option(
    "--now", "now_text", help="Judge messages as at this ISO 8601 time.  [default: the clock]"
)
input_argument = click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mixpanel-translator")
def main() -> None:
    """Segment calls to Mixpanel operations, and their delivery."""


@main.command()
@settings_option
@click.option(
    "--mode",
    type=click.Choice(["cloud", "web", "ios", "android"]),
    default="cloud",
    show_default=True,
    help="Only cloud is available yet.",
)
@rules_option
@now_option
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes.  [default: all cores for large files, else 1]",
)
@input_argument
def translate(
    settings_file: Path,
    mode: str,
    rule_set: str,
    now_text: str | None,
    workers: int | None,
    file: str | None,
) -> None:
    """Translate Segment messages, one JSON object a line, to operations, one result a line.

    Exit status: 0 if every line was translated, 1 if any had an error, 2 for wrong usage.
    """
    if mode != "cloud":
        usage_error(f"--mode {mode} is not available yet; use --mode cloud")
    job = Job(read_settings(settings_file), RULE_SETS[rule_set](), moment(now_text))
    if workers is None:
        large = file not in (None, "-") and Path(str(file)).stat().st_size >= PARALLEL_FROM_BYTES
        workers = (os.cpu_count() or 1) if large else 1
    with opened(file) as source:
        errors = translate_stream(source, sys.stdout.buffer, job, workers=workers)
    sys.exit(1 if errors else 0)


@main.command()
@settings_option
@rules_option
@now_option
@click.option("--base-url", help="Send here in place of https://api.mixpanel.com.")
@click.option("--eu-base-url", help="Send here in place of https://api-eu.mixpanel.com.")
@click.option("--live", is_flag=True, help="Allow addresses that are not this machine.")
@input_argument
def send(
    settings_file: Path,
    rule_set: str,
    now_text: str | None,
    base_url: str | None,
    eu_base_url: str | None,
    live: bool,
    file: str | None,
) -> None:
    """Translate Segment messages, one JSON object a line, and deliver them.

    Prints one JSON object that accounts for every message, and each loss on the error stream.
    Exit status: 0 if nothing was lost, 1 if something was, 2 for wrong usage.
    """
    settings = read_settings(settings_file)
    now_ms = moment(now_text)
    plan = plan_for(settings, RULE_SETS[rule_set]())
    sender = Sender(base_urls(base_url, eu_base_url), settings.apiSecret or None, live=live)
    with opened(file) as source, sender:
        status = run_send(
            lines(source),
            lambda line: translate_line(line, plan, now_ms),
            sender,
            plan.host,
            out=sys.stdout,
            err=sys.stderr,
            progress=sys.stderr.isatty(),
        )
    sys.exit(status)


@main.command()
@click.argument("name", required=False, type=click.Choice(list(SECTIONS)))
def reference(name: str | None) -> None:
    """Print the reference as Markdown, or one table of it."""
    click.echo(section(name) if name else page(), nl=False)


def read_settings(path: Path) -> Settings:
    """The settings in a JSON or YAML file; a problem ends the program with status 2."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        values: Any = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        return Settings.from_json(values)
    except (SettingsError, ValueError, yaml.YAMLError, OSError) as error:
        usage_error(f"{path}: {error}")


def moment(text: str | None) -> int:
    """`--now` in milliseconds since 1970, or what the clock says."""
    now_ms = parse(datetime.now(UTC).isoformat() if text is None else text)
    if now_ms is None:
        usage_error(f"--now {text!r} is no ISO 8601 time, such as 2026-06-15T12:00:00Z")
    return now_ms


def opened(file: str | None) -> Any:
    """The input as a binary stream; standard input if there is no file."""
    source: BinaryIO = sys.stdin.buffer
    return nullcontext(source) if file in (None, "-") else Path(str(file)).open("rb")


def usage_error(text: str) -> NoReturn:
    """Say what is wrong and end the program with status 2."""
    click.echo(f"Error: {text}", err=True)
    sys.exit(2)
