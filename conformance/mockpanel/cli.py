"""The command line: `mockpanel`.

A command is imported only when it is used: `mockpanel translate` does not load the mock.
"""

import copy
from difflib import get_close_matches
from importlib import import_module

import click
from click.shell_completion import get_completion_class

COMMANDS = {
    "serve": ("mock_mixpanel.cli:serve", "Run a local Mixpanel."),
    "translate": ("translator.cli:translate", "Translate Segment messages to operations."),
    "send": ("translator.cli:send", "Translate Segment messages and deliver them."),
    "resend": ("translator.cli:resend", "Deliver dead letters again."),
    "gateway": ("translator.cli:gateway", "Run a Segment-compatible HTTP API that delivers."),
    "engage": ("translator.cli:engage", "Compute traits and audiences as Segment Engage does."),
    "run": ("conformance.cli:run", "Replay scenarios against a translator."),
    "list": ("conformance.cli:list_scenarios", "List the scenarios."),
    "captures": ("conformance.cli:captures", "Replay the recordings only."),
    "coverage": ("conformance.cli:coverage", "Show what the scenarios cover."),
    "diff": ("conformance.cli:diff", "Show what a change does to a corpus."),
    "compare": ("conformance.cli:compare", "Show what changed between two runs."),
    "corpus": ("conformance.cli:corpus", "Make, redact and inspect corpora."),
    "mapping": ("translator.cli:mapping", "Print the mapping tables."),
    "reference": ("translator.cli:reference", "Print the translator's reference."),
    "api": ("mock_mixpanel.cli:api", "Print the mock's HTTP API."),
    "decisions": ("conformance.cli:decisions", "Print the project's decisions."),
    "schema": ("conformance.cli:schema", "Print the form of a scenario."),
}
"""Name of the command -> where it is defined, and its one-line help."""

PREFIX = "MOCKPANEL"


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order of the table."""
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name with its environment variables, or None."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return with_environment(command, (cmd_name,))

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
        """List the commands from the table, without importing them."""
        with formatter.section("Commands"):
            rows = [(name, text) for name, (_, text) in COMMANDS.items()]
            rows += [(name, each.get_short_help_str()) for name, each in self.commands.items()]
            formatter.write_dl(rows)


def with_environment(command: click.Command, path: tuple[str, ...]) -> click.Command:
    """A copy of a command in which each option can be given as an environment variable.

    Option `--eu-port` of `serve` reads `MOCKPANEL_SERVE_EU_PORT`, else `MOCKPANEL_EU_PORT`. The
    command line is stronger than both.
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
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Each option can be given as an environment variable: MOCKPANEL_SERVE_PORT or"
    " MOCKPANEL_PORT for `serve --port`. The command line is stronger, then the longer name.",
)
@click.version_option(package_name="mockpanel", prog_name="mockpanel")
def main() -> None:
    """Test what Segment sends to Mixpanel, on your own machine."""


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    For bash: `eval "$(mockpanel completion bash)"`; likewise for zsh. For fish:
    `mockpanel completion fish | source`.
    """
    kind = get_completion_class(shell)
    assert kind is not None, "click knows the three shells"
    script = kind(main, {}, "mockpanel", "_MOCKPANEL_COMPLETE").source()
    click.echo(script, nl=False)
