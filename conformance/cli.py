"""The command line."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import click

from conformance.errors import EXIT_ENGINE, EXIT_USAGE, DataError, EngineError, UsageError
from conformance.loader import load_scenarios


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

    return guarded


@click.group()
@click.version_option(package_name="mockpanel")
def main() -> None:
    """Replay documented scenarios against a Segment to Mixpanel translator."""


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
def coverage() -> NoReturn:
    """Which headings and settings of the doc the scenarios cover."""
    raise UsageError("'coverage' is not available yet")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@answers_errors
def diff(arguments: tuple[str, ...]) -> NoReturn:
    """What a change of the translator or its mapping changes for a corpus of messages."""
    raise UsageError("'diff' is not available yet")
