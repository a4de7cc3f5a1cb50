"""The `gateway` command: the server, the sender beside it, and how both end."""

import signal
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import click
from waitress.server import TcpWSGIServer, create_server

from translator.bulk import translate_line
from translator.gateway.app import create_app
from translator.gateway.intake import Intake
from translator.operations import Json, Result
from translator.options import RULE_SETS, read_mapping, read_settings, usage_error
from translator.plan import plan_for
from translator.sender.batching import encode
from translator.sender.cli import delivery_options, spool_option
from translator.sender.dead_letters import DeadLetters
from translator.sender.deliver import Sender
from translator.sender.dispatch import Alias
from translator.sender.ledger import Ledger
from translator.sender.live import DestinationError, base_urls
from translator.sender.retry import RetryPolicy
from translator.sender.spool import Spool, SpoolError

THREADS = 8


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
    settings_file: Path,
    rule_set: str,
    mapping_file: Path | None,
    base_url: str | None,
    eu_base_url: str | None,
    live: bool,
    spool: Path | None,
    dead_letters: Path | None,
    alias: str,
    alias_hold: float,
    workers: int,
    host: str,
    port: int,
    write_keys: tuple[str, ...],
    drain: float,
) -> None:
    """Take calls from Segment's SDKs, translate them in cloud mode and deliver them.

    Prints its address, each loss on the error stream, and in the end one JSON object that accounts
    for every message. A signal to terminate lets it deliver what it has taken in; what is not
    delivered after --drain seconds stays in the spool file.

    Exit status: 0 if nothing was lost, 1 if something was, 2 for wrong usage.
    """
    settings = read_settings(settings_file)
    plan = plan_for(settings, RULE_SETS[rule_set](), read_mapping(mapping_file))

    def translate(line: bytes) -> Result:
        return translate_line(line, plan, int(time.time() * 1000))

    if dead_letters is None and spool is not None:
        dead_letters = spool.with_name(spool.name + ".dead")
    with ExitStack() as stack:
        sender = stack.enter_context(
            Sender(
                base_urls(base_url, eu_base_url),
                settings.apiSecret or None,
                live=live,
                # While Mixpanel is down nothing is given up: it waits in the spool.
                retry=RetryPolicy(gives_up=False),
                alias=Alias(alias),
                hold=alias_hold,
                workers=workers,
            )
        )
        try:
            sender.base_url(plan.host)
            kept = stack.enter_context(Spool(spool or ":memory:"))
        except (DestinationError, SpoolError) as error:
            usage_error(str(error))
        dead = DeadLetters(dead_letters)
        stack.callback(dead.close)
        ledger = Ledger(sender, _report, spool=kept, dead_letters=dead)
        intake = Intake(sender, ledger, kept, translate)
        delivery = Delivery(sender, intake, after_crash=kept.interrupted)
        app = create_app(intake, time.time, write_keys=write_keys, alive=delivery.alive)
        done = _serve(app, host, port, delivery, drain)
        click.echo(encode(intake.counts()).decode())
        if not done:
            where = f"they stay in {spool}" if spool else "without a spool file they are lost"
            _report({"error": f"{intake.waiting()} operations are not delivered; {where}"})
        sys.exit(0 if done and not ledger.account.lost else 1)


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
        click.echo(f"http://{host}:{server.socket.getsockname()[1]}")
        sys.stdout.flush()
        server.run()  # returns when a signal has come
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
    server.close()
    return delivery.finish(drain)


def _report(loss: Json) -> None:
    click.echo(encode(loss).decode(), err=True)
