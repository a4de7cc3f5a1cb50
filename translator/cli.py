"""The command line: `python -m translator`, or `mixpanel-translator`.

A command is imported only when it is used: `translate` loads no HTTP client and no HTTP server.
"""

from importlib import import_module

import click

from translator import __version__
from translator.standard_streams import open_closed_streams

MODULES = {
    "engage": "translator.engage.cli",
    "gateway": "translator.gateway.cli",
    "mapping": "translator.commands",
    "reference": "translator.commands",
    "resend": "translator.sender.commands.cli",
    "send": "translator.sender.commands.cli",
    "translate": "translator.commands",
}
"""The module of each command."""


class TranslatorCommands(click.Group):
    """The group of all commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, or None."""
        if cmd_name not in MODULES:
            return None
        command: click.Command = getattr(import_module(MODULES[cmd_name]), cmd_name)
        return command


@click.group(cls=TranslatorCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mixpanel-translator")
def main() -> None:
    """Translate Segment calls to Mixpanel operations, and deliver them."""
    open_closed_streams()
