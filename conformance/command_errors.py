"""Turns the errors of this package into exit codes, for every command."""

import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from conformance.errors import (
    EXIT_ENGINE,
    EXIT_USAGE,
    DataError,
    DriverBroken,
    EngineError,
    UsageError,
)
from translator.terminal_text import printable


def exits_on_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn this package's errors into their exit codes and one clear text."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (DataError, UsageError) as error:
            click.echo(printable(f"Error: {error}"), err=True)
            sys.exit(EXIT_USAGE)
        except EngineError as error:
            part = "driver" if isinstance(error, DriverBroken) else "engine"
            click.echo(printable(f"Error: the {part} failed: {error}"), err=True)
            sys.exit(EXIT_ENGINE)
        except (click.ClickException, BrokenPipeError):
            raise
        except Exception:
            click.echo(printable(f"Error: the engine failed:\n{traceback.format_exc()}"), err=True)
            sys.exit(EXIT_ENGINE)

    return guarded
