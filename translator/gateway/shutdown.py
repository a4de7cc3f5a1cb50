"""The end of the gateway: deliver the accepted messages, print the counts, and exit."""

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import click

from translator.core.operations import Json
from translator.gateway.http.app import log
from translator.gateway.sources.pipeline import Pipeline, print_loss
from translator.sender.logs import LogEvent
from translator.sender.queue.payload_text import encode


def drain_and_exit(pipelines: list[Pipeline], seconds: float, spool: Path | None) -> None:
    """Deliver all accepted messages, print the counts, and exit."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # a second signal ends the process at once
    log.info(LogEvent("drain", waiting=_waiting(pipelines), seconds=seconds))
    until = time.monotonic() + seconds
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
        # Exit as after a crash: a response may take half a minute, and the next run must know that
        # it was not received.
        os._exit(1)
    sys.exit(1 if any(each.ledger.account.lost for each in pipelines) else 0)


def _waiting(pipelines: list[Pipeline]) -> int:
    return sum(each.delivery.waiting for each in pipelines)
