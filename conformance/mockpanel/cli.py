"""The command line: `mockpanel`.

A command is imported only when it is used: `mockpanel translate` does not load the mock.
"""

import copy

import click

from conformance.cli import COMMANDS as CONFORMANCE_COMMANDS
from conformance.cli import REFERENCE
from conformance.lazy_group import LazyCommand, LazyGroup

LOCAL = "A local Mixpanel"
TRANSLATION = "Translate and deliver"
TOOLS = "Tools"

COMMANDS = {
    "up": LazyCommand("conformance.mockpanel.up:up", "Start a mock and a gateway together.", LOCAL),
    "serve": LazyCommand("mock_mixpanel.cli:serve", "Start a mock of Mixpanel.", LOCAL),
    "translate": LazyCommand(
        "translator.commands:translate", "Translate Segment messages to operations.", TRANSLATION
    ),
    "send": LazyCommand(
        "translator.sender.commands.cli:send",
        "Translate Segment messages and deliver them.",
        TRANSLATION,
    ),
    "resend": LazyCommand(
        "translator.sender.commands.cli:resend", "Deliver dead letters again.", TRANSLATION
    ),
    "gateway": LazyCommand(
        "translator.gateway.cli:gateway", "Serve Segment's HTTP API, and deliver.", TRANSLATION
    ),
    "engage": LazyCommand(
        "translator.engage.cli:engage",
        "Compute traits and audiences as Segment Engage does.",
        TRANSLATION,
    ),
    **CONFORMANCE_COMMANDS,
    "mapping": LazyCommand("translator.commands:mapping", "Print the mapping tables.", REFERENCE),
    "reference": LazyCommand(
        "translator.commands:reference", "Print settings, rules and codes.", REFERENCE
    ),
    "api": LazyCommand("mock_mixpanel.cli:api", "Print the mock's HTTP API.", REFERENCE),
    "mcp": LazyCommand(
        "conformance.mockpanel.mcp_command:mcp", "Serve tools for AI assistants.", TOOLS
    ),
    "completion": LazyCommand(
        "conformance.mockpanel.completion:completion",
        "Print the completion script of a shell.",
        TOOLS,
    ),
}
"""Every command by its name, in the order of the help."""

PREFIX = "MOCKPANEL"


class EnvironmentGroup(LazyGroup):
    """A group whose commands read the environment."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name with its environment variables, or None."""
        command = super().get_command(ctx, cmd_name)
        return (
            with_environment(command, (cmd_name,)) if command and cmd_name in self.lazy else command
        )


def with_environment(command: click.Command, path: tuple[str, ...]) -> click.Command:
    """A copy of a command in which each option can be given as an environment variable.

    Option `--eu-port` of `serve` reads `MOCKPANEL_SERVE_EU_PORT`, else `MOCKPANEL_EU_PORT`. The
    command line wins over both.
    """
    changed = copy.copy(command)
    changed.params = [_with_environment(parameter, path) for parameter in command.params]
    if isinstance(changed, click.Group):
        changed.commands = {
            name: with_environment(each, (*path, name)) for name, each in changed.commands.items()
        }
    return changed


def _with_environment(parameter: click.Parameter, path: tuple[str, ...]) -> click.Parameter:
    if not isinstance(parameter, click.Option) or not parameter.expose_value:
        return parameter
    names = [name for name in parameter.opts if name.startswith("--")] or parameter.opts
    option = names[0].lstrip("-")
    changed = copy.copy(parameter)
    changed.envvar = [_variable(*path, option), _variable(option)]
    return changed


def _variable(*names: str) -> str:
    return "_".join([PREFIX, *names]).upper().replace("-", "_")


@click.group(
    cls=EnvironmentGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Each option can be given as an environment variable: MOCKPANEL_SERVE_PORT or"
    " MOCKPANEL_PORT for `serve --port`. The command line wins, then the longer name.",
)
@click.version_option(package_name="mockpanel", prog_name="mockpanel")
def main() -> None:
    """Test what Segment sends to Mixpanel, on your own machine."""
