"""The target `exec:CMD`: a translator in any language, behind a driver that speaks JSON lines.

A driver that translates leaves the delivery to our sender; one that delivers sends to the mock.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from conformance.errors import DriverBroken
from conformance.spec.loading import Json
from conformance.targets.builtin import Builtin
from conformance.targets.driver import Driver
from conformance.targets.protocol import About, TranslatorFailed, Unsupported
from conformance.targets.target import (
    Answer,
    CannotRun,
    Session,
    SettingsRefused,
    Setup,
    TargetFailed,
)
from conformance.targets.target_responses import answer_from, begun, introduced, json_values
from translator import Failure, Operation, Result, Skip


class ExecTarget:
    """A driver's process, kept from scenario to scenario; `close` ends it."""

    def __init__(self, command: str, *, timeout_seconds: float = 30) -> None:
        self._driver = Driver(command, timeout_seconds=timeout_seconds)
        self._about: About | None = None

    def about(self) -> About:
        """What the driver says of itself. Raises DriverBroken if it says nothing of use."""
        if self._about is None:
            start = partial(self._driver.start, {"token": "T"})
            self._about = introduced(start, f"exec:{self._driver.command}")
        return self._about

    def open(self, setup: Setup) -> Session:
        """A session with these settings."""
        start = partial(
            self._driver.start,
            setup.settings,
            mode=setup.mode,
            rules=setup.rules,
            base_urls=setup.base_urls,
            clock_url=setup.mock.clock_url if setup.mock else None,
            browser=setup.browser,
        )
        found = begun(self.about(), setup, start)
        if not isinstance(found, About):
            return found
        if setup.mode != "cloud":
            return _Device(self._driver, found)
        if found.does == "deliver":
            return _Delivering(self._driver, found)
        return _Translating(self._driver, found, setup)

    def close(self) -> None:
        """End the driver."""
        self._driver.close()


class _Session:
    """What all kinds have in common."""

    def __init__(self, driver: Driver, about: About) -> None:
        self._driver, self._about = driver, about
        self.observes = about.tells

    def close(self) -> None:
        self._driver.stop()


class _Delivering(_Session):
    """The driver sends by itself."""

    def __init__(self, driver: Driver, about: About) -> None:
        super().__init__(driver, about)
        self.observes |= {"requests"}

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        try:
            found = self._asked(json_values(messages), now)
        except Unsupported as error:
            raise CannotRun(str(error)) from error
        except TranslatorFailed as error:
            raise TargetFailed(str(error)) from error
        return [answer_from(each) for each in found]

    def flush(self) -> None:
        """Nothing: an answer means that all is delivered."""

    def _asked(self, messages: Sequence[Any], now: datetime) -> list[Json]:
        return self._driver.deliver(messages, now)


class _Device(_Delivering):
    """In device modes there is nothing that we could send: the driver tells its calls."""

    def __init__(self, driver: Driver, about: About) -> None:
        super().__init__(driver, about)
        self.observes |= {"calls"}
        if about.does == "translate":
            self.observes -= {"requests"}

    def _asked(self, messages: Sequence[Any], now: datetime) -> list[Json]:
        if self._about.does == "deliver":
            return self._driver.deliver(messages, now)
        return self._driver.translate(messages, now)


class _Translating(_Session):
    """Our own target, with the driver in the place of our translator."""

    def __init__(self, driver: Driver, about: About, setup: Setup) -> None:
        super().__init__(driver, about)
        self.observes |= {"requests", "undelivered"}
        self._error: Exception | None = None
        self._sending: Session | None = None
        # Settings that ours refuses and the driver takes are for scenarios that send nothing.
        with suppress(SettingsRefused):
            self._sending = Builtin(self._translate).open(setup)

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        assert self._sending is not None
        try:
            return self._sending.deliver(json_values(messages), now)
        except TargetFailed:
            # To our target everything that a translator raises is a crash; not all of it is one.
            if isinstance(self._error, DriverBroken):
                raise self._error from None
            if isinstance(self._error, Unsupported):
                raise CannotRun(str(self._error)) from None
            if isinstance(self._error, TranslatorFailed):
                raise TargetFailed(str(self._error)) from None
            raise

    def flush(self) -> None:
        assert self._sending is not None
        self._sending.flush()

    def close(self) -> None:
        if self._sending is not None:
            self._sending.close()
        super().close()

    def _translate(self, message: Any, settings: Any, *, now: datetime, **_: Any) -> Result:
        try:
            [found] = self._driver.translate([message], now)
        except (DriverBroken, Unsupported, TranslatorFailed) as error:
            self._error = error
            raise
        return _result(found)


def _result(answer: Json) -> Result:
    error = answer.get("error")
    return Result(
        None,
        tuple(
            Operation(each["endpoint"], each["host"].rstrip("/"), each["payload"])
            for each in answer["operations"]
        ),
        tuple(Skip(each["code"], str(each.get("reason"))) for each in answer.get("skipped", ())),
        Failure(error["code"], str(error.get("message"))) if error else None,
    )
