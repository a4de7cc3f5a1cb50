"""The pipeline of one source: translation, spool, sender, and the thread that delivers."""

import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from translator.core.operations import Json
from translator.core.properties.mapping import STANDARD, PropertyMap
from translator.core.rules import Rules
from translator.core.settings import Settings
from translator.gateway.delivery.delivery_queue import DeliveryQueue
from translator.gateway.delivery.observer import Observer
from translator.gateway.delivery.recent_messages import RecentMessages
from translator.gateway.intake.intake import Intake
from translator.gateway.translation.source_translation import SourceTranslation
from translator.sender.books.dead_letters import DeadLetters
from translator.sender.books.ledger import AnySpool, Ledger, Report
from translator.sender.books.memory_spool import MemorySpool
from translator.sender.books.spool import Spool
from translator.sender.commands.delivery_setup import dead_letters_beside
from translator.sender.deliver import Sender
from translator.sender.dispatch.alias_hold import HOLD_SECONDS, AliasPolicy
from translator.sender.dispatch.retry import RetryPolicy
from translator.sender.http.destination_guard import HOSTS
from translator.sender.queue.payload_text import encode

REMEMBERED_IN_MEMORY = 500_000
"""Maximum number of messages that a spool in memory remembers for deduplication."""

RETRY = RetryPolicy(gives_up=False)
"""While Mixpanel is down operations wait in the spool and are not given up."""


def print_loss(loss: Json) -> None:
    """Print a loss on the error stream.

    If that stream is closed, only the dead letters have the loss.
    """
    with suppress(OSError, ValueError):
        sys.stderr.write(encode(loss).decode() + "\n")


@dataclass(frozen=True)
class DeliveryOptions:
    """The options of translation and delivery, common to all sources.

    `base_urls` maps a host to the base URL that replaces it. `spool` and `dead_letters` are files;
    without `spool` messages are kept in memory. `now` gives seconds since 1970.
    """

    base_urls: Mapping[str, str]
    rules: Rules
    mapping: PropertyMap = STANDARD
    live: bool = False
    allowed: Collection[str] = ()
    alias: AliasPolicy = AliasPolicy.HOLD
    hold: float = HOLD_SECONDS
    workers: int = 1
    spool: Path | None = None
    dead_letters: Path | None = None
    recent: RecentMessages | None = None
    report: Report = print_loss
    now: Callable[[], float] = time.time


class Pipeline:
    """Open it with `start`; `finish` and `close` end it.

    `name` identifies the source, and is part of the names of its files if it is not empty. Raises
    DestinationError if an operation has no permitted destination, SpoolError if the spool cannot
    be used.
    """

    def __init__(self, name: str, settings: Settings, options: DeliveryOptions) -> None:
        self.name = name
        self._options = options
        self.translation = self._translation(settings)
        """Translates the messages of this source."""
        spool = options.spool
        if spool is not None and name:
            spool = spool.with_name(f"{spool.name}.{name}")
        with ExitStack() as stack:
            self.sender = stack.enter_context(
                Sender(
                    options.base_urls,
                    settings.apiSecret or None,
                    live=options.live,
                    allowed=options.allowed,
                    retry=RETRY,
                    alias=options.alias,
                    hold=options.hold,
                    workers=options.workers,
                    now=options.now,
                )
            )
            self.url = self.sender.base_url(self.translation.compiled.host)
            dead = DeadLetters(options.dead_letters or dead_letters_beside(spool))
            self.spool: AnySpool = MemorySpool() if spool is None else Spool(spool)
            stack.callback(self.spool.close)
            for host in sorted(self.spool.hosts() & HOSTS):
                self.sender.base_url(host)
            self.ledger = Ledger(
                self.sender.preparation, options.report, spool=self.spool, dead_letters=dead
            )
            self.observer = Observer(name, options.recent)
            self.delivery = DeliveryQueue(
                self.sender,
                self.ledger,
                self.spool,
                self.observer,
                remembered=REMEMBERED_IN_MEMORY if spool is None else None,
            )
            self.intake = Intake(
                self.sender,
                self.ledger,
                self.spool,
                self.delivery,
                self.observer,
            )
            self._opened = stack.pop_all()
        self._settings = settings
        self._left = False
        self.failure: str | None = None
        """The reason why delivery has stopped, else None."""
        self._thread = threading.Thread(target=self._deliver, name="delivery", daemon=True)

    def check(self, settings: Settings) -> None:
        """Raise DestinationError if `change` would."""
        self.sender.base_url(self._translation(settings).compiled.host)

    def change(self, settings: Settings) -> None:
        """Use other settings from now on. What was translated before is delivered unchanged."""
        if settings == self._settings:
            return
        translation = self._translation(settings)
        self.sender.base_url(translation.compiled.host)
        self.sender.use_secret(settings.apiSecret or None)
        self._settings, self.translation = settings, translation

    def start(self) -> None:
        """Begin to store and to deliver."""
        self.intake.start()
        self._thread.start()

    def delivers(self) -> bool:
        """Whether the thread of delivery is running."""
        return self._thread.is_alive()

    def finish(self, seconds: float) -> bool:
        """Accept nothing more; whether everything accepted got its result within the time."""
        self.intake.close()
        self._thread.join(seconds)
        self._left = self._thread.is_alive()
        return not self._left and self.failure is None

    def close(self) -> None:
        """Close the files and connections."""
        self._opened.close()

    def _translation(self, settings: Settings) -> SourceTranslation:
        options = self._options
        return SourceTranslation(
            settings,
            options.rules,
            options.mapping,
            options.base_urls,
            live=options.live,
            allowed=options.allowed,
        )

    def _deliver(self) -> None:
        try:
            if self.spool.interrupted:
                self.sender.rest(after_crash=True)
            self.ledger.export_left_behind()
            self.sender.run(self.delivery)
            self.sender.rest()
        except Exception as error:
            # /healthz then says so; what is in a spool file is not lost.
            self.failure = f"delivery has stopped: {error!r:.300}"
            if not self._left:
                self._options.report({"error": self.failure})
