"""Run the gateway: open its sources, serve until a signal, deliver the rest, print the counts."""

import asyncio
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import click

from translator.core.settings import Settings
from translator.core.values.user_agent import browser
from translator.garbage_collection import rare_collection
from translator.gateway.delivery.recent_messages import RecentMessages
from translator.gateway.http.app import Gateway, log
from translator.gateway.http.server import address_of, serve
from translator.gateway.http.tls import Certificate
from translator.gateway.messages.segment_limits import LIMITS
from translator.gateway.shutdown import drain_and_exit
from translator.gateway.sources.pipeline import DeliveryOptions, Pipeline
from translator.gateway.sources.sources import Sources, SourcesError
from translator.gateway.startup import (
    SecretRedactor,
    check_files,
    delivery_options,
    listening_socket,
    tls_certificate,
    visitor_address,
)
from translator.gateway.translation.pool import TranslationPool
from translator.options import read_settings
from translator.sender.commands.delivery_setup import usage_errors
from translator.sender.logs import LogEvent, logging_to
from translator.sender.logs import log as delivery_log

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
    check_files(settings_file, sources_file, options["mapping_file"], spool, dead_letters)
    settings = read_settings(settings_file) if settings_file else None
    redact = SecretRedactor(settings, write_keys)
    messages = RecentMessages(redact)
    if recent:
        recent(messages)
    delivery = delivery_options(options, spool, dead_letters, messages)
    visitors = visitor_address(trusted_proxies)
    with ExitStack() as stack:
        certificate = tls_certificate(stack, host, options)
        stack.enter_context(logging_to(sys.stderr, log_level, redact=redact))
        running: list[Pipeline] = []
        sources = _open_sources(stack, delivery, running, settings, write_keys, sources_file)
        redact.sources = sources
        with usage_errors(SourcesError):
            sources.load()
        listening = stack.enter_context(listening_socket(host, port))
        pool = TranslationPool(processes)
        application = partial(
            Gateway,
            *(sources, time.time),
            limits=LIMITS[limits],
            visitors=visitors,
            recent=messages,
            pool=pool,
        )
        address = address_of(listening, host, certificate)
        ready = partial(_print_address, address, certificate, announce)
        _serve(application, listening, certificate, ready, sources, pool)
        drain_and_exit(running, drain, spool)


def _serve(
    application: Callable[[], Gateway],
    listening: socket.socket,
    certificate: Certificate | None,
    on_ready: Callable[[], None],
    sources: Sources,
    pool: TranslationPool,
) -> None:
    """Serve until a signal arrives. The sources are read again on a hangup and when they change."""

    async def background() -> None:
        await asyncio.gather(_watch(sources), pool.run())

    browser("Mozilla/5.0")  # compiles the patterns, which takes half a second, before a call
    with rare_collection():
        serve(
            application,
            listening,
            certificate,
            on_ready=on_ready,
            background=background,
            on_hangup=lambda: sources.reload(always=True),
        )


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

    with usage_errors(SourcesError):
        default = opened("", settings) if settings else None
        if default:
            start(default)
        return Sources(default, write_keys=write_keys, file=file, make=opened, start=start)


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


async def _watch(sources: Sources) -> None:
    """Read the file of sources again when it changes."""
    while True:
        await asyncio.sleep(RELOAD_SECONDS)
        sources.reload()


def _log_opened(pipeline: Pipeline, options: DeliveryOptions) -> None:
    said = {"source": pipeline.name} if pipeline.name else {}
    how = {"alias": options.alias.value, "workers": options.workers, "live": options.live}
    delivery_log.info(LogEvent("start", to=pipeline.url, **how, **said))
    waiting, crashed = pipeline.spool.waiting(), pipeline.spool.interrupted
    if waiting or crashed:
        level = delivery_log.warning if crashed else delivery_log.info
        level(LogEvent("resumed", after_crash=crashed, operations=waiting, **said))
