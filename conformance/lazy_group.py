"""A command group whose commands are imported when they are used."""

import gc
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import click


class HiddenPackageError(click.ClickException):
    """A foreign file hides one of this distribution's packages."""

    exit_code = 2


class LazyCommand(NamedTuple):
    """The definition of a command as `module:name`, and its help in one line.

    `section` is the heading under which the help of the group lists it.
    """

    place: str
    help: str
    section: str = "Commands"

    def load(self) -> click.Command:
        """Import the command. Raises HiddenPackageError."""
        module, _, name = self.place.partition(":")
        gc.disable()  # imports make many objects that stay, and no garbage
        try:
            command: click.Command = getattr(import_module(module), name)
        except ImportError as error:
            hidden = _foreign_file()
            if hidden is None:
                raise
            raise HiddenPackageError(hidden) from error
        finally:
            gc.freeze()
            gc.enable()
        return command


def _foreign_file() -> str | None:
    """An error text if Python imports another file in place of one of our packages, else None."""
    ours = Path(__file__).parents[1]
    for name in ("translator", "mock_mixpanel", "conformance"):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            continue
        if Path(spec.origin).resolve().parent.parent != ours.resolve():
            return (
                f"{spec.origin} hides the package {name!r} of mockpanel: Python imports it first. "
                "Use the console script 'mockpanel', run from another folder, or rename it."
            )
    return None


class LazyGroup(click.Group):
    """A group with a table of commands, listed in the order of the table."""

    def __init__(self, *args: Any, lazy: Mapping[str, LazyCommand], **options: Any) -> None:
        super().__init__(*args, **options)
        self.lazy = lazy

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, also in a process that was started without a standard stream."""
        if None in (sys.stdin, sys.stdout, sys.stderr):
            from translator.standard_streams import open_closed_streams  # rare; the import is slow

            open_closed_streams()
        return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, or None."""
        if cmd_name in self.lazy:
            return self.lazy[cmd_name].load()
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name. Raises UsageError with the nearest name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not near:
                raise
            text = f"{error.message} Did you mean '{near[0]}'?"
            raise click.UsageError(text, ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table by section, without importing them."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.lazy.items():
            sections.setdefault(command.section, []).append((name, command.help))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)
