"""Our own translator and sender as a target, and in device modes our own sessions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from conformance.spec.scenarios.loading import Json, RawLine, Scenario
from conformance.targets.device import DeviceSession
from conformance.targets.protocol import TELLS, About
from conformance.targets.target import (
    OBSERVED,
    RULE_SETS,
    Answer,
    Lost,
    Reason,
    SettingsRefused,
    Setup,
    TargetFailed,
    TargetSession,
    Translate,
)
from translator import Result, Settings, SettingsError, translate
from translator import Session as DeviceMode
from translator.bulk import translate_line
from translator.core.compiled_settings import compile_settings
from translator.core.values.timestamps import to_ms
from translator.sender import (
    AliasPolicy,
    BatchLimits,
    DeliveryStatus,
    DestinationError,
    RetryPolicy,
    Sender,
)
from translator.sender.books.ledger import Ledger
from translator.sender.books.message_status import MessageStatus
from translator.sender.books.ready_source import ReadyOperations
from translator.sender.books.spool_records import IncomingMessage


class Builtin:
    """Our own translator and sender, or session in device modes; either may be a broken one."""

    fixed_settings = None

    def __init__(
        self, translate: Translate = translate, make_session: Callable[..., Any] = DeviceMode
    ) -> None:
        self._translate = translate
        self._make_session = make_session

    def about(self) -> About:
        """Its capabilities: it delivers, in every mode and under both rule sets."""
        modes = frozenset(["cloud", "web", "ios", "android"])
        return About("mockpanel", "deliver", modes, frozenset(RULE_SETS), TELLS)

    def adapted(self, scenario: Scenario) -> Scenario:
        """The scenario, unchanged."""
        return scenario

    def open(self, setup: Setup) -> TargetSession:
        """A session with these settings."""
        if setup.mode != "cloud":
            return DeviceSession(self._make_session, setup)
        try:
            settings = Settings.from_json(setup.settings)
        except SettingsError as error:
            raise SettingsRefused(str(error)) from error
        return _BuiltinSession(self._translate, settings, setup)


class _BuiltinSession:
    observes = OBSERVED

    def __init__(self, translate: Translate, settings: Settings, setup: Setup) -> None:
        self._translate = translate
        self._settings = settings
        self._mode = setup.mode
        self._rules = RULE_SETS[setup.rules]()
        self._wait = setup.wait
        self._now = 0.0
        self._sender = Sender(
            setup.base_urls,
            settings.apiSecret or None,
            # A request for each record: then every record has an answer of its own.
            limits=BatchLimits(records=setup.delivery.get("records", 1)),
            retry=RetryPolicy(sleep=self._sleep, jitter=lambda: 0, clock=lambda: self._now),
            alias=AliasPolicy(setup.delivery.get("alias", AliasPolicy.HOLD)),
            now=lambda: self._now,
        )

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        self._now = now.timestamp()
        results = [self._result(message, now) for message in messages]
        losses: dict[int, list[Lost]] = {}
        ledger = Ledger(self._sender.preparation, lambda loss: _note(losses, loss))
        incoming: list[IncomingMessage] = []
        try:
            for index, result in enumerate(results):
                if result.error is None:
                    # An operation for another host is a wrong translation, not a loss.
                    for operation in result.operations:
                        self._sender.base_url(operation.host)
                    incoming.append(ledger.enter(MessageStatus(index, None, 0), result, {}))
            ledger.take_in(incoming)
            queued = [operation for each in incoming for operation in each.operations]
            self._sender.run(ReadyOperations(queued, ledger))
        except DestinationError as error:
            raise TargetFailed(str(error)) from error
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # A payload of an unknown form; exceptions of the mock are not caught here.
            operations = [list(result.operations) for result in results]
            raise TargetFailed(f"its operations cannot be sent: {error!r}: {operations}") from error
        return [
            Answer(
                tuple(Reason(*skip) for skip in result.skipped),
                Reason(*result.error) if result.error else None,
                tuple(losses.get(index, ())),
            )
            for index, result in enumerate(results)
        ]

    def _result(self, message: Any, now: datetime) -> Result:
        try:
            if isinstance(message, RawLine):
                line = message.text.encode("utf-8", "surrogatepass")
                return translate_line(
                    line, compile_settings(self._settings, self._rules), to_ms(now)
                )
            result = self._translate(
                message, self._settings, now=now, mode=self._mode, rules=self._rules
            )
            return result if result.people else result._replace(people=_people(message))
        except Exception as error:
            raise TargetFailed(f"translate raised {error!r} on {message!r}") from error

    def _sleep(self, seconds: float) -> None:
        self._wait(seconds)
        self._now += seconds

    def flush(self) -> None:
        """Everything is delivered when `deliver` returns."""

    def close(self) -> None:
        self._sender.close()


def _people(message: Any) -> tuple[Any, ...]:
    """The person of a message, for translators that do not name it."""
    who = message.get("userId") or message.get("anonymousId") if isinstance(message, dict) else None
    return (who,) if isinstance(who, str | int | float) else ()


def _note(losses: dict[int, list[Lost]], loss: Json) -> None:
    if loss["fate"] == DeliveryStatus.DEAD_LETTERED:
        losses.setdefault(loss["line"], []).append(Lost(loss["endpoint"], loss["reason"] or ""))
