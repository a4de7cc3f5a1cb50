"""The command `compare`."""

import sys
from pathlib import Path
from typing import NoReturn

import click

from conformance.command_errors import exits_on_errors
from conformance.errors import EXIT_CONFORMANT, EXIT_FAILURES
from conformance.reports.results import read_results
from conformance.reports.run_changes import OutcomeChange, changes
from conformance.runner.outcomes import counts


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@exits_on_errors
def compare(before: Path, after: Path) -> NoReturn:
    """Show what changed between two runs: folders of `run --report`, or their results.jsonl.

    Exit status: 0 if no scenario became worse, 1 if one did, 2 for a file that is not a report.
    """
    runs = [read_results(path) for path in (before, after)]
    for name, run in zip(("before", "after"), runs, strict=True):
        click.echo(f"{name:6}  {run.translator}, {run.started}: {counts(run.outcomes)}")
    found = changes(*runs)
    for change, changed in found.items():
        click.echo(f"\n{change}: {len(changed)}")
        for each in changed:
            click.echo("  " + "\n  ".join(each.text().splitlines()))
    if not found:
        click.echo("nothing changed")
    sys.exit(EXIT_FAILURES if OutcomeChange.BROKE in found else EXIT_CONFORMANT)
