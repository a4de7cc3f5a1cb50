"""The command line."""

import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from conformance.attribution import by_rule
from conformance.captures import load_captures, load_defects
from conformance.decisions import page as decisions_page
from conformance.errors import (
    EXIT_CONFORMANT,
    EXIT_ENGINE,
    EXIT_FAILURES,
    EXIT_USAGE,
    DataError,
    EngineError,
    UsageError,
)
from conformance.loader import load_scenarios
from conformance.report import capture_summary, scenario_summary, write_results
from conformance.run import run_captures, run_scenarios
from conformance.select import select, select_captures
from conformance.target import target_named


def answers_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn this package's errors into their exit codes and one clear text."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (DataError, UsageError) as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(EXIT_USAGE)
        except EngineError as error:
            click.echo(f"Error: the engine failed: {error}", err=True)
            sys.exit(EXIT_ENGINE)
        except Exception:
            click.echo(f"Error: the engine failed:\n{traceback.format_exc()}", err=True)
            sys.exit(EXIT_ENGINE)

    return guarded


@click.group()
@click.version_option(package_name="mockpanel")
def main() -> None:
    """Replay documented scenarios against a Segment to Mixpanel translator."""


_rules = click.option(
    "--rules",
    type=click.Choice(["documented", "observed"]),
    help="Only what is written for this rule set.",
)
_keyword = click.option(
    "-k", "keyword", metavar="EXPR", help="Only ids and titles that match, as in pytest."
)
_tags = click.option(
    "--tag", "tags", multiple=True, help="Only what has this tag: a folder, a level, ..."
)


@main.command()
@click.option("--target", "target_name", default="builtin", show_default=True)
@click.option("--mode", type=click.Choice(["cloud"]), help="Only scenarios of this mode.")
@_rules
@_keyword
@_tags
@click.option("--captures/--no-captures", default=True, help="Whether to run the captures too.")
@click.option("--report", type=click.Path(path_type=Path), help="Write results.jsonl there.")
@answers_errors
def run(
    target_name: str,
    mode: str | None,
    rules: str | None,
    keyword: str | None,
    tags: tuple[str, ...],
    captures: bool,
    report: Path | None,
) -> NoReturn:
    """Replay scenarios and captures; exit code 0 if everything conforms, 1 if not."""
    target = target_named(target_name)
    scenarios = [
        scenario
        for scenario in select(load_scenarios(), keyword, tags)
        if mode in (None, scenario.mode) and rules in (None, scenario.rules)
    ]
    chosen = select_captures(load_captures(), keyword, tags) if captures else []
    if not scenarios and not chosen:
        raise UsageError("no scenario or capture is chosen; see 'list' for their ids")
    verdicts, capture_results = [], []
    for verdict in run_scenarios(scenarios, target):
        verdicts.append(verdict)
        if not verdict.passed:
            click.echo(verdict.text())
    for result in run_captures(chosen, rules):
        capture_results.append(result)
        for failure in result.failures:
            click.echo(failure.text())
    if report:
        lines = [verdict.as_json() for verdict in verdicts]
        lines += [line for result in capture_results for line in result.as_json()]
        write_results(report, lines)
    click.echo(scenario_summary(verdicts))
    if capture_results:
        click.echo(f"captures: {capture_summary(capture_results)}")
    failed = any(not verdict.passed for verdict in verdicts) or any(
        result.failures for result in capture_results
    )
    sys.exit(EXIT_FAILURES if failed else EXIT_CONFORMANT)


@main.command()
@_rules
@_keyword
@_tags
@answers_errors
def captures(rules: str | None, keyword: str | None, tags: tuple[str, ...]) -> NoReturn:
    """Only the captures: which are reproduced, and which rule explains which difference."""
    results = list(run_captures(select_captures(load_captures(), keyword, tags), rules))
    if not results:
        raise UsageError("no capture is chosen")
    for result in results:
        for failure in result.failures:
            click.echo(failure.text())
    attributions = [result.attribution for result in results if result.attribution]
    for rule, ids in by_rule(attributions).items():
        click.echo(f"{rule}: {len(ids)}\n    {' '.join(ids)}")
    if rules != "documented":
        for defect in load_defects().values():
            click.echo(f"defect  {defect.id}: {defect.defect}")
    click.echo(capture_summary(results))
    sys.exit(EXIT_FAILURES if any(result.failures for result in results) else EXIT_CONFORMANT)


@main.command("list")
@answers_errors
def list_scenarios() -> None:
    """Every scenario: its id, level and title."""
    scenarios = load_scenarios()
    width = max((len(scenario.id) for scenario in scenarios), default=0)
    for scenario in scenarios:
        click.echo(f"{scenario.id:{width}}  {scenario.level:6}  {scenario.title}")
    click.echo(f"{len(scenarios)} scenarios")


@main.command()
@answers_errors
def decisions() -> None:
    """Our own decisions with the scenarios that pin them, as Markdown."""
    citations = [(scenario.id, scenario.source) for scenario in load_scenarios()]
    click.echo(decisions_page(citations), nl=False)


@main.command()
@answers_errors
def coverage() -> NoReturn:
    """Which headings and settings of the doc the scenarios cover."""
    raise UsageError("'coverage' is not available yet")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@answers_errors
def diff(arguments: tuple[str, ...]) -> NoReturn:
    """What a change of the translator or its mapping changes for a corpus of messages."""
    raise UsageError("'diff' is not available yet")
