"""What a scenario is replayed against: a translator and its delivery."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from conformance.errors import UsageError
from conformance.loader import Json, RawLine
from translator import Result, Rules, Settings, SettingsError, translate
from translator.bulk import translate_line
from translator.plan import plan_for
from translator.sender import DestinationError, Fate, Limits, RetryPolicy, Sender
from translator.timestamps import to_ms

Translate = Callable[..., Result]
"""`translate(message, settings, *, now, mode, rules)`, ours or a broken one."""

RULE_SETS: Mapping[str, Callable[[], Rules]] = {
    "documented": Rules.documented,
    "observed": Rules.observed,
}


class SettingsRefused(Exception):
    """The target does not take these settings; the text names the key."""


class TargetFailed(Exception):
    """The target crashed, where it should have answered."""


class Reason(NamedTuple):
    """A stable code, and the words that came with it."""

    code: str
    text: str


class Lost(NamedTuple):
    """A record for an endpoint that could not be delivered, and why."""

    endpoint: str
    text: str


class Answer(NamedTuple):
    """What a target says about one message, beside what it sends."""

    skipped: tuple[Reason, ...] = ()
    error: Reason | None = None
    undelivered: tuple[Lost, ...] = ()


@dataclass(frozen=True)
class Setup:
    """What a target needs for one scenario.

    `base_urls` maps Mixpanel's hosts to those of the mock; `wait` takes seconds and moves the
    virtual clock, in place of sleeping. `delivery` says how the sender is set up, as a scenario
    does.
    """

    settings: Json
    mode: str
    rules: str
    base_urls: Mapping[str, str] = field(default_factory=dict)
    wait: Callable[[float], object] = lambda seconds: None
    delivery: Json = field(default_factory=dict)


class Session(Protocol):
    """A target during one scenario."""

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        """Take messages (JSON values or `RawLine`s) in order; one answer for each."""

    def flush(self) -> None:
        """Return when nothing is held back any more."""

    def close(self) -> None:
        """Let go of everything."""


class Target(Protocol):
    """Makes sessions. Raises SettingsRefused for settings that the target does not take."""

    def open(self, setup: Setup) -> Session: ...


class Builtin:
    """Our own translator and sender; `translate` may be replaced by a broken one."""

    def __init__(self, translate: Translate = translate) -> None:
        self._translate = translate

    def open(self, setup: Setup) -> Session:
        """A session with these settings."""
        try:
            settings = Settings.from_json(setup.settings)
        except SettingsError as error:
            raise SettingsRefused(str(error)) from error
        return _BuiltinSession(self._translate, settings, setup)


class _BuiltinSession:
    def __init__(self, translate: Translate, settings: Settings, setup: Setup) -> None:
        self._translate = translate
        self._settings = settings
        self._mode = setup.mode
        self._rules = RULE_SETS[setup.rules]()
        self._sender = Sender(
            setup.base_urls,
            settings.apiSecret or None,
            # A request for each record: then every record has an answer of its own.
            limits=Limits(records=1),
            retry=RetryPolicy(sleep=setup.wait, jitter=lambda: 0),
        )

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        return [self._answer(self._result(message, now)) for message in messages]

    def _answer(self, result: Result) -> Answer:
        try:
            verdicts = self._sender.send(result.operations)
        except DestinationError as error:
            raise TargetFailed(str(error)) from error
        return Answer(
            tuple(Reason(*skip) for skip in result.skipped),
            Reason(*result.error) if result.error else None,
            tuple(
                Lost(verdict.operation.endpoint, verdict.reason or "")
                for verdict in verdicts
                if verdict.fate is Fate.DEAD_LETTERED
            ),
        )

    def _result(self, message: Any, now: datetime) -> Result:
        try:
            if isinstance(message, RawLine):
                line = message.text.encode("utf-8", "surrogatepass")
                return translate_line(line, plan_for(self._settings, self._rules), to_ms(now))
            return self._translate(
                message, self._settings, now=now, mode=self._mode, rules=self._rules
            )
        except Exception as error:
            raise TargetFailed(f"translate raised {error!r} on {message!r}") from error

    def flush(self) -> None:
        """Nothing is ever held back."""

    def close(self) -> None:
        self._sender.close()


def target_named(name: str) -> Target:
    """The target of `--target`. Raises UsageError if there is none."""
    if name == "builtin":
        return Builtin()
    if name.startswith(("exec:", "http:")):
        raise UsageError(f"targets of the kind {name.partition(':')[0]!r} are not available yet")
    raise UsageError(f"unknown target {name!r}: use 'builtin'")
