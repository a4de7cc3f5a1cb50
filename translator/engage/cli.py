"""The command line of Engage: `engage`."""

import errno
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import click
import orjson

from translator.bulk import pieces
from translator.cloud.translate import translate_message
from translator.compression import CompressedInputError
from translator.core.compiled_settings import compile_settings
from translator.core.operations import Failure, Json, Result
from translator.core.settings import Settings
from translator.engage.definitions import (
    ComputedTrait,
    Definition,
    DefinitionsError,
    read_definitions,
)
from translator.engage.engine import Engage
from translator.engage.storage.person_row import DamagedRowError
from translator.engage.storage.resumable import STANDARD_INPUT, ResumableRun
from translator.engage.storage.state_file import StateFile, StateFileError
from translator.engage.stream import run
from translator.engage.unset import unset_operations
from translator.garbage_collection import BATCH_OBJECTS, rare_collection
from translator.options import (
    RULE_SETS,
    input_argument,
    mapping_option,
    moment,
    now_option,
    opened,
    read_mapping,
    read_object,
    read_settings,
    rules_option,
    settings_option,
    usage_error,
)
from translator.terminal_text import json_output, printable
from translator.yaml_text import parse_yaml


@click.command()
@click.option(
    "--definitions",
    "definitions_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON or YAML file with computed traits and audiences.",
)
@settings_option
@rules_option
@mapping_option
@now_option
@click.option(
    "--translate",
    "translated",
    is_flag=True,
    help="Write operations for Mixpanel, as `translate` does, instead of messages.",
)
@click.option(
    "--unset",
    "unset_key",
    metavar="KEY",
    help="Write only the updates that remove this trait or audience from profiles.",
)
@click.option(
    "-o",
    "--output",
    "output_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Output file.  [default: standard output]",
)
@click.option(
    "--state",
    "state_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the state in this file between runs; needs --output. An interrupted run continues"
    " where it stopped; of an input that has grown, only the new lines are read.",
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
    output_file: Path | None,
    state_file: Path | None,
    file: str | None,
) -> None:
    """Compute traits and audiences as Segment Engage does.

    Reads Segment messages, one JSON object on each line. Writes the identify and track calls that
    Engage would send, one on each line. A message arrives
    at its receivedAt, else at its timestamp. After the last message, the clock advances to --now.
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

    def encode(made: Json) -> tuple[bytes, bool]:
        if not translated:
            return orjson.dumps(made) + b"\n", False
        result = translate_message(made, compiled, now_ms)
        return orjson.dumps(result.as_json()) + b"\n", result.error is not None

    if state_file is not None:
        if output_file is None or unset_key is not None:
            text = "does not go with --unset" if unset_key else "needs --output, which it can cut"
            usage_error(f"--state {text}")
        origin = {
            "definitions": _digest(parse_yaml(definitions_file.read_text(encoding="utf-8-sig"))),
            "settings": _digest(read_object(settings_file)),
            "mapping": _digest(None if mapping_file is None else read_object(mapping_file)),
            "--rules": rule_set,
            "--translate": str(translated),
        }
        state = state_file, definitions, origin
        failed, ignored = _run_with_state(state, file, output_file, now_ms, encode)
    else:
        engine = Engage(definitions)
        with _opened_output(output_file) as sink, opened(file) as source:
            wanted = sink if unset_key is None else None
            failed = _run_in_memory(engine, source, now_ms, encode, wanted)
            if unset_key is not None:
                _write_removals(engine, unset_key, settings, sink)
        ignored = engine.ignored
    for key, count in ignored.items():
        click.echo(f"note: {key}: {count} events without a number to aggregate", err=True)
    sys.exit(1 if failed else 0)


def _write_removals(engine: Engage, key: str, settings: Settings, sink: BinaryIO) -> None:
    """Write operations that remove a trait from all profiles that have it."""
    ids = [external.id for external in engine.sent_to(key)]
    for operation in unset_operations(key, ids, settings):
        sink.write(orjson.dumps(Result(None, (operation,)).as_json()) + b"\n")


def _run_in_memory(
    engine: Engage,
    source: Any,
    now_ms: int,
    encode: Callable[[Json], tuple[bytes, bool]],
    sink: BinaryIO | None,
) -> bool:
    """Whether a line failed. The calls go to `sink`, if it is given."""
    failed = False
    with rare_collection(BATCH_OBJECTS):
        for step in run(pieces(source), engine, now_ms):
            if step.failure is not None:
                _report(step.lines, step.failure)
                failed = True
            if sink is None:
                continue
            for made in step.messages:
                line, is_error = encode(made)
                failed = failed or is_error
                sink.write(line)
                sink.flush()
    return failed


def _run_with_state(
    state_file: tuple[Path, tuple[Definition, ...], dict[str, str]],
    file: str | None,
    output: Path,
    now_ms: int,
    encode: Callable[[Json], tuple[bytes, bool]],
) -> tuple[bool, dict[str, int]]:
    """Whether a line failed, and the events that were ignored, since the state is kept."""
    path = state_file[0]
    # A pipe has no lasting name: that of /dev/stdin or of a shell's <(...) changes in each run.
    is_stream = file in (None, STANDARD_INPUT) or not Path(str(file)).is_file()
    name = STANDARD_INPUT if is_stream else str(Path(str(file)).resolve())
    if len({path.resolve(), output.resolve(), Path(name)}) < 3:
        usage_error("--state, --output and the input must be different files")
    try:
        with (
            opened(file) as source,
            closing(StateFile(*state_file)) as state,
            rare_collection(BATCH_OBJECTS),
        ):
            try:
                with closing(ResumableRun(state, name, source, output)) as resumable:
                    failed = not resumable.process(now_ms, encode, _report)
            except (sqlite3.Error, DamagedRowError) as error:
                raise state.error(error) from error
            return failed, state.engage.ignored
    except StateFileError as error:
        usage_error(str(error))
    except CompressedInputError:
        raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
        hint = " (make room on the disk and run the command again)" if full else ""
        usage_error(f"--output {output}: {error}{hint}")


def _digest(value: object) -> str:
    """A digest of the content of a file, which does not depend on its format."""
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _report(line: int, failure: Failure) -> None:
    click.echo(printable(f"line {line}: {failure.code}: {failure.message}"), err=True)


@contextmanager
def _opened_output(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield json_output()
        return
    try:
        with path.open("wb") as sink:
            yield sink
    except OSError as error:
        usage_error(f"--output {path}: {error}")


def _read(path: Path) -> tuple[Definition, ...]:
    try:
        return read_definitions(path.read_text(encoding="utf-8-sig"))
    except (DefinitionsError, ValueError, OSError) as error:
        usage_error(f"{path}: {error}")


def _identifies(definition: Definition) -> bool:
    return isinstance(definition, ComputedTrait) or definition.identify
