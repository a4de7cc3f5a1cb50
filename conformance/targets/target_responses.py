"""Responses of targets in other programs, converted to the runner's records."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from conformance.errors import DriverBroken
from conformance.spec.scenarios.loading import Json, RawLine
from conformance.targets.protocol import About, Refused, TranslatorFailed, Unsupported
from conformance.targets.target import (
    Answer,
    CannotRun,
    Lost,
    Reason,
    SettingsRefused,
    Setup,
    TargetFailed,
    TargetSession,
)


def handshake(start: Callable[[], About], where: str) -> About:
    """The description that the program gives of itself. Raises DriverBroken if it gives none."""
    try:
        return start()
    except (Refused, Unsupported, TranslatorFailed) as error:
        text = 'it does not even start with the settings {"token": "T"}'
        raise DriverBroken(f"{where}: {text}: {error}") from error


def open_session(about: About, setup: Setup, start: Callable[[], About]) -> About | TargetSession:
    """The program's reply to the start of a scenario; if it crashed, a session in which every
    message fails. Raises CannotRun for capabilities that it lacks, SettingsRefused for settings
    that it refuses.
    """
    if setup.mode not in about.modes:
        raise CannotRun(f"the translator has no {setup.mode} mode")
    if setup.rules not in about.rules:
        raise CannotRun(f"the translator does not follow the {setup.rules} rules")
    if about.does == "deliver" and setup.delivery:
        raise CannotRun("the scenario is about the set-up of this project's sender")
    try:
        return start()
    except Refused as error:
        raise SettingsRefused(str(error)) from error
    except Unsupported as error:
        raise CannotRun(str(error)) from error
    except TranslatorFailed as error:
        return _Crashed(str(error))


def json_values(messages: Sequence[Any]) -> Sequence[Any]:
    """The messages as JSON values. Raises CannotRun if one is a line of text."""
    if any(isinstance(message, RawLine) for message in messages):
        raise CannotRun("the scenario is about lines of text, and this target gets JSON values")
    return messages


def answer_from(answer: Json) -> Answer:
    """The answer of a program to one message."""
    error = answer.get("error")
    return Answer(
        tuple(map(reason_from, answer.get("skipped", ()))),
        reason_from(error) if error is not None else None,
        tuple(
            Lost(each["endpoint"], str(each.get("reason")))
            for each in answer.get("undelivered", ())
        ),
        calls=tuple(answer.get("calls", ())),
        start_up=tuple(answer.get("start_up", ())),
    )


def reason_from(item: Json) -> Reason:
    """A skip or an error as a driver reports it; the code and the text are optional."""
    text = item.get("reason", item.get("message"))
    return Reason(str(item.get("code", "")), "" if text is None else str(text))


class _Crashed:
    """The translator crashed on the settings, so every message of the scenario fails."""

    observes: frozenset[str] = frozenset()

    def __init__(self, text: str) -> None:
        self._text = text

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        raise TargetFailed(self._text)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""
