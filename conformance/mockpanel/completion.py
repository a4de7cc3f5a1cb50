"""The command `mockpanel completion`."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    For bash: `eval "$(mockpanel completion bash)"`; the same for zsh. For fish:
    `mockpanel completion fish | source`.
    """
    kind = get_completion_class(shell)
    assert kind is not None, "click knows the three shells"
    group = ctx.find_root().command
    click.echo(kind(group, {}, "mockpanel", "_MOCKPANEL_COMPLETE").source(), nl=False)
