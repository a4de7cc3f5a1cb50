"""A side in another process: any translator behind a driver, or ours at another revision."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from conformance.corpus.entries import Entry
from conformance.errors import UsageError
from conformance.regression.refs import Ref
from conformance.regression.sides import failure
from conformance.spec.loading import Json
from conformance.targets.driver import Driver
from conformance.targets.protocol import About, Refused, TranslatorFailed, Unsupported


class DriverSide:
    """The driver is started when it is first needed, and anew for other settings."""

    def __init__(self, ref: Ref) -> None:
        assert ref.command is not None
        self._ref = ref
        self._driver = Driver(ref.command)
        self._started_with: Json | None = None
        self._refusal: Json | None = None
        self.tells: frozenset[str] = frozenset()

    def check(self, settings: Json) -> None:
        """Raise UsageError if it cannot be compared at all, or refuses these settings."""
        try:
            self._tell(self._driver.start(settings, rules=self._ref.rules))
        except (Refused, Unsupported) as error:
            raise UsageError(f"{self._ref.name} does not take the settings: {error}") from error
        except TranslatorFailed as error:
            raise UsageError(f"{self._ref.name} fails on the settings: {error}") from error
        self._started_with, self._refusal = settings, None

    def answers(self, entries: Sequence[Entry], settings: Json, now: datetime) -> list[Json]:
        if settings != self._started_with:
            self._start(settings)
        if self._refusal is not None:
            return [self._refusal] * len(entries)
        return self._translate([entry.message for entry in entries], now)

    def close(self) -> None:
        self._driver.close()

    def _start(self, settings: Json) -> None:
        self._started_with, self._refusal = settings, None
        try:
            self._tell(self._driver.start(settings, rules=self._ref.rules))
        except (Refused, Unsupported) as error:
            self._refusal = failure("settings_refused", str(error))
        except TranslatorFailed as error:
            self._refusal = failure("translator_failed", str(error))

    def _tell(self, about: About) -> None:
        if about.does != "translate":
            raise UsageError(f"{self._ref.name} delivers by itself; give a driver that translates")
        if self._ref.rules not in about.rules:
            raise UsageError(f"{self._ref.name} does not follow the {self._ref.rules} rules")
        self.tells = about.tells

    def _translate(self, messages: Sequence[Any], now: datetime) -> list[Json]:
        """If it fails on many messages they are given one by one, so that one costs only itself."""
        try:
            return self._driver.translate(messages, now)
        except (TranslatorFailed, Unsupported) as error:
            if len(messages) == 1:
                return [failure("translator_failed", str(error))]
            return [found for message in messages for found in self._translate([message], now)]
