"""Any translator as a process: JSON lines over its standard input and output.

docs/how-to/targets.md describes the protocol for authors of drivers. `exec:CMD` and `diff`
speak it through this module.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn, Self

from conformance.errors import DriverBroken, UsageError
from conformance.spec.scenarios.loading import Json
from conformance.targets.drivers.driver_process import DriverProcess, ProcessBroken
from conformance.targets.protocol import (
    About,
    TranslatorFailed,
    about,
    answers,
    start_command,
    timed_command,
)

SHOWN_CHARACTERS = 500
"""Maximum characters of an answer that is not JSON in an error."""


class Driver:
    """A driver's process, started when it is first needed, and again after a failure.

    `command` is split as a shell would, but no shell runs it. `timeout_seconds` is the time limit
    for one answer. Every method raises DriverBroken if the process ends, is silent for too long or
    breaks the protocol, and UsageError if it cannot be started; `protocol` has what else an answer
    can mean.
    """

    def __init__(self, command: str, *, timeout_seconds: float = 30) -> None:
        self.command = command
        self._words = _words(command)
        self._timeout_seconds = timeout_seconds
        self._process: DriverProcess | None = None
        self._device = False

    def start(
        self,
        settings: Json,
        *,
        mode: str = "cloud",
        rules: str = "documented",
        base_urls: Mapping[str, str] | None = None,
        clock_url: str | None = None,
        browser: Json | None = None,
    ) -> About:
        """Start again with these settings; gives what the driver says about itself.

        Raises Refused or Unsupported if it does not take them, TranslatorFailed if it crashed.
        """
        command = start_command(settings, mode, rules, base_urls, clock_url, browser)
        self._device = mode != "cloud"
        return about(self._ask(command), self._where("start"))

    def translate(self, messages: Sequence[Any], now: datetime) -> list[Json]:
        """One answer for each message, with its `operations`, or its `calls` in device modes.

        Raises Unsupported or TranslatorFailed.
        """
        return self._timed("translate", messages, now)

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Json]:
        """One answer for each message, when all is delivered. Raises like `translate`."""
        return self._timed("deliver", messages, now)

    def stop(self) -> None:
        """End the session that `start` began. Does nothing if the process has ended already."""
        if self._process is not None:
            self._ask({"command": "stop"})

    def close(self) -> None:
        """End the process: its input ends; if it does not end then, it is killed."""
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _timed(self, name: str, messages: Sequence[Any], now: datetime) -> list[Json]:
        reply = self._ask(timed_command(name, messages, now))
        return answers(reply, messages, name, self._where(name), device=self._device)

    def _ask(self, command: Json) -> Json:
        """The reply to a command."""
        name = command["command"]
        if self._process is None:
            try:
                self._process = DriverProcess(self._words)
            except OSError as error:
                raise UsageError(f"exec:{self.command}: cannot be started: {error}") from error
        try:
            text = json.dumps(command)
        except RecursionError:
            raise TranslatorFailed("the message is nested too deeply to be sent") from None
        try:
            line = self._process.exchange(text + "\n", self._timeout_seconds)
        except ProcessBroken as broken:
            self._give_up(f"command {name!r}: {broken}")
        try:
            reply = json.loads(line, parse_constant=_refuse_constant)
        except RecursionError:
            # The whole line was read, so the next answer is in step with its question.
            raise TranslatorFailed("the answer is nested too deeply to be read") from None
        except ValueError as error:
            self._give_up(f"answered {name!r} with invalid JSON ({error}): {_head(line)}")
        if not isinstance(reply, dict):
            self._give_up(
                f"answered {name!r} with a value that is not a JSON object: {_head(line)}"
            )
        return reply

    def _give_up(self, what: str) -> NoReturn:
        """End a process that is out of step; the error has the end of its error stream."""
        process, self._process = self._process, None
        said = process.end() if process is not None else ""
        lines = "".join(f"\n    {line}" for line in said.splitlines())
        raise DriverBroken(
            f"exec:{self.command}: {what}" + (f"; it wrote to stderr:{lines}" if lines else "")
        )

    def _where(self, command: str) -> str:
        return f"exec:{self.command}: the answer to {command!r}"


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"exec:{command}: {error}") from error
    if not words:
        raise UsageError("exec: needs a command, as in 'exec:node driver.js'")
    return words


def _head(line: str) -> str:
    text = line.rstrip("\n")
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} ..."


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
