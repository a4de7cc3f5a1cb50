"""What a scenario is replayed against: a translator and its delivery."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from conformance.loader import Json, RawLine
from conformance.mock import Mock
from translator import Result, Rules, Settings, SettingsError, translate
from translator import Session as DeviceMode
from translator.bulk import translate_line
from translator.plan import plan_for
from translator.sender import Alias, DestinationError, Fate, Limits, RetryPolicy, Sender
from translator.sender.account import Entry
from translator.sender.ledger import Given, Ledger
from translator.sender.letters import Letter
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


class CannotRun(Exception):
    """The target has no way to do what the scenario needs; the text says what."""


OBSERVED = frozenset(["requests", "settings", "skipped", "errors", "undelivered"])
"""What can be seen of a target in cloud mode, its requests and what it tells beside them. What is
not seen is not compared."""


class Reason(NamedTuple):
    """A stable code, and the words that came with it."""

    code: str
    text: str


class Lost(NamedTuple):
    """A record for an endpoint that could not be delivered, and why."""

    endpoint: str
    text: str


class Answer(NamedTuple):
    """What a target says about one message, beside what it sends; a `note` is for people."""

    skipped: tuple[Reason, ...] = ()
    error: Reason | None = None
    undelivered: tuple[Lost, ...] = ()
    note: str = ""
    calls: tuple[list[Any], ...] = ()
    """In device modes: `[method, ...args]` of each call on the SDK."""
    start_up: tuple[list[Any], ...] = ()
    """With the first answer in device modes: the calls before those of any message."""


@dataclass(frozen=True)
class Setup:
    """What a target needs for one scenario.

    `base_urls` maps Mixpanel's hosts to those of the mock; `wait` takes seconds and moves the
    virtual clock, in place of sleeping. `delivery` says how our sender is set up, as a scenario
    does. `mock` is for targets that send by themselves.
    """

    settings: Json
    mode: str
    rules: str
    base_urls: Mapping[str, str] = field(default_factory=dict)
    wait: Callable[[float], object] = lambda seconds: None
    delivery: Json = field(default_factory=dict)
    browser: Json = field(default_factory=dict)
    mock: Mock | None = None


class Session(Protocol):
    """A target during one scenario."""

    @property
    def observes(self) -> frozenset[str]:
        """Those of OBSERVED that it tells."""

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        """Take messages (JSON values or `RawLine`s) in order; one answer for each."""

    def flush(self) -> None:
        """Return when nothing is held back any more."""

    def close(self) -> None:
        """Let go of everything."""


class Target(Protocol):
    """Makes sessions."""

    def open(self, setup: Setup) -> Session:
        """A session. Raises SettingsRefused, or CannotRun for what the target has no way to do."""


class Builtin:
    """Our own translator and sender, or session in device modes; either may be a broken one."""

    def __init__(
        self, translate: Translate = translate, make_session: Callable[..., Any] = DeviceMode
    ) -> None:
        self._translate = translate
        self._make_session = make_session

    def open(self, setup: Setup) -> Session:
        """A session with these settings."""
        if setup.mode != "cloud":
            # Imported here, because it needs the records of this module.
            from conformance.device import DeviceSession

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
            limits=Limits(records=setup.delivery.get("records", 1)),
            retry=RetryPolicy(sleep=self._sleep, jitter=lambda: 0, clock=lambda: self._now),
            alias=Alias(setup.delivery.get("alias", Alias.HOLD)),
            now=lambda: self._now,
        )

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        self._now = now.timestamp()
        results = [self._result(message, now) for message in messages]
        losses: dict[int, list[Lost]] = {}
        ledger = Ledger(self._sender, lambda loss: _note(losses, loss))
        letters: list[Letter] = []
        try:
            for index, result in enumerate(results):
                if result.error is None:
                    # An operation for another host is no loss of ours but a wrong translation.
                    for operation in result.operations:
                        self._sender.base_url(operation.host)
                    letters += ledger.enter(Entry(index, None, 0), result, {}).letters
            self._sender.run(Given(letters, ledger))
        except DestinationError as error:
            raise TargetFailed(str(error)) from error
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
                return translate_line(line, plan_for(self._settings, self._rules), to_ms(now))
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
    """Whom a message is about, where a translator does not say so."""
    who = message.get("userId") or message.get("anonymousId") if isinstance(message, dict) else None
    return (who,) if isinstance(who, str | int | float) else ()


def _note(losses: dict[int, list[Lost]], loss: Json) -> None:
    if loss["fate"] is Fate.DEAD_LETTERED:
        losses.setdefault(loss["line"], []).append(Lost(loss["endpoint"], loss["reason"] or ""))
