"""The target of a replay: a translator and its delivery."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from conformance.runner.mock import Mock
from conformance.spec.scenarios.loading import Json, Scenario
from conformance.spec.scenarios.needs import needs
from conformance.targets.protocol import About
from translator import Result, Rules

Translate = Callable[..., Result]
"""`translate(message, settings, *, now, mode, rules)`, the built-in one or a broken one."""

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
"""The observable results of a target in cloud mode: its requests, and its reports. Other sections
are not compared."""


class Reason(NamedTuple):
    """A stable code, and the words that came with it."""

    code: str
    text: str


class Lost(NamedTuple):
    """A record for an endpoint that could not be delivered, and why."""

    endpoint: str
    text: str


class Answer(NamedTuple):
    """A target's report about one message, besides its requests; a `note` is for people."""

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
    """The input of a target for one scenario.

    `base_urls` maps Mixpanel's hosts to those of the mock; `wait` takes seconds and moves the
    virtual clock, in place of sleeping. `delivery` says how our sender is set up, as a scenario
    does. `mock` is for targets that deliver.
    """

    settings: Json
    mode: str
    rules: str
    base_urls: Mapping[str, str] = field(default_factory=dict)
    wait: Callable[[float], object] = lambda seconds: None
    delivery: Json = field(default_factory=dict)
    browser: Json = field(default_factory=dict)
    mock: Mock | None = None


class TargetSession(Protocol):
    """A target during one scenario."""

    @property
    def observes(self) -> frozenset[str]:
        """Those of OBSERVED that it reports."""

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        """Take messages (JSON values or `RawLine`s) in order; one answer for each."""

    def flush(self) -> None:
        """Return when no operation is held back."""

    def close(self) -> None:
        """Let go of everything."""


class Target(Protocol):
    """Makes sessions."""

    @property
    def fixed_settings(self) -> Json | None:
        """The settings of a target whose settings are fixed, or None."""

    def about(self) -> About:
        """The target's description of itself. Raises DriverBroken if it has no usable one."""

    def adapted(self, scenario: Scenario) -> Scenario:
        """The scenario as it can be replayed here. Raises CannotRun if it cannot."""

    def open(self, setup: Setup) -> TargetSession:
        """A session. Raises SettingsRefused, or CannotRun for what the target has no way to do."""


def with_capabilities(about: About, scenario: Scenario) -> Scenario:
    """The scenario, unchanged. Raises CannotRun if the target says that it lacks a capability."""
    if about.has is not None:
        missing = sorted(needs(scenario) - about.has)
        if missing:
            raise CannotRun(f"the translator has no {', '.join(missing).replace('_', ' ')}")
    return scenario
