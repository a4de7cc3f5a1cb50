"""Run the gateway: open its sources, serve until a signal, deliver the rest, print the counts."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from errno import EADDRINUSE
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from translator.core.operations import Json
from translator.core.settings import Settings
from translator.core.values.user_agent import browser
from translator.garbage_collection import rare_collection
from translator.gateway.delivery.recent_messages import RecentMessages
from translator.gateway.http.app import Gateway, log
from translator.gateway.http.server import address_of, listen, serve
from translator.gateway.http.tls import Certificate, TlsError, make_certificate
from translator.gateway.messages.segment_limits import LIMITS
from translator.gateway.messages.visitor_address import ProxyError, VisitorAddress, networks
from translator.gateway.sources.pipeline import DeliveryOptions, Pipeline, print_loss
from translator.gateway.sources.sources import Sources, SourcesError
from translator.gateway.translation.pool import TranslationPool
from translator.options import (
    RULE_SETS,
    check_distinct,
    read_mapping,
    read_settings,
    usage_error,
)
from translator.sender.books.spool_database import SpoolError
from translator.sender.dispatch.alias_hold import AliasPolicy
from translator.sender.http.destination_guard import DestinationError, allowed_hosts, base_urls
from translator.sender.logs import LogEvent, logging_to
from translator.sender.logs import log as delivery_log
from translator.sender.queue.payload_text import encode
from translator.sender.redaction import Redactor

RELOAD_SECONDS = 1.0
"""Seconds between two checks of the source files for changes."""


def run_gateway(
    settings_file: Path | None,
    sources_file: Path | None,
    spool: Path | None,
    dead_letters: Path | None,
    host: str,
    port: int,
    write_keys: tuple[str, ...],
    limits: str,
    processes: int,
    trusted_proxies: tuple[str, ...],
    drain: float,
    log_level: str,
    announce: Callable[[str], None] | None = None,
    recent: Callable[[RecentMessages], None] | None = None,
    **options: Any,
) -> None:
    """Run the gateway with the options of the command until a signal arrives; then exit.

    `announce` is called with the address once the gateway listens; without it the address is
    printed. `recent` is called with the store of recent messages, for a page that shows them.
    """
    if settings_file is None and sources_file is None:
        usage_error("give --settings, --sources, or both")
    check_distinct(
        {
            "--settings": settings_file,
            "--sources": sources_file,
            "--mapping": options["mapping_file"],
            "--spool": spool,
            "--dead-letters": dead_letters,
        }
    )
    settings = read_settings(settings_file) if settings_file else None
    redact = _Redact(settings, write_keys)
    messages = RecentMessages(redact)
    if recent:
        recent(messages)
    try:
        allowed = allowed_hosts(options["allowed_names"])
    except DestinationError as error:
        usage_error(f"--allow-host: {error}")
    try:
        visitors = VisitorAddress(networks(trusted_proxies))
    except ProxyError as error:
        usage_error(f"--trusted-proxy: {error}")
    with ExitStack() as stack:
        certificate = _certificate(stack, host, options)
        stack.enter_context(logging_to(sys.stderr, log_level, redact=redact))
        delivery = _delivery(options, allowed, spool, dead_letters, messages)
        running: list[Pipeline] = []
        sources = _open_sources(stack, delivery, running, settings, write_keys, sources_file)
        redact.sources = sources
        with _usage_errors():
            sources.load()
        listening = stack.enter_context(_listening(host, port))
        pool = TranslationPool(processes)

        def application() -> Gateway:
            return Gateway(
                sources,
                time.time,
                limits=LIMITS[limits],
                visitors=visitors,
                recent=messages,
                pool=pool,
            )

        async def background() -> None:
            await asyncio.gather(_watch(sources), pool.run())

        browser("Mozilla/5.0")  # compiles the patterns, which takes half a second, before a call
        with rare_collection():
            serve(
                application,
                listening,
                certificate,
                on_ready=lambda: _print_address(
                    address_of(listening, host, certificate), certificate, announce
                ),
                background=background,
                on_hangup=lambda: sources.reload(always=True),
            )
        _end(running, drain, spool)


def _open_sources(
    stack: ExitStack,
    delivery: DeliveryOptions,
    running: list[Pipeline],
    settings: Settings | None,
    write_keys: tuple[str, ...],
    file: Path | None,
) -> Sources:
    """The sources, with the pipeline of `settings` started; wrong usage ends the program.

    Each pipeline that starts, now or later, is added to `running` and closed with the stack.
    """

    def start(pipeline: Pipeline) -> None:
        stack.callback(pipeline.close)
        _log_opened(pipeline, delivery)
        pipeline.start()
        running.append(pipeline)

    def opened(name: str, chosen: Settings) -> Pipeline:
        return Pipeline(name, chosen, delivery)

    with _usage_errors():
        default = opened("", settings) if settings else None
        if default:
            start(default)
        return Sources(default, write_keys=write_keys, file=file, make=opened, start=start)


@contextmanager
def _usage_errors() -> Iterator[None]:
    """End the program with status 2 if a source or one of its files cannot be used."""
    try:
        yield
    except (DestinationError, SpoolError, SourcesError) as error:
        usage_error(str(error))
    except OSError as error:
        usage_error(f"cannot write dead letters to {error.filename}: {error.strerror}")


def _print_address(
    address: str, certificate: Certificate | None, announce: Callable[[str], None] | None
) -> None:
    """Log the address at which the gateway listens, and print or announce it."""
    log.info(LogEvent("listening", address=address))
    if announce:
        announce(address)
    else:
        click.echo(address)
    if certificate and certificate.authority:
        click.echo(f"ca {certificate.authority}")
    sys.stdout.flush()


def _delivery(
    options: Mapping[str, Any],
    allowed: frozenset[str],
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
        allowed=allowed,
        alias=AliasPolicy(options["alias"]),
        hold=options["alias_hold"],
        workers=options["workers"],
        spool=spool,
        dead_letters=dead_letters,
        recent=recent,
    )


def _listening(host: str, port: int) -> socket.socket:
    """The listening socket; if the port is not available, end the program with status 1."""
    try:
        return listen(host, port)
    except OSError as error:
        hint = "; give another --port, or 0 for a free port" if error.errno == EADDRINUSE else ""
        click.echo(f"Error: cannot listen on {host} port {port}: {error}{hint}", err=True)
        sys.exit(1)


class _Redact:
    """Hides the secrets of the settings, of the sources as they are now, and the write keys."""

    def __init__(self, settings: Settings | None, write_keys: tuple[str, ...]) -> None:
        secrets = [*write_keys, *([settings.apiSecret] if settings else [])]
        self._own = Redactor(secrets, [settings.token] if settings else [])
        self.sources: Sources | None = None

    def __call__(self, text: str) -> str:
        text = self._own(text)
        return self.sources.redact(text) if self.sources else text


async def _watch(sources: Sources) -> None:
    """Read the file of sources again when it changes."""
    while True:
        await asyncio.sleep(RELOAD_SECONDS)
        sources.reload()


def _certificate(stack: ExitStack, host: str, options: dict[str, Any]) -> Certificate | None:
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


def _log_opened(pipeline: Pipeline, options: DeliveryOptions) -> None:
    said = {"source": pipeline.name} if pipeline.name else {}
    how = {"alias": options.alias.value, "workers": options.workers, "live": options.live}
    delivery_log.info(LogEvent("start", to=pipeline.url, **how, **said))
    waiting, crashed = pipeline.spool.waiting(), pipeline.spool.interrupted
    if waiting or crashed:
        level = delivery_log.warning if crashed else delivery_log.info
        level(LogEvent("resumed", after_crash=crashed, operations=waiting, **said))


def _end(pipelines: list[Pipeline], drain: float, spool: Path | None) -> None:
    """Deliver all accepted messages, print the counts, and exit."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # a second signal ends the process at once
    log.info(
        LogEvent("drain", waiting=sum(each.delivery.waiting for each in pipelines), seconds=drain)
    )
    until = time.monotonic() + drain
    done = [each.finish(max(0.0, until - time.monotonic())) for each in pipelines]
    counts: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for each in pipelines:
        counts.update(each.intake.counts())
        codes.update(each.ledger.account.codes())
    account: Json = {**counts, **({"codes": dict(sorted(codes.items()))} if codes else {})}
    waiting = _waiting(pipelines)
    log.info(LogEvent("stop", waiting=waiting, **counts))
    click.echo(encode(account).decode())
    sys.stdout.flush()
    if not all(done):
        where = f"they stay in {spool}" if spool else "without a spool file they are lost"
        print_loss({"error": f"{waiting} operations are not delivered; {where}"})
        # As after a crash: a response may take half a minute, and the next run must know that
        # one was not heard.
        os._exit(1)
    sys.exit(1 if any(each.ledger.account.lost for each in pipelines) else 0)


def _waiting(pipelines: list[Pipeline]) -> int:
    return sum(each.delivery.waiting for each in pipelines)
