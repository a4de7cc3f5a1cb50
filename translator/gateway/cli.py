"""The `gateway` command: the server, the delivery beside it, and how both end."""

from pathlib import Path
from typing import Any

import click

from translator.gateway.messages.segment_limits import LIMITS
from translator.gateway.run import run_gateway
from translator.gateway.translation.pool import default_processes
from translator.options import (
    optional_settings_option,
)
from translator.sender.commands.cli import options_besides_settings, spool_option

PEM = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@optional_settings_option
@options_besides_settings
@spool_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8090,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--write-key",
    "write_keys",
    multiple=True,
    help="A write key that --settings are for; may be repeated.  [default: all others]",
)
@click.option(
    "--sources",
    "sources_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON or YAML object: write key -> settings, or the file of them. Read again when it "
    "changes.",
)
@click.option(
    "--limits",
    type=click.Choice(list(LIMITS)),
    default="segment",
    show_default=True,
    help="Segment's limits on sizes, numbers and ids, or none.",
)
@click.option(
    "--processes",
    type=click.IntRange(0, 64),
    default=default_processes,
    show_default="one less than processors, 3 at most",
    help="Processes that translate beside the main one.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="NETWORK",
    help="Believe X-Forwarded-For from this address or network; may be repeated.",
)
@click.option("--tls", is_flag=True, help="Speak https, with a certificate made for this run.")
@click.option("--tls-cert", type=PEM, help="Speak https with this certificate (PEM).")
@click.option("--tls-key", type=PEM, help="The key of --tls-cert (PEM).")
@click.option(
    "--tls-ca",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --tls: write the authority that clients must trust to this file.",
)
@click.option(
    "--drain",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to deliver accepted messages after a signal to end.",
)
def gateway(**options: Any) -> None:
    """Take calls from Segment's SDKs, translate them in cloud mode and deliver them.

    Prints its address, each loss on the error stream, and in the end one JSON object that accounts
    for every message. After SIGTERM it delivers what it has accepted; what is not
    delivered after --drain seconds stays in the spool file. SIGHUP reads --sources again.

    Exit status: 0 if nothing was lost, 1 if something was, 2 for wrong usage.
    """
    run_gateway(**options)
