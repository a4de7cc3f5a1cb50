"""Computes Engage for a target: the target gets the calls of Engage in place of the messages.

The suite computes them for every target; a target only translates the resulting calls.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from conformance.errors import DataError
from conformance.spec.scenarios.loading import Engagement, Json
from conformance.targets.target import Answer, Reason, Setup, TargetSession
from translator import Settings
from translator.core.errors import TranslationError
from translator.core.values.timestamps import to_ms
from translator.engage import DefinitionsError, Engage, definitions_from_json, unset_operations
from translator.sender import Sender

MakeEngage = Callable[..., Engage]
"""`Engage(definitions)`, the built-in one or a broken one."""


class EngagedSession:
    """A session that gets the calls of Engage.

    It gets a message itself only if the scenario forwards its type.

    Raises DataError for definitions that cannot be used.
    """

    def __init__(
        self, inner: TargetSession, engagement: Engagement, setup: Setup, make: MakeEngage
    ) -> None:
        try:
            definitions = definitions_from_json(engagement.definitions)
        except DefinitionsError as error:
            raise DataError(f"engage.definitions: {error}") from error
        self.inner = inner
        self._forward = engagement.forward
        self._engage = make(definitions)
        self._setup = setup
        self.observes = inner.observes
        self.own_records = 0
        """Records that the suite sent itself, for a deleted definition."""

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        """Process messages; without messages only time passes.

        Returns one answer for each call of Engage.
        """
        answers = self._pass_on(self._engage.advance(to_ms(now)), now)
        for message in messages:
            if isinstance(message, dict) and str(message.get("type")) in self._forward:
                answers += self.inner.deliver([message], now)
            try:
                made = self._engage.take(message, to_ms(now))
            except TranslationError as error:
                answers.append(Answer(error=Reason(*error.failure)))
            else:
                answers += self._pass_on(made, now)
        return answers

    def perform(self, action: Json, now: datetime) -> list[Answer]:
        """Perform the action of a step: `{resync: KEY}`, `{delete: KEY}` or `{unset: KEY}`."""
        [(verb, key)] = action.items()
        if verb == "resync":
            return self._pass_on(self._engage.resync(key), now)
        if verb == "delete":
            self._engage.delete(key)
        else:
            self._unset(key)
        return []

    def _unset(self, key: str) -> None:
        settings = Settings.from_json(self._setup.settings)
        ids = [external.id for external in self._engage.sent_to(key)]
        self.own_records += len(ids)
        with Sender(self._setup.base_urls) as sender:
            sender.send(unset_operations(key, ids, settings))

    def _pass_on(self, made: list[Json], now: datetime) -> list[Answer]:
        return self.inner.deliver(made, now) if made else []

    def flush(self) -> None:
        """Return when no operation is held back."""
        self.inner.flush()

    def close(self) -> None:
        """Close the session."""
        self.inner.close()
