"""The command `gateway`: its options and help."""

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
    help="Port to listen on; 0: a free port.",
)
@click.option(
    "--write-key",
    "write_keys",
    multiple=True,
    metavar="KEY",
    help="A write key for which --settings are used. May be repeated.  [default: every key that is"
    " not in --sources]",
)
@click.option(
    "--sources",
    "sources_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON or YAML file: an object with the settings, or the file of the settings, for each"
    " write key. It is read again when it changes.",
)
@click.option(
    "--limits",
    type=click.Choice(list(LIMITS)),
    default="segment",
    show_default=True,
    help="Apply Segment's limits on sizes, numbers and ids, or no limits.",
)
@click.option(
    "--processes",
    type=click.IntRange(0, 64),
    default=default_processes,
    show_default="one for each core but one, 3 at most",
    help="Number of processes that translate, besides the main process.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="NETWORK",
    help="Trust the X-Forwarded-For header of requests from this address or network. May be"
    " repeated.",
)
@click.option("--tls", is_flag=True, help="Use https with a certificate made for this run.")
@click.option("--tls-cert", type=PEM, help="Use https with this certificate (PEM).")
@click.option("--tls-key", type=PEM, help="The key of --tls-cert (PEM).")
@click.option(
    "--tls-ca",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --tls: where to write the certificate authority that clients must trust.  [default:"
    " a temporary file]",
)
@click.option(
    "--drain",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Maximum time to continue delivery after SIGTERM or Ctrl-C.",
)
def gateway(**options: Any) -> None:
    """Receive calls from Segment's SDKs and deliver them.

    The calls are translated in cloud mode. Prints its address, and at the end one JSON object with
    the counts of all messages. Prints each loss on the error stream. After SIGTERM or Ctrl-C it
    delivers the messages that it has accepted, for at most --drain seconds; the rest stays in the
    spool file. SIGHUP reads --sources again.

    Exit status: 0 if nothing was lost, 1 if a message was lost, 2 for wrong usage.
    """
    run_gateway(**options)
