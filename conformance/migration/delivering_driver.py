"""A translator that sends its requests to Mixpanel itself, behind a driver that delivers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from conformance.errors import DriverBroken, UsageError
from conformance.migration.project import SECRET, TOKEN
from conformance.regression.sides.driver_side import MOST_BREAKS
from conformance.regression.sides.refs import Ref
from conformance.regression.sides.side import failure
from conformance.spec.scenarios.loading import Json
from conformance.targets.drivers.driver import Driver
from conformance.targets.protocol import Refused, TranslatorFailed, Unsupported
from mock_mixpanel import Config, Server
from translator.core.residency import HOSTS


@contextmanager
def running_server() -> Iterator[Server]:
    """A mock server on free ports of 127.0.0.1, until the context ends."""
    server = Server(Config(), port=0, eu_port=0, in_port=0)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def delivers(ref: Ref, settings: Json) -> bool:
    """Whether a REF is a driver that delivers. Raises UsageError if it refuses the settings."""
    if ref.command is None or ref.git is not None:
        return False
    with Driver(ref.command) as driver:
        try:
            return driver.start(settings, rules=ref.rules).does == "deliver"
        except (Refused, Unsupported) as error:
            raise UsageError(f"{ref.name} does not take the settings: {error}") from error
        except TranslatorFailed as error:
            raise UsageError(f"{ref.name} fails on the settings: {error}") from error


class DeliveringDriver:
    """Delivers messages one by one, so that each record can be traced to its message.

    The settings have the token and secret of the mock's project in place of their own.
    """

    def __init__(self, ref: Ref, server: Server) -> None:
        assert ref.command is not None
        self._ref = ref
        self._driver = Driver(ref.command)
        self._base_urls = {host: server.urls[region] for region, host in HOSTS.items()}
        self._started_with: Json | None = None
        self._breaks = 0

    def deliver(self, message: Any, settings: Json, now: datetime) -> Json:
        """The answer to one message, when all its requests were sent.

        Raises DriverBroken if the driver breaks on more than MOST_BREAKS messages.
        """
        try:
            if settings != self._started_with:
                self._start(settings)
            [answer] = self._driver.deliver([message], now)
        except (Refused, Unsupported, TranslatorFailed) as error:
            return failure("translator_failed", str(error))
        except DriverBroken as error:
            self._breaks += 1
            if self._breaks > MOST_BREAKS:
                raise
            self._started_with = None
            return failure("translator_failed", str(error))
        return answer

    def close(self) -> None:
        """End the driver's process."""
        self._driver.close()

    def _start(self, settings: Json) -> None:
        self._started_with = None
        self._driver.start(
            {**settings, "token": TOKEN, "apiSecret": SECRET},
            rules=self._ref.rules,
            base_urls=self._base_urls,
            clock_url=f"{self._base_urls[HOSTS['us']]}/_mock/clock",
        )
        self._started_with = settings
