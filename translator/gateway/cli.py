"""The `gateway` command: the server, the sender beside it, and how both end."""

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import click
from waitress.server import TcpWSGIServer, create_server

from translator.core.operations import Json
from translator.gateway.app import create_app, log
from translator.gateway.intake import Intake
from translator.sender.books.ledger import Ledger
from translator.sender.commands.cli import delivery_options, spool_option
from translator.sender.commands.delivery_setup import IN_MEMORY, open_delivery
from translator.sender.commands.progress import write_line
from translator.sender.deliver import Sender
from translator.sender.dispatch.batching import encode
from translator.sender.dispatch.retry import RetryPolicy
from translator.sender.logs import LogEvent

THREADS = 8

RETRY = RetryPolicy(gives_up=False)
"""While Mixpanel is down nothing is given up: it waits in the spool."""


@click.command()
@delivery_options
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
    help="A write key to accept; may be repeated.  [default: all]",
)
@click.option(
    "--drain",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to deliver what is there after a signal to end.",
)
def gateway(
    spool: Path | None,
    host: str,
    port: int,
    write_keys: tuple[str, ...],
    drain: float,
    **options: Any,
) -> None:
    """Take calls from Segment's SDKs, translate them in cloud mode and deliver them.

    Prints its address, each loss on the error stream, and in the end one JSON object that accounts
    for every message. A signal to terminate lets it deliver what it has taken in; what is not
    delivered after --drain seconds stays in the spool file.

    Exit status: 0 if nothing was lost, 1 if something was, 2 for wrong usage.
    """
    with open_delivery(spool or IN_MEMORY, retry=RETRY, write_keys=write_keys, **options) as opened:
        kept, sender = opened.spool, opened.sender
        assert kept is not None, "it is in a file or in memory"
        ledger = Ledger(sender, _report, spool=kept, dead_letters=opened.dead_letters)
        intake = Intake(sender, ledger, kept, opened.translate)
        delivery = Delivery(sender, intake, after_crash=kept.interrupted)
        app = create_app(intake, time.time, write_keys=write_keys, alive=delivery.alive)
        done = _serve(app, host, port, delivery, drain)
        counts = intake.counts()
        log.info(LogEvent("stop", waiting=intake.waiting(), **counts))
        click.echo(encode(counts).decode())
        if not done:
            where = f"they stay in {spool}" if spool else "without a spool file they are lost"
            _report({"error": f"{intake.waiting()} operations are not delivered; {where}"})
            # As after a crash: an answer may be half a minute away, and the next run must know that
            # one was not heard.
            os._exit(1)
        sys.exit(1 if ledger.account.lost else 0)


class Delivery:
    """The sender in a thread of its own."""

    def __init__(self, sender: Sender, intake: Intake, *, after_crash: bool) -> None:
        self._sender = sender
        self._intake = intake
        self._after_crash = after_crash
        self._left = False
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self.failed = False

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def alive(self) -> bool:
        """Whether it is at work."""
        return self._thread.is_alive()

    def waiting(self) -> int:
        """How many operations it has not delivered yet."""
        return self._intake.waiting()

    def finish(self, seconds: float) -> bool:
        """Take in nothing more; whether all that was taken in has its verdict within the time."""
        self._intake.close()
        self._thread.join(seconds)
        self._left = self._thread.is_alive()
        return not self._left and not self.failed

    def _run(self) -> None:
        try:
            if self._after_crash:
                self._sender.rest(after_crash=True)
            self._sender.run(self._intake)
            self._sender.rest()
        except Exception as error:
            # The gateway then says so on /healthz; what is in a spool file is not lost.
            self.failed = True
            if self._left:
                return
            _report({"error": f"delivery has stopped: {error!r:.300}"})


def _serve(app: Any, host: str, port: int, delivery: Delivery, drain: float) -> bool:
    """Serve until a signal comes, then drain; whether that came to its end."""
    try:
        server = create_server(app, host=host, port=port, threads=THREADS, ident=None)
    except OSError as error:
        click.echo(f"Error: cannot listen on {host} port {port}: {error}", err=True)
        sys.exit(1)

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit

    assert isinstance(server, TcpWSGIServer), "one host has one socket"
    assert server.socket is not None, "it listens"
    delivery.start()
    # A signal may come before the server itself listens to them.
    with suppress(SystemExit):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        address = f"http://{host}:{server.socket.getsockname()[1]}"
        log.info(LogEvent("listening", address=address))
        click.echo(address)
        sys.stdout.flush()
        server.run()  # returns when a signal has come
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
    server.close()
    log.info(LogEvent("drain", waiting=delivery.waiting(), seconds=drain))
    return delivery.finish(drain)


def _report(loss: Json) -> None:
    write_line(encode(loss).decode(), sys.stderr)
