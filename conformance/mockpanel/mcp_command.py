"""The command `mockpanel mcp`."""

import click

from translator.sender.http.destination_guard import (
    DestinationError,
    allowed_hosts,
    checked_base_url,
)


@click.command()
@click.option(
    "--url", default="http://127.0.0.1:8080", show_default=True, help="The address of the mock."
)
@click.option("--write", is_flag=True, help="Add tools that change the clock and the faults.")
@click.option("--control-token", help="Control token of a mock on another machine.")
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="Allow this machine's name in --url.",
)
def mcp(url: str, write: bool, control_token: str | None, names: tuple[str, ...]) -> None:
    """Serve tools for AI assistants over standard input and output (Model Context Protocol).

    The tools search requests, explain rejections and splits, show people, run scenarios and compare
    mappings. They change nothing unless --write is given. Needs the extra `mcp`.
    """
    try:
        from conformance.mockpanel.assistant import ControlApi, assistant_server
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is not installed: pip install 'mockpanel[mcp]'"
        ) from error
    try:
        address = checked_base_url(url, live=False, allowed=allowed_hosts(names))
    except DestinationError as error:
        raise click.BadParameter(str(error), None, None, "'--url'") from error
    assistant_server(ControlApi(address, control_token), write=write).run()
