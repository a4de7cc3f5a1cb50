"""`mockpanel up`: a local Mixpanel and a gateway before it, started together."""

import json
import shlex
from errno import EADDRINUSE
from pathlib import Path
from typing import Any

import click

from mock_mixpanel import Config, Server
from mock_mixpanel.log.stores import StoreError, open_store
from mock_mixpanel.projects.config import Project
from translator.core.settings import Settings
from translator.gateway.cli import gateway
from translator.gateway.delivery.recent_messages import RecentMessages
from translator.gateway.run import run_gateway
from translator.options import read_settings, settings_option

PAGE = "/_mock/ui/"
PORT = click.IntRange(0, 65535)
FIRST_CALLS: tuple[tuple[str, dict[str, object]], ...] = (
    ("identify", {"userId": "ann", "traits": {"email": "ann@example.com", "plan": "pro"}}),
    ("track", {"userId": "ann", "event": "First Event", "properties": {"from": "the terminal"}}),
)
"""Calls to paste: an identify call and an event."""


@click.command()
@settings_option
@click.option(
    "--port", type=PORT, default=8080, show_default=True, help="Port of the mock; 0: a free port."
)
@click.option(
    "--gateway-port",
    type=PORT,
    default=8090,
    show_default=True,
    help="Port of the gateway; 0: a free port.",
)
@click.option(
    "--alias-delay",
    type=click.FloatRange(0, 86400),
    default=1.0,
    show_default=True,
    help="Seconds until an alias takes effect in the mock.",
)
@click.option(
    "--store",
    "store_url",
    default="memory:",
    show_default=True,
    metavar="URL",
    help="Where the mock stores requests: memory:, folder:path, or a database such as"
    " sqlite:///file.",
)
@click.option(
    "--spool",
    type=click.Path(dir_okay=False, path_type=Path),
    help="SQLite file that keeps messages until they are delivered, even after a crash.",
)
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def up(
    settings_file: Path,
    port: int,
    gateway_port: int,
    alias_delay: float,
    store_url: str,
    spool: Path | None,
    open_page: bool,
) -> None:
    """Start a mock of Mixpanel, and a gateway for Segment's SDKs that delivers to it.

    Prints the address of the page, of the gateway and of the mock, and two example commands. Ctrl-C
    stops both: the gateway first delivers the messages that it has accepted, and then prints the
    counts of all messages.
    """
    settings = read_settings(settings_file)
    try:
        store = open_store(store_url)
    except StoreError as error:
        raise click.BadParameter(str(error), None, None, "'--store'") from error
    config = Config(projects=(project_of(settings, alias_delay),), alias_delay=alias_delay)
    recent: list[RecentMessages] = []

    def read_messages(limit: int, before: int | None) -> dict[str, Any]:
        """The gateway's latest messages, for the page; none until the gateway runs."""
        return recent[0].page(limit, before) if recent else {"messages": [], "next": None}

    server = Server(config, store=store, port=port, eu_port=0, messages=read_messages)
    try:
        server.start()
    except OSError as error:
        store.close()
        hint = "; give another --port, or 0 for a free port" if error.errno == EADDRINUSE else ""
        raise click.ClickException(f"cannot listen on port {port}: {error}{hint}") from error
    page = f"{server.urls['us']}{PAGE}"

    def announce(address: str) -> None:
        for line in lines(page, address, server.urls):
            click.echo(line)
        if open_page:
            click.launch(page)

    words = ["--settings", str(settings_file), "--port", str(gateway_port)]
    words += ["--base-url", server.urls["us"], "--eu-base-url", server.urls["eu"]]
    words += ["--spool", str(spool)] if spool else []
    try:
        with gateway.make_context("gateway", words) as context:
            run_gateway(**context.params, announce=announce, recent=recent.append)
    finally:
        server.stop()
        store.close()


def project_of(settings: Settings, alias_delay: float) -> Project:
    """The mock's project for settings of the destination; `alias_delay` is in seconds."""
    return Project(
        settings.token,
        secret=settings.apiSecret or None,
        region="eu" if settings.enableEuropeanUnionEndpoint else "us",
        alias_delay=alias_delay,
    )


def lines(page: str, gateway_url: str, mock_urls: dict[str, str]) -> list[str]:
    """The lines that `up` prints when mock and gateway are ready."""
    return [
        f"page     {page}",
        f"gateway  {gateway_url}",
        f"mock     {mock_urls['us']}  (EU: {mock_urls['eu']})",
        "",
        "Send a first person and a first event:",
        *(f"  {first_call(gateway_url, *call)}" for call in FIRST_CALLS),
        "",
        "Press Ctrl+C to stop.",
    ]


def first_call(gateway_url: str, name: str, message: dict[str, object]) -> str:
    """A command that sends one call to the gateway."""
    words = ["curl", f"{gateway_url}/v1/{name}", "-u", "any-write-key:"]
    words += ["-H", "Content-Type: application/json", "-d", json.dumps(message)]
    return shlex.join(words)
