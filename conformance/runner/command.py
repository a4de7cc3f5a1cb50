"""The command `run`."""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import click

from conformance.errors import (
    EXIT_CONFORMANT,
    EXIT_ENGINE,
    EXIT_FAILURES,
    DataError,
    UsageError,
)
from conformance.reports.results import Report
from conformance.reports.terminal import Terminal
from conformance.runner.device_captures import all_captures
from conformance.runner.mock import running_mock
from conformance.runner.outcomes import LEVELS, Outcome, Verdict
from conformance.runner.run import run_captures, run_scenario
from conformance.runner.smoke_check import check
from conformance.spec.expected_failures import read_expected_failures
from conformance.spec.loading import Json, load_scenarios
from conformance.spec.own_scenarios import load_own
from conformance.spec.selection import Selection
from conformance.spec.yaml_text import YamlTextError, parse_yaml
from conformance.targets.by_name import KINDS, External, target_named
from conformance.targets.destination_guard import answers_errors

MODES = ["cloud", "web", "ios", "android"]


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose scenarios; the command gets them under Selection's names."""
    for option in reversed(
        [
            click.argument("ids", nargs=-1, metavar="[ID|GLOB]..."),
            click.option(
                "-k", "keyword", metavar="EXPR", help="Ids and titles that match, as in pytest."
            ),
            click.option("--tag", "tags", multiple=True, help="A tag: a folder, a level, ..."),
            click.option(
                "--heading", "headings", multiple=True, help="A heading of the doc, by slug."
            ),
            click.option("--level", "levels", multiple=True, type=click.Choice(LEVELS)),
            click.option("--mode", type=click.Choice(MODES)),
            click.option("--rules", type=click.Choice(["documented", "observed"])),
            click.option(
                "--scenarios",
                "folder",
                type=click.Path(exists=True, file_okay=False, path_type=Path),
                help="Scenarios of your own, in place of ours: DIR/FOLDER/NAME.yaml.",
            ),
        ]
    ):
        command = option(command)
    return command


@click.command()
@click.option("--target", "target_name", default="builtin", show_default=True, help=KINDS)
@selection_options
@click.option("--captures/--no-captures", default=None, help="Captures too; builtin only.")
@click.option(
    "--expected-failures",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML: the ids that fail, each with why.",
)
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Write it there.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30,
    show_default=True,
    help="Seconds for one answer of the target.",
)
@click.option(
    "--settings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON or YAML: the settings of a server that cannot be told any.",
)
@click.option(
    "--mock-port",
    type=click.IntRange(0, 65533),
    default=0,
    help="Mixpanel's US host is there, the EU's on the next port.  [default: free ports]",
)
@click.option("-v", "--verbose", is_flag=True, help="Show every outcome.")
@answers_errors
def run(
    target_name: str,
    captures: bool | None,
    expected_failures: Path | None,
    report: Path | None,
    timeout: float,
    settings: Path | None,
    mock_port: int,
    verbose: bool,
    folder: Path | None,
    **conditions: Any,
) -> NoReturn:
    """Replay scenarios and captures against a translator.

    Exit status: 0 if it conforms, 1 if not, 2 for wrong usage or data, 3 if engine or driver broke.
    """
    selection = Selection(**conditions)
    everything = load_own(folder) if folder else load_scenarios()
    known = {scenario.id for scenario in everything}
    captured = {capture.id for capture in all_captures()} if not folder else set()
    selection.check_ids(known | captured)
    excused = read_expected_failures(expected_failures, known) if expected_failures else {}
    scenarios = selection.scenarios(everything)
    ours = target_name == "builtin" and not folder
    if captures and not ours:
        raise UsageError("--captures: captures are for the target 'builtin' and our scenarios only")
    chosen = selection.captures(all_captures()) if ours and captures is not False else []
    if not scenarios and not chosen:
        raise UsageError("no scenario or capture is chosen; see 'list' for their ids")
    terminal = Terminal(verbose=verbose)
    started, clock = datetime.now(UTC), time.monotonic()
    outcomes: list[Outcome] = []
    fixed = read_settings(settings) if settings else None
    with (
        target_named(target_name, fixed, timeout_seconds=timeout) as target,
        running_mock(mock_port) as mock,
    ):
        translator = "mockpanel"
        if isinstance(target, External):
            terminal.say(f"smoke check: {check(target, mock)}")
            translator = target.about().name

        def all_of_them() -> Iterator[Outcome]:
            for scenario in scenarios:
                yield run_scenario(scenario, target, mock, excused)
            yield from run_captures(chosen, selection.rules)

        each_capture = 1 if selection.rules else 2
        total = len(scenarios) + each_capture * len(chosen)
        outcomes += terminal.watch(all_of_them(), total)
    found = Report(
        target=target_name,
        translator=translator,
        version=version("mockpanel"),
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - clock, 3),
        selection=selection.text(),
        outcomes=tuple(outcomes),
    )
    if report:
        from conformance.reports.write import write_reports

        write_reports(found, report)
    terminal.summary(found)
    sys.exit(exit_code(found))


def read_settings(path: Path) -> Json:
    """The object in a JSON or YAML file. Raises DataError if it is none."""
    try:
        value = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YamlTextError) as error:
        raise DataError(f"{path}: {error}") from error
    if not isinstance(value, dict):
        raise DataError(f"{path}: settings must be an object")
    return value


def exit_code(report: Report) -> int:
    """What the command ends with: an engine or driver that broke goes before failures."""
    if any(outcome.verdict is Verdict.ERROR for outcome in report.outcomes):
        return EXIT_ENGINE
    return EXIT_CONFORMANT if report.conformant else EXIT_FAILURES
