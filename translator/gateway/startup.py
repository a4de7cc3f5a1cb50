"""Prepares the start of the gateway: checks options, makes a certificate, opens the socket.

Wrong usage ends the program with status 2.
"""

import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from errno import EADDRINUSE
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from translator.core.settings import Settings
from translator.gateway.delivery.recent_messages import RecentMessages
from translator.gateway.http.server import listen
from translator.gateway.http.tls import Certificate, TlsError, make_certificate
from translator.gateway.messages.visitor_address import ProxyError, VisitorAddress, networks
from translator.gateway.sources.pipeline import DeliveryOptions
from translator.gateway.sources.sources import Sources
from translator.options import RULE_SETS, check_distinct, read_mapping, usage_error
from translator.sender.commands.delivery_setup import checked_hosts
from translator.sender.dispatch.alias_hold import AliasPolicy
from translator.sender.http.destination_guard import base_urls
from translator.sender.redaction import Redactor


def check_files(
    settings: Path | None,
    sources: Path | None,
    mapping: Path | None,
    spool: Path | None,
    dead_letters: Path | None,
) -> None:
    """Check that settings or sources are given, and that no file is given twice."""
    if settings is None and sources is None:
        usage_error("give --settings, --sources, or both")
    check_distinct(
        {
            "--settings": settings,
            "--sources": sources,
            "--mapping": mapping,
            "--spool": spool,
            "--dead-letters": dead_letters,
        }
    )


def visitor_address(trusted_proxies: tuple[str, ...]) -> VisitorAddress:
    """The finder of visitors' addresses behind these proxies."""
    try:
        return VisitorAddress(networks(trusted_proxies))
    except ProxyError as error:
        usage_error(f"--trusted-proxy: {error}")


def delivery_options(
    options: Mapping[str, Any],
    spool: Path | None,
    dead_letters: Path | None,
    recent: RecentMessages,
) -> DeliveryOptions:
    """The options of the delivery of every source, from those of the command."""
    return DeliveryOptions(
        base_urls(options["base_url"], options["eu_base_url"]),
        RULE_SETS[options["rule_set"]](),
        read_mapping(options["mapping_file"]),
        live=options["live"],
        allowed=checked_hosts(options["allowed_names"]),
        alias=AliasPolicy(options["alias"]),
        hold=options["alias_hold"],
        workers=options["workers"],
        spool=spool,
        dead_letters=dead_letters,
        recent=recent,
    )


def listening_socket(host: str, port: int) -> socket.socket:
    """The listening socket; if the port is not available, end the program with status 1."""
    try:
        return listen(host, port)
    except OSError as error:
        hint = "; give another --port, or 0 for a free port" if error.errno == EADDRINUSE else ""
        click.echo(f"Error: cannot listen on {host} port {port}: {error}{hint}", err=True)
        sys.exit(1)


class SecretRedactor:
    """Hides the secrets of the settings, of the sources as they are now, and the write keys."""

    def __init__(self, settings: Settings | None, write_keys: tuple[str, ...]) -> None:
        secrets = [*write_keys, *([settings.apiSecret] if settings else [])]
        self._own = Redactor(secrets, [settings.token] if settings else [])
        self.sources: Sources | None = None

    def __call__(self, text: str) -> str:
        text = self._own(text)
        return self.sources.redact(text) if self.sources else text


def tls_certificate(stack: ExitStack, host: str, options: dict[str, Any]) -> Certificate | None:
    """The certificate of the TLS options; wrong usage ends the program with status 2."""
    tls, chain, key, authority = (
        options.pop(name) for name in ("tls", "tls_cert", "tls_key", "tls_ca")
    )
    if not (tls or chain or key or authority):
        return None
    if (chain is None) != (key is None):
        usage_error("--tls-cert and --tls-key go together; give both, or --tls alone")
    if chain and authority:
        usage_error("--tls-ca goes with --tls only; omit it with --tls-cert")
    try:
        if chain and key:
            given = Certificate(chain, key)
            given.check()
            return given
        folder = Path(stack.enter_context(TemporaryDirectory()))
        return make_certificate(folder, host, authority)
    except TlsError as error:
        usage_error(str(error))
