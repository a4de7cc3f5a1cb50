"""The command line of Engage: `engage`."""

import sys
from pathlib import Path

import click
import orjson

from translator.bulk import lines
from translator.cloud.translate import translate_message
from translator.core.compiled_settings import compile_settings
from translator.core.operations import Result
from translator.engage.definitions import (
    ComputedTrait,
    Definition,
    DefinitionsError,
    read_definitions,
)
from translator.engage.engine import Engage
from translator.engage.stream import run
from translator.engage.unset import unset_operations
from translator.options import (
    RULE_SETS,
    input_argument,
    mapping_option,
    moment,
    now_option,
    opened,
    read_mapping,
    read_settings,
    rules_option,
    settings_option,
    usage_error,
)


@click.command()
@click.option(
    "--definitions",
    "definitions_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with computed traits and audiences (YAML or JSON).",
)
@settings_option
@rules_option
@mapping_option
@now_option
@click.option(
    "--translate",
    "translated",
    is_flag=True,
    help="Write operations for Mixpanel, like `translate`, instead of messages.",
)
@click.option(
    "--unset",
    "unset_key",
    metavar="KEY",
    help="Write only the updates that remove this trait or audience from profiles.",
)
@input_argument
def engage(
    definitions_file: Path,
    settings_file: Path,
    rule_set: str,
    mapping_file: Path | None,
    now_text: str | None,
    translated: bool,
    unset_key: str | None,
    file: str | None,
) -> None:
    """Compute traits and audiences from Segment messages, one JSON object a line.

    Writes the identify and track calls that Engage would send, one a line. A message arrives at its
    receivedAt, else at its timestamp; after the last one, time passes until --now.
    Invalid lines are reported on the error stream.
    Exit status: 0 if every line was used and translated, 1 if not, 2 for wrong usage.
    """
    definitions = _read(definitions_file)
    settings = read_settings(settings_file)
    compiled = compile_settings(settings, RULE_SETS[rule_set](), read_mapping(mapping_file))
    now_ms = moment(now_text)
    if unset_key is not None and unset_key not in {each.key for each in definitions}:
        usage_error(f"--unset {unset_key!r} is not a key in {definitions_file}")
    if not settings.people and any(map(_identifies, definitions)):
        click.echo("note: 'people' is off, so identify calls will be skipped", err=True)
    state = Engage(definitions)
    failed = False
    with opened(file) as source:
        for step in run(lines(source), state, now_ms):
            if step.failure is not None:
                text = f"line {step.lines}: {step.failure.code}: {step.failure.message}"
                click.echo(text, err=True)
                failed = True
            for made in step.messages if unset_key is None else ():
                if translated:
                    result = translate_message(made, compiled, now_ms)
                    failed = failed or result.error is not None
                    _write(result)
                else:
                    _write(made)
    if unset_key is not None:
        ids = [external.id for external in state.sent_to(unset_key)]
        for operation in unset_operations(unset_key, ids, settings):
            _write(Result(None, (operation,)))
    for key, count in state.ignored.items():
        click.echo(f"note: {key}: {count} events without a number to aggregate", err=True)
    sys.exit(1 if failed else 0)


def _read(path: Path) -> tuple[Definition, ...]:
    try:
        return read_definitions(path.read_text(encoding="utf-8-sig"))
    except (DefinitionsError, ValueError, OSError) as error:
        usage_error(f"{path}: {error}")


def _identifies(definition: Definition) -> bool:
    return isinstance(definition, ComputedTrait) or definition.identify


def _write(value: object) -> None:
    shown = value.as_json() if isinstance(value, Result) else value
    sys.stdout.buffer.write(orjson.dumps(shown) + b"\n")
    sys.stdout.buffer.flush()
