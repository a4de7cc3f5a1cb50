"""The command `run`."""

import sys
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import click

from conformance.command_errors import exits_on_errors
from conformance.errors import (
    EXIT_CONFORMANT,
    EXIT_ENGINE,
    EXIT_FAILURES,
    EXIT_INTERRUPTED,
    DriverBroken,
    UsageError,
)
from conformance.reports.results import Report
from conformance.reports.terminal import Terminal
from conformance.runner.captures.web import all_captures
from conformance.runner.jobs import WORTHWHILE, outcomes_in_order, usable_cores
from conformance.runner.options import (
    markdown_option,
    project_options,
    read_settings,
    selection_options,
)
from conformance.runner.outcomes import Outcome, Verdict
from conformance.runner.output import prepare_outputs, write_outputs
from conformance.runner.run import Case, CaseRunner, RunOptions
from conformance.runner.smoke_check import check
from conformance.runner.tolerances import Tolerances, read_tolerances
from conformance.spec.expected_failures import read_expected_failures
from conformance.spec.scenarios.loading import levelled, load_scenarios
from conformance.spec.scenarios.own_scenarios import load_own
from conformance.spec.scenarios.selection import Selection
from conformance.targets.by_name import KINDS


@click.command()
@click.option("--target", "target_name", default="builtin", show_default=True, help=KINDS)
@selection_options
@click.option(
    "--captures/--no-captures",
    default=None,
    help="Replay the recordings too; they test the target builtin only.  [default: with builtin]",
)
@click.option(
    "--expected-failures",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML file with the ids that may fail, each with a reason.",
)
@click.option(
    "--profile",
    type=click.Choice(["exact", "outcome"]),
    help="Compare every request in full, or what Mixpanel then holds.  [default: exact for "
    "builtin, outcome for other targets]",
)
@click.option(
    "--tolerances",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with accepted differences, each with a reason and a last day.",
)
@click.option(
    "--write-tolerances",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a file for --tolerances with every difference of this run.",
)
@click.option(
    "--project",
    "project",
    multiple=True,
    metavar="NAME=VALUE",
    help="Option of the mock's project, such as identity=simplified. May be repeated.",
)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write report.html, junit.xml, badge.svg and results.jsonl into this folder.",
)
@markdown_option
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30,
    show_default=True,
    help="Time limit for one answer of the target, in seconds.",
)
@click.option(
    "--settings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON or YAML file with the settings of a server (http:URL) that takes none from the"
    " runner.",
)
@click.option(
    "--mock-port",
    type=click.IntRange(0, 65533),
    default=0,
    help="Port of the mock's US region; the EU region has the next port.  [default: free ports]",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Number of processes.  [default: one for each core, if that saves time]",
)
@click.option(
    "--maxfail", type=click.IntRange(min=1), help="Stop after this number of failures and errors."
)
@click.option("-v", "--verbose", is_flag=True, help="Show every result.")
@exits_on_errors
def run(
    target_name: str,
    captures: bool | None,
    expected_failures: Path | None,
    profile: str | None,
    tolerances: Path | None,
    write_tolerances: Path | None,
    project: tuple[str, ...],
    report: Path | None,
    markdown: Path | None,
    timeout: float,
    settings: Path | None,
    mock_port: int,
    jobs: int | None,
    maxfail: int | None,
    verbose: bool,
    folder: Path | None,
    **conditions: Any,
) -> NoReturn:
    """Replay scenarios and recordings, and compare what a translator sends with what is expected.

    Exit status: 0 if the translator conforms, 1 if not, 2 for wrong usage or data, 3 if the runner
    or a driver failed, 130 after Ctrl-C; then the results up to that point are reported.
    """
    selection = Selection(**conditions)
    by_outcome = (profile or ("exact" if target_name == "builtin" else "outcome")) == "outcome"
    bundled = target_name == "builtin" and not folder
    if captures and not bundled:
        raise UsageError("--captures: captures need the target 'builtin' and the bundled scenarios")
    replays_captures = bundled and captures is not False
    cases, known = _chosen(selection, folder, by_outcome=by_outcome, captures=replays_captures)
    failures = read_expected_failures(expected_failures, known) if expected_failures else {}
    today = datetime.now(UTC).date()
    accepted = Tolerances(read_tolerances(tolerances) if tolerances else [], today)
    prepare_outputs(report, markdown, write_tolerances)
    options = RunOptions(
        target_name,
        read_settings(settings) if settings else None,
        timeout,
        mock_port,
        failures,
        selection.rules,
        profile,
        project_options(project),
    )
    terminal = Terminal(verbose=verbose)
    run = _Run(options, cases, _jobs(jobs, options, len(cases)), accepted)
    found = _reported(run, target_name, selection, terminal, maxfail)
    stale = accepted.stale(whole=not selection.text() and not run.stopped)
    terminal.summary(found, stale)
    write_outputs(found, report, markdown, write_tolerances)
    if stale and found.conformant:
        sys.exit(EXIT_FAILURES)
    sys.exit(EXIT_INTERRUPTED if run.interrupted else exit_code(found))


def _reported(
    run: "_Run", target_name: str, selection: Selection, terminal: Terminal, maxfail: int | None
) -> Report:
    """Run all cases; the outcomes, and what was run when."""
    started, clock = datetime.now(UTC), time.monotonic()
    outcomes = run.outcomes(terminal, maxfail)
    return Report(
        target=target_name,
        translator=run.translator,
        version=version("mockpanel"),
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - clock, 3),
        selection=selection.text(),
        outcomes=tuple(outcomes),
        stopped=run.stopped,
    )


def _chosen(
    selection: Selection, folder: Path | None, *, by_outcome: bool, captures: bool
) -> tuple[list[Case], set[str]]:
    """The selected cases, and the ids of all scenarios. Raises UsageError if there is no case."""
    everything = load_own(folder) if folder else load_scenarios()
    known = {scenario.id for scenario in everything}
    captured = {capture.id for capture in all_captures()} if not folder else set()
    selection.check_ids(known | captured)
    if by_outcome:
        everything = tuple(map(levelled, everything))
    scenarios = selection.scenarios(everything)
    cases: list[Case] = [*scenarios, *(selection.captures(all_captures()) if captures else [])]
    if not cases:
        raise UsageError("no scenario or capture is chosen; see 'list' for their ids")
    return cases, known


def _jobs(asked: int | None, options: RunOptions, cases: int) -> int:
    """The number of processes. Raises UsageError if the target supports only one."""
    single = options.mock_port or options.target.startswith("http")
    if asked is not None and asked > 1 and single:
        raise UsageError("--jobs: a server is one target with one mock; use --jobs 1")
    if asked is not None:
        return asked
    worthwhile = options.target == "builtin" and cases >= WORTHWHILE
    return usable_cores() if worthwhile and not single else 1


class _Run:
    """The cases of one run. Afterwards `stopped` says why it ended early, or is empty."""

    def __init__(
        self, options: RunOptions, cases: Sequence[Case], jobs: int, accepted: Tolerances
    ) -> None:
        self._options = options
        self._accepted = accepted
        self._cases = cases
        self._jobs = jobs
        self.translator = "mockpanel"
        self.stopped = ""
        self.interrupted = False

    def outcomes(self, terminal: Terminal, maxfail: int | None) -> list[Outcome]:
        """Run the cases; the outcomes so far if the run is ended by Ctrl-C or too many failures."""
        found: list[Outcome] = []
        red = 0
        try:
            with closing(self._one_by_one(terminal)) as made:
                judged = map(self._accepted.applied, made)
                for outcome in terminal.watch(judged, len(self._cases)):
                    found.append(outcome)
                    red += outcome.verdict.red
                    if maxfail is not None and red >= maxfail:
                        self._stop(f"--maxfail {maxfail}", len(found))
                        break
        except KeyboardInterrupt:
            self.interrupted = True
            self._stop("Ctrl-C", len(found))
        return found

    def _stop(self, why: str, count: int) -> None:
        if count < len(self._cases):
            self.stopped = f"stopped by {why} after {count} of {len(self._cases)} cases"

    def _one_by_one(self, terminal: Terminal) -> Generator[Outcome]:
        if self._options.own and self._jobs > 1:
            yield from outcomes_in_order(self._options, self._cases, self._jobs)
            return
        with CaseRunner(self._options) as runner:
            if not self._options.own:
                try:
                    terminal.say(f"smoke check: {check(runner.target, runner.mock)}")
                except DriverBroken:
                    terminal.say("0 passed, 0 failed; the smoke check failed, so no case was run")
                    raise
                self.translator = runner.target.about().name
            if self._jobs == 1:
                yield from map(runner.outcome, self._cases)
                return
        yield from outcomes_in_order(self._options, self._cases, self._jobs)


def exit_code(report: Report) -> int:
    """The exit status: an error of engine or driver has priority over failures."""
    if any(outcome.verdict is Verdict.ERROR for outcome in report.outcomes):
        return EXIT_ENGINE
    return EXIT_CONFORMANT if report.conformant else EXIT_FAILURES
