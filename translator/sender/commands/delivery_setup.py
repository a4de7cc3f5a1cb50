"""Opens what every command that delivers needs: a sender, a spool, dead letters."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from translator.bulk import translate_line
from translator.core.compiled_settings import compile_settings
from translator.core.operations import Result
from translator.options import RULE_SETS, read_mapping, read_settings, usage_error
from translator.sender.books.dead_letters import DeadLetters
from translator.sender.books.spool import Spool
from translator.sender.books.spool_database import SpoolError
from translator.sender.deliver import Sender
from translator.sender.dispatch.alias_hold import AliasPolicy
from translator.sender.dispatch.retry import RetryPolicy
from translator.sender.http.destination_guard import (
    HOSTS,
    DestinationError,
    allowed_hosts,
    base_urls,
)
from translator.sender.logs import LogEvent, log, logging_to


class Opened(NamedTuple):
    """The parts of a delivery. `host` is that of the settings; `translate` takes a line."""

    host: str
    translate: Callable[[bytes], Result]
    sender: Sender
    spool: Spool | None
    dead_letters: DeadLetters


@contextmanager
def open_delivery(
    spool: Path | str | None,
    *,
    settings_file: Path,
    rule_set: str,
    mapping_file: Path | None,
    base_url: str | None,
    eu_base_url: str | None,
    live: bool,
    allowed_names: Iterable[str],
    dead_letters: Path | None,
    alias: str,
    alias_hold: float,
    workers: int,
    log_level: str,
    write_keys: Iterable[str] = (),
    now: Callable[[], float] = time.time,
    retry: RetryPolicy | None = None,
) -> Iterator[Opened]:
    """Open what the options of a command (`delivery_options`) describe, until the block ends.

    `spool` is a file, or None for no spool. Wrong usage ends the program with status 2, before
    anything is sent. The log goes to the error stream, without the project's secrets and the
    `write_keys` of a gateway. `now` gives the time in seconds since 1970.
    """
    settings = read_settings(settings_file)
    compiled = compile_settings(settings, RULE_SETS[rule_set](), read_mapping(mapping_file))

    def translate(line: bytes) -> Result:
        return translate_line(line, compiled, int(now() * 1000))

    allowed = checked_hosts(allowed_names)
    with ExitStack() as stack:
        secrets, tokens = (settings.apiSecret, *write_keys), [settings.token]
        stack.enter_context(logging_to(sys.stderr, log_level, secrets=secrets, tokens=tokens))
        sender = stack.enter_context(
            Sender(
                base_urls(base_url, eu_base_url),
                settings.apiSecret or None,
                live=live,
                allowed=allowed,
                retry=retry,
                alias=AliasPolicy(alias),
                hold=alias_hold,
                workers=workers,
                now=now,
            )
        )
        with usage_errors():
            url = sender.base_url(compiled.host)
            if isinstance(spool, Path) and not spool.parent.is_dir():
                usage_error(f"--spool {spool}: there is no folder {spool.parent}; make it first")
            dead = DeadLetters(dead_letters or dead_letters_beside(spool))
            kept = stack.enter_context(Spool(spool)) if spool else None
            for host in sorted(kept.hosts() & HOSTS) if kept else ():
                sender.base_url(host)
        log.info(LogEvent("start", to=url, alias=alias, workers=workers, live=live))
        if kept:
            _log_resumed(kept)
        yield Opened(compiled.host, translate, sender, kept, dead)


def checked_hosts(names: Iterable[str]) -> frozenset[str]:
    """The hosts of `--allow-host`; wrong usage ends the program with status 2."""
    try:
        return allowed_hosts(names)
    except DestinationError as error:
        usage_error(f"--allow-host: {error}")


@contextmanager
def usage_errors(*others: type[Exception]) -> Iterator[None]:
    """End the program with status 2 if a destination or file cannot be used, or for `others`."""
    errors: tuple[type[Exception], ...] = (DestinationError, SpoolError, *others)
    try:
        yield
    except errors as error:
        usage_error(str(error))
    except OSError as error:
        usage_error(f"cannot write dead letters to {error.filename}: {error.strerror}")


def _log_resumed(spool: Spool) -> None:
    waiting = spool.waiting()
    if waiting or spool.interrupted:
        level = logging.WARNING if spool.interrupted else logging.INFO
        log.log(level, LogEvent("resumed", after_crash=spool.interrupted, operations=waiting))


def dead_letters_beside(spool: Path | str | None) -> Path | None:
    """The default file of dead letters: beside the spool's file; None without one."""
    return spool.with_name(spool.name + ".dead") if isinstance(spool, Path) else None
