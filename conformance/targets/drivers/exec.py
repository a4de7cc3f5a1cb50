"""The target `exec:CMD`: a translator in any language, behind a driver that speaks JSON lines.

A driver that translates leaves the delivery to our sender; one that delivers sends to the mock.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import requests

from conformance.spec.scenarios.loading import Json, Scenario
from conformance.spec.scenarios.needs import is_about_delivery
from conformance.targets.builtin import Builtin
from conformance.targets.drivers.driver import Driver
from conformance.targets.protocol import About, TranslatorFailed, Unsupported
from conformance.targets.target import (
    Answer,
    CannotRun,
    Lost,
    SettingsRefused,
    Setup,
    TargetFailed,
    TargetSession,
    with_capabilities,
)
from conformance.targets.target_responses import (
    answer_from,
    handshake,
    json_values,
    open_session,
    reason_from,
)
from translator import Failure, Operation, Result, Skip
from translator.core.residency import HOSTS

TIMEOUT_SECONDS = 30


class ExecTarget:
    """A driver's process, kept from scenario to scenario; `close` ends it."""

    fixed_settings = None

    def __init__(self, command: str, *, timeout_seconds: float = 30) -> None:
        self._driver = Driver(command, timeout_seconds=timeout_seconds)
        self._about: About | None = None

    def about(self) -> About:
        """The driver's description of itself. Raises DriverBroken if it has no usable one."""
        if self._about is None:
            start = partial(self._driver.start, {"token": "T"})
            self._about = handshake(start, f"exec:{self._driver.command}")
        return self._about

    def adapted(self, scenario: Scenario) -> Scenario:
        """The scenario, unchanged. Raises CannotRun if the target lacks something that it needs."""
        if self.about().does == "translate" and is_about_delivery(scenario):
            raise CannotRun("the scenario is about delivery, and this target only translates")
        return with_capabilities(self.about(), scenario)

    def open(self, setup: Setup) -> TargetSession:
        """A session with these settings."""
        start = partial(
            self._driver.start,
            setup.settings,
            mode=setup.mode,
            rules=setup.rules,
            base_urls=setup.base_urls,
            clock_url=setup.mock.clock_url if setup.mock else None,
            browser=setup.browser,
        )
        found = open_session(self.about(), setup, start)
        if not isinstance(found, About):
            return found
        if setup.mode != "cloud":
            return _Device(self._driver, found)
        if found.does == "deliver":
            return _Delivering(self._driver, found)
        return _Translating(self._driver, found, setup)

    def close(self) -> None:
        """End the driver."""
        self._driver.close()


class _Session:
    """The common part of all kinds of sessions."""

    def __init__(self, driver: Driver, about: About) -> None:
        self._driver, self._about = driver, about
        self.observes = about.tells

    def close(self) -> None:
        self._driver.stop()


class _Delivering(_Session):
    """The driver delivers."""

    def __init__(self, driver: Driver, about: About) -> None:
        super().__init__(driver, about)
        self.observes |= {"requests"}

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        try:
            found = self._asked(json_values(messages), now)
        except Unsupported as error:
            raise CannotRun(str(error)) from error
        except TranslatorFailed as error:
            raise TargetFailed(str(error)) from error
        return [answer_from(each) for each in found]

    def flush(self) -> None:
        """Do nothing: after an answer everything is delivered."""

    def _asked(self, messages: Sequence[Any], now: datetime) -> list[Json]:
        return self._driver.deliver(messages, now)


class _Device(_Delivering):
    """In device modes the runner sends nothing itself: the driver reports its calls."""

    def __init__(self, driver: Driver, about: About) -> None:
        super().__init__(driver, about)
        self.observes |= {"calls"}
        if about.does == "translate":
            self.observes -= {"requests"}

    def _asked(self, messages: Sequence[Any], now: datetime) -> list[Json]:
        if self._about.does == "deliver":
            return self._driver.deliver(messages, now)
        return self._driver.translate(messages, now)


class _Translating(_Session):
    """The driver translates; our sender delivers, or a plain POST where the driver says how."""

    def __init__(self, driver: Driver, about: About, setup: Setup) -> None:
        super().__init__(driver, about)
        self.observes |= {"requests", "undelivered"}
        self._setup = setup
        self._translated: deque[Json] = deque()
        self._sending: TargetSession | None = None
        # Settings that only the driver accepts are for scenarios that send nothing.
        with suppress(SettingsRefused):
            self._sending = Builtin(self._translate).open(setup)

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        assert self._sending is not None
        try:
            found = [
                answer
                for message in json_values(messages)
                for answer in self._driver.translate([message], now)
            ]
        except Unsupported as error:
            raise CannotRun(str(error)) from None
        except TranslatorFailed as error:
            raise TargetFailed(str(error)) from None
        operations = [each for answer in found for each in answer["operations"]]
        for each in operations:
            _check_host(each["host"])
        if any("auth" in each or "query" in each for each in operations):
            return [self._posted(answer) for answer in found]
        self._translated.extend(found)
        return self._sending.deliver(messages, now)

    def flush(self) -> None:
        assert self._sending is not None
        self._sending.flush()

    def close(self) -> None:
        if self._sending is not None:
            self._sending.close()
        super().close()

    def _translate(self, message: Any, settings: Any, **_: Any) -> Result:
        return _result(self._translated.popleft())

    def _posted(self, answer: Json) -> Answer:
        lost = [
            Lost(each["endpoint"], problem)
            for each in answer["operations"]
            if (problem := post(each, self._setup.base_urls))
        ]
        return answer_from({**answer, "undelivered": ()})._replace(undelivered=tuple(lost))


def _check_host(host: str) -> None:
    """Raises TargetFailed unless it is a host of Mixpanel's."""
    if host.rstrip("/") not in HOSTS.values():
        raise TargetFailed(
            f"an operation has the host {host!r:.100}; "
            f"'host' must be one of {', '.join(HOSTS.values())}"
        )


def post(operation: Json, base_urls: Mapping[str, str]) -> str:
    """Send one operation with the credentials and the query that it names; returns the reason if it
    failed.

    Raises TargetFailed for an operation that cannot be sent at all.
    """
    host, auth = operation["host"].rstrip("/"), operation.get("auth")
    with requests.Session() as session:
        session.trust_env = False
        try:
            response = session.post(
                base_urls[host] + operation["endpoint"],
                params=operation.get("query", {}),
                json=[operation["payload"]],
                auth=(auth.get("user", ""), auth.get("password", "")) if auth else None,
                timeout=TIMEOUT_SECONDS,
            )
        except (requests.RequestException, ValueError) as error:
            raise TargetFailed(f"an operation cannot be sent: {error}") from error
    return "" if response.ok else f"HTTP {response.status_code}: {response.text:.200}"


def _result(answer: Json) -> Result:
    error = answer.get("error")
    return Result(
        None,
        tuple(
            Operation(each["endpoint"], each["host"].rstrip("/"), each["payload"])
            for each in answer["operations"]
        ),
        tuple(Skip(*reason_from(each)) for each in answer.get("skipped", ())),
        Failure(*reason_from(error)) if error is not None else None,
    )
