"""The commands that only print: scenarios, recordings, decisions, coverage."""

import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from conformance.command_errors import exits_on_errors
from conformance.errors import EXIT_CONFORMANT, EXIT_FAILURES, UsageError
from conformance.runner.captures.attribution import by_rule
from conformance.runner.captures.cloud import load_defects
from conformance.runner.captures.web import all_captures
from conformance.runner.options import selection_options
from conformance.runner.run import run_captures
from conformance.runner.summary import Summary
from conformance.spec.citations.decisions import page as decisions_page
from conformance.spec.envelope import page as envelope_page
from conformance.spec.scenarios.coverage import measure
from conformance.spec.scenarios.coverage import page as coverage_page
from conformance.spec.scenarios.loading import load_scenarios
from conformance.spec.scenarios.own_scenarios import load_own
from conformance.spec.scenarios.schema_page import page as schema_page
from conformance.spec.scenarios.selection import Selection, select_captures

_rules = click.option(
    "--rules",
    type=click.Choice(["documented", "observed"]),
    help="Only what is written for this rule set.",
)
_keyword = click.option(
    "-k",
    "keyword",
    metavar="EXPR",
    help="Only ids and titles that match, such as 'alias and not web'.",
)
_tags = click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="TAG",
    help="Only this tag: a folder, a level or a rule set. May be repeated.",
)


@click.command()
@_rules
@_keyword
@_tags
@exits_on_errors
def captures(rules: str | None, keyword: str | None, tags: tuple[str, ...]) -> NoReturn:
    """Replay the recordings of the classic integration, and explain each difference by a rule."""
    chosen = select_captures(all_captures(), keyword, tags)
    results = list(run_captures(chosen, rules))
    if not results:
        raise UsageError("no capture is chosen")
    for result in results:
        if result.verdict.red:
            click.echo(result.text())
    for rule, ids in by_rule(results).items():
        click.echo(f"{rule}: {len(ids)}\n    {' '.join(ids)}")
    if rules != "documented":
        for defect in load_defects().values():
            click.echo(f"defect  {defect.id}: {defect.defect}")
    summary = Summary(results)
    click.echo(f"{summary.sentence()}.\n{summary.line()}")
    sys.exit(EXIT_CONFORMANT if summary.conformant else EXIT_FAILURES)


@click.command("list")
@selection_options
@exits_on_errors
def list_scenarios(folder: Path | None, **conditions: Any) -> None:
    """List the scenarios: id, level and title of each."""
    selection = Selection(**conditions)
    everything = load_own(folder) if folder else load_scenarios()
    selection.check_ids({scenario.id for scenario in everything})
    scenarios = selection.scenarios(everything)
    width = max((len(scenario.id) for scenario in scenarios), default=0)
    for scenario in scenarios:
        click.echo(f"{scenario.id:{width}}  {scenario.level:6}  {scenario.title}")
    click.echo(f"{len(scenarios)} scenarios")


@click.command()
@exits_on_errors
def decisions() -> None:
    """Print the decisions of this project, with the scenarios that test them, as Markdown."""
    citations = [(scenario.id, scenario.source) for scenario in load_scenarios()]
    click.echo(decisions_page(citations), nl=False)


@click.command()
def envelope() -> None:
    """Print the fields that the profile `outcome` does not compare, as Markdown."""
    click.echo(envelope_page(), nl=False)


@click.command()
@exits_on_errors
def schema() -> None:
    """Print the keys of a scenario, as Markdown."""
    click.echo(schema_page(), nl=False)


@click.command()
@exits_on_errors
def coverage() -> NoReturn:
    """Count the scenarios of each setting, call and mode, and of each heading of the doc.

    Exit status: 0 if each zero is explained and each heading is cited, else 1.
    """
    found = measure(load_scenarios())
    click.echo(coverage_page(found), nl=False)
    missing = found.unexplained or found.stale or found.uncited
    sys.exit(EXIT_FAILURES if missing else EXIT_CONFORMANT)
