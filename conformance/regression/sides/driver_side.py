"""A side in another process: any translator behind a driver, or our own at another revision."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from conformance.corpus.entries import CorpusEntry
from conformance.errors import DriverBroken, UsageError
from conformance.regression.json_text import is_too_deep
from conformance.regression.sides.refs import Ref
from conformance.regression.sides.side import failure
from conformance.spec.scenarios.loading import Json
from conformance.targets.drivers.driver import Driver
from conformance.targets.protocol import About, Refused, TranslatorFailed, Unsupported

_TOO_DEEP = failure("nesting_too_deep", "the answer is nested too deeply to be compared")

MOST_BREAKS = 20
"""Messages that may break the driver (it ends, is silent, or prints what is not JSON)."""


class DriverSide:
    """The driver is started when it is first needed, and again for other settings."""

    def __init__(self, ref: Ref) -> None:
        assert ref.command is not None
        self._ref = ref
        self._driver = Driver(ref.command)
        self._started_with: Json | None = None
        self._refusal: Json | None = None
        self._is_broken = False
        self._breaks = 0
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

    def answers(self, entries: Sequence[CorpusEntry], settings: Json, now: datetime) -> list[Json]:
        if settings != self._started_with:
            self._start(settings)
        if self._refusal is not None:
            return [self._refusal] * len(entries)
        found = self._translate([entry.message for entry in entries], now)
        return [_TOO_DEEP if is_too_deep(each.get("operations")) else each for each in found]

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
            raise UsageError(f"{self._ref.name} delivers, and diff needs a driver that translates")
        if self._ref.rules not in about.rules:
            raise UsageError(f"{self._ref.name} does not follow the {self._ref.rules} rules")
        self.tells = about.tells

    def _translate(self, messages: Sequence[Any], now: datetime) -> list[Json]:
        """The answers; a message that breaks the translator or its driver costs only itself.

        If a batch fails, its halves are asked again. Raises DriverBroken if the driver breaks on
        more than MOST_BREAKS messages: then it is not the messages' fault.
        """
        try:
            self._restart_if_broken()
            return self._driver.translate(messages, now)
        except (TranslatorFailed, Unsupported) as error:
            problem = str(error)
        except DriverBroken as error:
            problem = str(error)
            self._is_broken = True
            if len(messages) == 1:
                self._breaks += 1
            if self._breaks > MOST_BREAKS:
                raise
        if len(messages) == 1:
            return [failure("translator_failed", problem)]
        middle = len(messages) // 2
        return self._translate(messages[:middle], now) + self._translate(messages[middle:], now)

    def _restart_if_broken(self) -> None:
        if self._is_broken and self._started_with is not None:
            self._driver.start(self._started_with, rules=self._ref.rules)
            self._is_broken = False
