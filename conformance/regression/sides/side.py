"""One side of a comparison: it translates messages to answers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

import orjson

from conformance.corpus.entries import CorpusEntry
from conformance.errors import UsageError
from conformance.regression.sides.device_sessions import session_answer
from conformance.regression.sides.refs import Ref, read_rules
from conformance.regression.sides.variants import Variant
from conformance.spec.scenarios.loading import Json
from conformance.targets.protocol import Refused
from conformance.targets.target import OBSERVED
from translator import Settings, SettingsError, translate
from translator.cloud.translate import translate_message
from translator.core.values.timestamps import to_ms


class Side(Protocol):
    """A translator in this process or another.

    `tells` holds `skipped` and `errors` if the translator reports these; known after `check`.
    """

    tells: frozenset[str]

    def check(self, settings: Json) -> None:
        """Raise UsageError if the translator cannot be compared or refuses these settings."""

    def answers(self, entries: Sequence[CorpusEntry], settings: Json, now: datetime) -> list[Json]:
        """An answer to each message, as `translate` prints it.

        If the settings are refused, each answer is an error.
        """

    def close(self) -> None:
        """End processes and close files."""


class OurSide:
    """This installation's translator, in this process."""

    tells = OBSERVED

    def __init__(self, ref: Ref) -> None:
        self._ref = ref

    def check(self, settings: Json) -> None:
        try:
            self.variant(settings)
        except SettingsError as error:
            raise UsageError(f"{self._ref.name} does not take the settings: {error}") from error

    def variant(self, settings: Json) -> Variant:
        """The variant for some settings. Raises SettingsError."""
        return Variant(
            _settings(orjson.dumps(self._ref.settings or settings)),
            read_rules(self._ref.rules, self._ref.name),
            self._ref.mapping,
        )

    def answers(self, entries: Sequence[CorpusEntry], settings: Json, now: datetime) -> list[Json]:
        try:
            variant = self.variant(settings)
        except SettingsError as error:
            # The same words as for the refusal of a driver.
            refusal = failure("settings_refused", str(Refused("settings", str(error))))
            return [refusal] * len(entries)
        now_ms = to_ms(now)
        return [answer(entry, variant, now_ms) for entry in entries]

    def close(self) -> None:
        """Nothing is open."""


def answer(entry: CorpusEntry, variant: Variant, now_ms: int) -> Json:
    """The answer of our translator; `now_ms` is in milliseconds since 1970.

    A defect of the translator costs one message, and is shown as an error of it.
    """
    try:
        if entry.session:
            return session_answer(entry.message, variant)
        if entry.plain:
            # `translate` also checks all values; those of a line of JSON are good.
            return translate_message(entry.message, variant.compiled, now_ms).as_json()
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        result = translate(
            entry.message,
            variant.settings,
            now=now,
            rules=variant.rules,
            mapping=variant.mapping,
        )
    except Exception as error:
        return failure("internal_error", f"the translator failed: {error!r:.200}")
    return result.as_json()


def failure(code: str, text: str) -> Json:
    """An answer that is an error."""
    error = {"code": code, "message": text}
    return {"messageId": None, "operations": [], "skipped": [], "error": error}


@lru_cache(maxsize=256)
def _settings(text: bytes) -> Settings:
    return Settings.from_json(orjson.loads(text))
